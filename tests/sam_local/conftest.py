"""Fixtures for `sam local`. Functions run in Docker containers and use tables in DynamoDB Local.

DynamoDB Local and the issuer listen on an address to which the containers can connect.
"""

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import httpx
import pytest

from local.stack import free_port
from tests.support import docker_engine, dynamodb, lambda_image, template
from tests.support.docker_engine import DockerEngine
from tests.support.docker_engine import EngineMissing as NoDocker
from tests.support.issuer import AUDIENCE, Issuer
from tests.support.template import ROOT

REGION = "eu-west-1"
BUILT = ROOT / ".aws-sam" / "sam-local"
_SAM = (sys.executable, "-m", "samcli")
_WITHOUT_DEFAULTS = ("--config-env", "local")  # samconfig.toml has no defaults for `local`
_TIMEOUT_SECONDS = 180


class SamLocal:
    """`sam local`, with the template built for this machine."""

    def __init__(
        self, docker: DockerEngine, image: str, database: dynamodb.Engine, issuer: Issuer, scratch: Path
    ) -> None:
        self.docker = docker
        self.issuer = issuer
        self.endpoint = database.endpoint
        self._scratch = scratch
        parameters = {
            "Architecture": lambda_image.ARCHITECTURE,
            "DynamoDbEndpoint": address_for_containers(docker, database.endpoint),
            "JwtIssuer": issuer.url,
            "JwtAudience": AUDIENCE,
        }
        self.run_options = [
            *("--template", str(BUILT / "template.yaml"), "--skip-pull-image", "--invoke-image", image),
            *(("--docker-network", docker.network) if docker.network else ()),
        ]
        self._invoke_options = [
            *(*self.run_options, *_WITHOUT_DEFAULTS, "--region", REGION),
            *("--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items())),
        ]

    def invoke(self, function: str, namespace: str) -> dict[str, Any]:
        """Invoke the function in `functions/<function>` with its event from `events/`, and return the response."""
        logical_id = "".join(word.capitalize() for word in function.split("_")) + "Function"
        event = ROOT / "events" / f"{function}.json"
        done = subprocess.run(
            [*_SAM, "local", "invoke", logical_id, "--event", str(event), *self._invoke_options],
            cwd=ROOT,
            env=self._build_environment(namespace),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        return _parse_response(done)

    def run(self, line: str, folder: Path, *more: str) -> dict[str, Any]:
        """Run a command of the documentation in a shell, and return the function's response.

        In this shell, `sam` is a script in `folder`. The script runs the SAM CLI with additional options: `more`, and
        the options for the template and the image of the tests.
        """
        command = folder / "sam"
        options = (*self.run_options, "--config-file", str(ROOT / "samconfig.toml"), *more)
        command.write_text(f'#!/bin/sh\nexec {shlex.join(_SAM)} "$@" {shlex.join(options)}\n')
        command.chmod(0o755)
        environment = self._build_environment("test")
        environment["PATH"] = f"{folder}:{environment['PATH']}"
        return _parse_response(
            subprocess.run(
                ["sh", "-c", line],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
            )
        )

    @contextmanager
    def api(self, namespace: str, log: Path) -> Iterator[httpx.Client]:
        """Start `sam local start-api`, and yield a client while the context is open."""
        port = free_port()
        command = [*_SAM, "local", "start-api", "--port", str(port), "--warm-containers", "LAZY"]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*command, *self._invoke_options],
                cwd=ROOT,
                env=self._build_environment(namespace),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=_TIMEOUT_SECONDS) as client:
                _wait_until_ready(client, process, log)
                yield client
        finally:
            process.terminate()
            process.wait(_TIMEOUT_SECONDS)

    def _build_environment(self, namespace: str) -> dict[str, str]:
        """Return environment variables with which the SAM CLI cannot call an AWS service."""
        return _filter_environment() | {
            "DOCKER_HOST": self.docker.address,
            "TMPDIR": str(self._scratch),  # a new folder, because interrupted runs leave lock files behind
            "AWS_ACCESS_KEY_ID": namespace,
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:1",
            "AWS_MAX_ATTEMPTS": "1",
        }


@pytest.fixture(scope="module")
def sam(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SamLocal]:
    """Yield `sam local` with an image, tables and an issuer. Skip the tests if Docker or DynamoDB Local cannot run."""
    with ExitStack() as stack:
        try:
            dynamodb.unpack()  # download the package before this process enters the network namespace
            docker = stack.enter_context(docker_engine.engine())
            image = lambda_image.prepare(docker)
            _build_functions()
            stack.enter_context(docker.inside())
            database = stack.enter_context(dynamodb.Engine(docker.listen))
            docker.check_connection(image, lambda_image.INTERPRETER, urlsplit(database.endpoint).port)
        except (NoDocker, dynamodb.EngineMissing) as missing:
            pytest.skip(str(missing))
        issuer = Issuer(docker.listen)
        stack.callback(issuer.stop)
        issuer.url = address_for_containers(docker, issuer.url)
        yield SamLocal(docker, image, database, issuer, tmp_path_factory.mktemp("sam"))


def address_for_containers(docker: DockerEngine, address: str) -> str:
    """Return the address by which containers connect to a service that listens on `address`."""
    return address.replace(docker.listen, docker.host)


def _parse_response(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    print(done.stderr)  # pytest shows this log of the function when a test fails
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        pytest.fail(f"{done.args} did not return JSON: {done.stdout}")
    return answer


def create_tables(endpoint: str, namespace: str) -> None:
    """Create empty tables in a separate database."""
    session = boto3.Session(namespace, "test", region_name=REGION)
    client = session.client("dynamodb", endpoint_url=endpoint)
    template.create_tables(client)
    client.close()


def _build_functions() -> None:
    architecture = lambda_image.ARCHITECTURE
    command = [*_SAM, "build", *_WITHOUT_DEFAULTS, "--build-dir", str(BUILT)]
    done = subprocess.run(
        [*command, "--parameter-overrides", f"Architecture={architecture}"],
        cwd=ROOT,
        env=_filter_environment() | {"LAYER_ARCHITECTURE": architecture, "PYTHON": sys.executable},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def _filter_environment() -> dict[str, str]:
    """Return the environment without AWS settings, and without variables that the template sets."""
    ours = template.environment().keys()
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "SAM_CLI_")) and name not in ours
    } | {"SAM_CLI_TELEMETRY": "0"}


def _wait_until_ready(client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while True:
        try:
            client.get("/no-such-path")
        except httpx.ConnectError:
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"sam local start-api does not start: {log.read_text()}")
            time.sleep(0.1)
        else:
            return
