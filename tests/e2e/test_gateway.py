"""Tokens of an external issuer. The gateway verifies these tokens. Without a gateway, the layer verifies the tokens."""

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from local.stack import Stack, free_port
from tests.e2e.conftest import TIMEOUT_SECONDS
from tests.support.api import load_event
from tests.support.issuer import ATTACKS, AUDIENCE, Issuer

ACCEPTED_BY_THE_EMULATOR = {"without an expiry", "without a subject", "of an empty subject"}
"""Invalid tokens that the gateway of the emulator accepts. Without a gateway, the layer refuses these tokens."""


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    """Start an issuer. The gateway and the functions read the keys of the issuer over HTTP."""
    running = Issuer()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def stack(issuer: Issuer) -> Iterator[Stack]:
    """Deploy a stack that trusts the issuer and has no user pool."""
    parameters = {"JwtIssuer": issuer.url, "JwtAudience": f"other,{AUDIENCE}"}
    with Stack("e2e-issuer", free_port(), parameters) as running:
        yield running


def call_gateway(stack: Stack, authorization: str | None) -> httpx.Response:
    """Send a request through the gateway; return the answer of the gateway or of the function."""
    headers = {} if authorization is None else {"Authorization": authorization}
    return httpx.get(f"{stack.url}/timelines", headers=headers, timeout=TIMEOUT_SECONDS, trust_env=False)


def invoke_function(stack: Stack, authorization: str | None) -> tuple[int, dict[str, str]]:
    """Invoke a function directly, without claims of the gateway; return the status and the headers.

    The layer waits only a few seconds for the keys of the issuer. So on a busy machine, retry after a 503.
    """
    event = load_event("list_timelines")
    del event["requestContext"]["authorizer"]
    event["headers"] = {} if authorization is None else {"authorization": authorization}
    functions = stack.client("lambda")
    (name,) = [
        function["FunctionName"]
        for function in functions.list_functions()["Functions"]
        if "ListTimelinesFunction" in function["FunctionName"]
    ]
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while True:
        with functions.invoke(FunctionName=name, Payload=json.dumps(event))["Payload"] as payload:
            answer: dict[str, Any] = json.load(payload)
        if answer["statusCode"] != 503 or time.monotonic() > deadline:
            return answer["statusCode"], answer["headers"]
        time.sleep(1)


def test_gateway_and_layer_accept_a_valid_token(stack: Stack, issuer: Issuer) -> None:
    good = f"Bearer {issuer.token()}"
    assert call_gateway(stack, good).status_code == 200
    assert invoke_function(stack, good)[0] == 200


@pytest.mark.parametrize("attack", ATTACKS)
def test_gateway_and_layer_refuse_invalid_tokens_with_401(stack: Stack, issuer: Issuer, attack: str) -> None:
    bad = f"Bearer {ATTACKS[attack](issuer)}"
    if attack not in ACCEPTED_BY_THE_EMULATOR:
        assert call_gateway(stack, bad).status_code == 401
    status, headers = invoke_function(stack, bad)
    assert (status, headers["WWW-Authenticate"]) == (401, 'Bearer realm="sessions", error="invalid_token"')


@pytest.mark.parametrize("authorization", [None, "Bearer", "Basic YTpi"])
def test_gateway_and_layer_refuse_a_request_without_a_token_with_401(
    stack: Stack, authorization: str | None
) -> None:
    assert call_gateway(stack, authorization).status_code == 401
    assert invoke_function(stack, authorization)[0] == 401


def test_the_roles_in_a_token_of_an_external_issuer_determine_the_permissions(
    stack: Stack, issuer: Issuer
) -> None:
    made = httpx.post(
        f"{stack.url}/timelines",
        json={"name": "Room", "ownerId": "room-7"},
        headers={"Authorization": f"Bearer {issuer.token(**{'cognito:groups': ['USER', 'ADMIN']})}"},
        timeout=TIMEOUT_SECONDS,
        trust_env=False,
    )
    assert (made.status_code, made.json()["data"]["ownerId"]) == (200, "room-7")
