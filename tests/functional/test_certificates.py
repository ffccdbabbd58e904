"""Verification of servers by root certificates in a directory. The layer has such a directory."""

import os
import runpy
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import botocore
import botocore.session
import pytest
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import SSLError

from scheduling.store.certificates import use_directory
from tests.support.certificates import LOOPBACK, CertificateAuthority
from tests.support.template import ROOT

BUNDLE = Path(botocore.__file__).with_name("cacert.pem")
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: 2\r\n\r\n{}"

split_roots: Callable[[Path, Path], None] = runpy.run_path(str(ROOT / "layers" / "scheduling" / "build.py"))[
    "split_roots"
]


@pytest.fixture(scope="module")
def authority() -> CertificateAuthority:
    return CertificateAuthority("known")


@pytest.fixture(scope="module")
def roots(authority: CertificateAuthority, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with botocore's root certificates and the root of `authority`."""
    folder = tmp_path_factory.mktemp("roots")
    (folder / "bundle.pem").write_text(BUNDLE.read_text("utf-8") + authority.root)
    split_roots(folder / "bundle.pem", folder / "roots")
    return folder / "roots"


def serve_once(authority: CertificateAuthority, folder: Path) -> str:
    """Start a TLS server that answers one request; return the address of the server."""
    context = authority.server_context(folder)
    listener = socket.create_server((LOOPBACK, 0))

    def answer() -> None:
        with listener:
            plain, _ = listener.accept()
            try:
                with context.wrap_socket(plain, server_side=True) as connection:
                    request = b""
                    while not request.endswith(b"{}") and (part := connection.recv(65536)):
                        request += part
                    connection.sendall(ANSWER)
            except OSError:
                plain.close()  # the client rejected the certificate

    threading.Thread(target=answer, daemon=True).start()
    return f"https://{LOOPBACK}:{listener.getsockname()[1]}"


@pytest.fixture
def create_client(environment: pytest.MonkeyPatch, roots: Path) -> Callable[[str], BaseClient]:
    """Return a function that creates clients. The clients trust only the root certificates in the directory `roots`."""
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        environment.delenv(name, raising=False)

    def create(endpoint: str) -> BaseClient:
        config = Config(retries={"total_max_attempts": 1})
        client = botocore.session.Session().create_client(
            "dynamodb", "eu-west-1", endpoint_url=endpoint, config=config
        )
        use_directory(client, roots)
        return client

    return create


def test_the_client_trusts_a_server_certificate_that_a_known_root_signed(
    authority: CertificateAuthority, create_client: Callable[[str], BaseClient], tmp_path: Path
) -> None:
    client = create_client(serve_once(authority, tmp_path))
    assert client.list_tables()["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_the_client_rejects_a_server_certificate_that_an_unknown_root_signed(
    create_client: Callable[[str], BaseClient], tmp_path: Path
) -> None:
    client = create_client(serve_once(CertificateAuthority("unknown"), tmp_path))
    with pytest.raises(SSLError, match="certificate verify failed"):
        client.list_tables()


def test_openssl_finds_each_root_certificate_in_the_directory(roots: Path) -> None:
    files = sorted(roots.iterdir())
    assert len(files) == BUNDLE.read_text("utf-8").count("BEGIN CERTIFICATE") + 1
    done = subprocess.run(
        ["openssl", "verify", "-no_check_time", "-no-CAfile", "-CApath", roots, *files],
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    assert done.stdout.count(": OK") == len(files)


def test_a_function_on_lambda_creates_its_only_dynamodb_client_during_initialization() -> None:
    script = """
import botocore.session
made, create = [], botocore.session.Session.create_client
def count(*arguments, **options):
    made.append(create(*arguments, **options))
    return made[-1]
botocore.session.Session.create_client = count
from functions.get_session.handler import lambda_handler
from scheduling.store.client import client, run_in_parallel
imported = len(made)
clients = run_in_parallel(client, client, client)
print(imported, len(made), set(map(id, clients)) == {id(made[0])})
"""
    done = subprocess.run(
        [sys.executable, "-B", "-c", script],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{ROOT}:{ROOT}/layers/scheduling",
            "AWS_LAMBDA_FUNCTION_NAME": "get_session",
            "AWS_DEFAULT_REGION": "eu-west-1",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["1", "1", "True"]
