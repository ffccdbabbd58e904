"""Fixtures of all tests: tables and settings from template.yaml, and blocked network access."""

import socket
import sys
from collections.abc import Iterator
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from scheduling.http import request_log
from scheduling.store import client as store
from tests.support import template
from tests.support.dynamodb import Engine, EngineMissing
from tests.support.no_skips import pytest_make_collect_report, pytest_runtest_makereport

ISSUER = "https://issuer.test"
AUDIENCE = "sessions"

__all__ = ["pytest_make_collect_report", "pytest_runtest_makereport"]

_TESTS = Path(__file__).parent
_OFFLINE = {"unit", "functional"}
_COVERING = {"unit", "functional", "dynamodb"}
"""The folders of the tests that run the layer's code in their own process."""
_namespaces = count()
_session = boto3.Session()
_client_for_moto = lru_cache(store.client.__wrapped__)
"""The layer's client, shared by all tests on moto, because creating a client is slower than most tests."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group the tests for pytest-xdist, and turn off coverage for tests outside the folders in `_COVERING`.

    All tests of a group run in one process. The functional tests are one group, because they share a record of
    calls. The tests with the fixture `shared_stack` are one group, because they share a stack. Each other module is a
    group, because its tests share fixtures.
    """
    for item in items:
        assert isinstance(item, pytest.Function)
        folder = item.path.relative_to(_TESTS).parts[0]
        group = folder if folder == "functional" else str(item.path.relative_to(_TESTS))
        item.add_marker(pytest.mark.xdist_group("stack" if "shared_stack" in item.fixturenames else group))
        if folder not in _COVERING:
            item.add_marker(pytest.mark.no_cover)


@pytest.fixture(autouse=True)
def _block_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Block all network access in unit tests, and all but loopback in functional tests."""
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
    # Otherwise the logger would still write to the captured output of the first test.
    monkeypatch.setattr(request_log.logger().registered_handler, "stream", sys.stdout)
    client = store.client
    client.cache_clear()
    yield monkeypatch
    client.cache_clear()


@pytest.fixture
def tables(environment: pytest.MonkeyPatch) -> Iterator[Any]:
    """Create empty tables in moto and yield a client. Transactions in moto are not atomic under threads."""
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
    client = _create_client(namespace, engine.endpoint)
    template.create_tables(client)
    return client


def _create_client(namespace: str, endpoint: str | None = None) -> Any:
    return _session.client(
        "dynamodb",
        region_name="eu-west-1",
        aws_access_key_id=namespace,
        aws_secret_access_key="test",
        endpoint_url=endpoint,
    )
