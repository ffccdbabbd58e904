"""Fixtures of all tests: tables and environment variables from template.yaml, and blocked network access."""

import socket
import sys
from collections.abc import Iterator
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from moto import mock_aws
from xdist.scheduler import LoadScopeScheduling

from scheduling.http import request_log
from scheduling.store import client as store
from tests.support import template
from tests.support.dynamodb import Engine, EngineMissing
from tests.support.no_skips import pytest_make_collect_report, pytest_runtest_makereport

# The deployments of other tests zip the folders of the functions, which must contain no bytecode.
sys.dont_write_bytecode = True

ISSUER = "https://issuer.test"
AUDIENCE = "sessions"

__all__ = ["pytest_make_collect_report", "pytest_runtest_makereport"]

_TESTS = Path(__file__).parent
_OFFLINE = {"unit", "functional"}
_GROUPS = ("functional", "e2e")
"""The folders whose tests must run in one process: `functional` records the calls of all its tests, and the tests of
`e2e` share one local stack."""
_COVERING = {"unit", "functional"}
"""The folders of the tests that run the layer's code in their own process."""
_namespaces = count()
_session = boto3.Session()
_client_for_moto = lru_cache(store.client.__wrapped__)
"""The layer's client, shared by all tests on moto, because creating a client is slower than most tests."""


class _Groups(LoadScopeScheduling):
    """Groups of tests that pytest-xdist runs in parallel. All tests of one group run in one process."""

    def _split_scope(self, nodeid: str) -> str:
        """Return the group of a test: its folder if `_GROUPS` contains the folder, and otherwise its module."""
        module = nodeid.partition("::")[0]
        return next((folder for folder in _GROUPS if module.startswith(f"tests/{folder}/")), module)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _Groups:
    """Let `--dist loadscope` distribute tests by the groups of `_Groups`."""
    return _Groups(config, log)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Turn off coverage for tests outside the folders in `_COVERING`."""
    if item.path.relative_to(_TESTS).parts[0] not in _COVERING:
        item.add_marker(pytest.mark.no_cover)


@pytest.fixture(autouse=True)
def _block_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Block all network access in unit tests. In functional tests, allow only connections to 127.0.0.1."""
    connect = socket.socket.connect

    def refuse(self: socket.socket, address: Any) -> None:
        if "functional" in parts and address[0] == "127.0.0.1":
            return connect(self, address)
        raise AssertionError("This test may not use the network.")

    parts = request.path.parts
    if _OFFLINE & set(parts):
        monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Set the environment variables of all functions, as in a deployment with an external issuer."""
    variables = template.environment(JwtIssuer=ISSUER, JwtAudience=AUDIENCE, **{"AWS::StackName": "sessions"})
    credentials = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }
    for name, value in {**variables, **credentials}.items():
        monkeypatch.setenv(name, value)
    # Without this line, the logger would write all lines to the captured output of the first test.
    monkeypatch.setattr(request_log.logger().registered_handler, "stream", sys.stdout)
    client = store.client
    client.cache_clear()
    yield monkeypatch
    client.cache_clear()


@pytest.fixture
def tables(environment: pytest.MonkeyPatch) -> Iterator[Any]:
    """Create empty tables in moto and yield a client.

    Tests of races use `dynamodb_local` instead, because concurrent transactions are not atomic in moto.
    """
    with mock_aws():
        environment.setattr(store, "client", _client_for_moto)
        client = _create_client("test")
        template.create_tables(client)
        yield client


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """Start DynamoDB Local. Without Java or npm, skip the tests that need DynamoDB Local."""
    try:
        with Engine() as running:
            yield running
    except EngineMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture
def dynamodb_local(engine: Engine, environment: pytest.MonkeyPatch) -> Any:
    """Create empty tables in DynamoDB Local for this test alone, and return a client."""
    namespace = f"test{next(_namespaces)}"
    environment.setenv("AWS_ACCESS_KEY_ID", namespace)
    environment.setenv("DYNAMODB_ENDPOINT", engine.endpoint)
    environment.setattr(store, "Config", _build_patient_config)
    client = _create_client(namespace, engine.endpoint)
    template.create_tables(client)
    return client


def _build_patient_config(**options: Any) -> Config:
    """Return the layer's configuration, but wait longer for DynamoDB Local, which is slow on a busy machine.

    After a timeout, botocore sends a request again. A test that counts calls or statuses would then fail.
    """
    return Config(**options | {"connect_timeout": 30, "read_timeout": 60})


def _create_client(namespace: str, endpoint: str | None = None) -> Any:
    return _session.client(
        "dynamodb",
        region_name="eu-west-1",
        aws_access_key_id=namespace,
        aws_secret_access_key="test",
        endpoint_url=endpoint,
    )
