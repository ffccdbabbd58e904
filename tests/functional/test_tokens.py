"""What reaches a handler without claims: the layer verifies the token itself, or answers 401."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from scheduling import token
from tests.functional.conftest import ANNA, new_session
from tests.support.api import Caller, handler
from tests.support.issuer import ATTACKS, AUDIENCE, Issuer, new_key


@pytest.fixture(scope="module")
def running_issuer() -> Iterator[Issuer]:
    """One for all tests: keys take a while to make."""
    issuer = Issuer()
    yield issuer
    issuer.stop()


@pytest.fixture
def issuer(running_issuer: Issuer, tables: Any, environment: pytest.MonkeyPatch) -> Iterator[Issuer]:
    """The issuer that the functions trust."""
    environment.setenv("JWT_ISSUER", running_issuer.url)
    environment.setenv("JWT_AUDIENCE", f"other,{AUDIENCE}")
    token._keys.cache_clear()
    yield running_issuer
    token._keys.cache_clear()


def listed(authorization: str | None) -> tuple[int, dict[str, str]]:
    """Status and headers of a list of timelines, asked for without a gateway."""
    headers = {} if authorization is None else {"Authorization": authorization}
    event = ANNA.event("list_timelines", "", None, {}, headers)
    del event["requestContext"]["authorizer"]
    response = handler("list_timelines")(event, None)
    return response["statusCode"], response["headers"]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"aud": ["x", AUDIENCE]},
        {"aud": None, "client_id": AUDIENCE},
        {"aud": "other"},
        {"nbf": datetime.now(UTC) - timedelta(1)},
    ],
    ids=["", "audiences", "client", "other client", "not before"],
)
def test_a_good_token_is_let_in(issuer: Issuer, changes: dict[str, Any]) -> None:
    assert listed(f"Bearer {issuer.token(**changes)}")[0] == 200
    assert listed(f"bearer  {issuer.token(**changes)}")[0] == 200


def test_who_calls_is_who_the_token_says(issuer: Issuer) -> None:
    Caller("anna").call("create_timeline", body={"name": "Mine"})
    event = ANNA.event("list_timelines", "", None, {}, {"authorization": f"Bearer {issuer.token()}"})
    del event["requestContext"]["authorizer"]
    assert json.loads(handler("list_timelines")(event, None)["body"])["data"][0]["ownerId"] == "anna"


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_bad_token_is_a_401(issuer: Issuer, attack: str) -> None:
    status, headers = listed(f"Bearer {ATTACKS[attack](issuer)}")
    assert (status, headers["WWW-Authenticate"]) == (401, 'Bearer realm="sessions", error="invalid_token"')


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Basic YTpi", "Digest x"])
def test_no_token_is_a_401_without_an_error_code(issuer: Issuer, authorization: str | None) -> None:
    """RFC 6750, section 3.1: a request without authentication gets no error code."""
    status, headers = listed(authorization)
    assert (status, headers["WWW-Authenticate"]) == (401, 'Bearer realm="sessions"')


def test_a_401_is_in_the_error_shape_and_says_nothing_of_the_token(issuer: Issuer) -> None:
    forged = ATTACKS["tampered with"](issuer)
    event = ANNA.event("list_timelines", "", None, {}, {"authorization": f"Bearer {forged}"})
    del event["requestContext"]["authorizer"]
    text = handler("list_timelines")(event, None)["body"]
    body = json.loads(text)
    assert list(body) == ["statusCode", "error", "code", "message", "details", "requestId"]
    assert (body["statusCode"], body["error"], body["code"]) == (401, "Unauthorized", "UNAUTHORIZED")
    assert not any(part in text for part in forged.split("."))


def test_keys_are_kept_and_read_again_when_a_new_one_appears(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = issuer.reads
    for _ in range(5):
        assert listed(f"Bearer {issuer.token()}")[0] == 200
    assert issuer.reads == before + 1
    issuer.keys["second"] = new_key()
    half_a_minute_later = SimpleNamespace(monotonic=lambda: time.monotonic() + 31)
    monkeypatch.setattr("jwt.jwks_client.time", half_a_minute_later)
    assert listed(f"Bearer {issuer.token('second')}")[0] == 200
    assert issuer.reads == before + 2


def test_made_up_key_ids_do_not_make_us_ask_the_key_server_each_time(issuer: Issuer) -> None:
    before = issuer.reads
    for number in range(5):
        assert listed(f"Bearer {issuer.token(str(number), key=issuer.keys['first'])}")[0] == 401
    assert issuer.reads == before + 1


def test_a_key_server_that_does_not_answer_is_a_503_and_no_way_in(
    tables: Any, environment: pytest.MonkeyPatch
) -> None:
    issuer = Issuer()
    good = issuer.token()
    environment.setenv("JWT_ISSUER", issuer.url)
    token._keys.cache_clear()
    issuer.stop()
    status, headers = listed(f"Bearer {good}")
    assert (status, headers["Retry-After"]) == (503, "1")
    token._keys.cache_clear()


def test_keys_that_cannot_be_read_are_a_503(tables: Any, environment: pytest.MonkeyPatch) -> None:
    issuer = Issuer()
    environment.setenv("JWT_ISSUER", issuer.url)
    token._keys.cache_clear()
    token._keys(issuer.url)  # the configuration is known; then the server goes
    good = issuer.token()
    issuer.stop()
    assert listed(f"Bearer {good}")[0] == 503
    token._keys.cache_clear()


@pytest.mark.parametrize("roles", ["[ADMIN]", "[STAFF ADMIN USER]", "ADMIN", "STAFF,ADMIN", "USER, ADMIN"])
def test_roles_are_read_in_every_spelling(timeline: str, roles: str) -> None:
    session = new_session(ANNA, timeline)
    assert Caller("root", roles).call("delete_session", id=session["id"]).status == 200


@pytest.mark.parametrize("roles", [["STAFF", "ADMIN"], []])
def test_roles_may_be_a_list(issuer: Issuer, roles: list[str]) -> None:
    timeline = ANNA.call("create_timeline", body={"name": "x"}).data["id"]
    good = issuer.token(sub="root", **{"cognito:groups": roles})
    event = ANNA.event("get_timeline", timeline, None, {}, {"authorization": f"Bearer {good}"})
    del event["requestContext"]["authorizer"]
    assert handler("get_timeline")(event, None)["statusCode"] == (200 if roles else 403)


@pytest.mark.parametrize("roles", ["", "[]", "[administrator]", "ADMINS", "[admin]"])
def test_what_is_no_role_grants_nothing(timeline: str, roles: str) -> None:
    assert Caller("eve", roles).call("get_timeline", id=timeline).status == 403
