"""Authentication: tokens that the layer verifies without a gateway, and the roles in claims."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scheduling.errors import ServiceUnavailable, Unauthorized
from scheduling.http import token_verification
from scheduling.http.token_verification import IssuerKeys, issuer_keys
from tests.functional.conftest import ANNA, new_session
from tests.support.api import Caller, handler
from tests.support.issuer import (
    ATTACKS,
    AUDIENCE,
    BROKEN_CONFIGURATIONS,
    BROKEN_KEYS,
    BROKEN_REPLIES,
    CONFIGURATION_PATH,
    KEYS_PATH,
    Issuer,
    new_key,
    send_slowly,
)


@pytest.fixture(scope="module")
def running_issuer() -> Iterator[Issuer]:
    """Start one issuer for all tests that need a running issuer, because generating keys is slow."""
    issuer = Issuer()
    yield issuer
    issuer.stop()


@pytest.fixture
def issuer_with_timeout(
    running_issuer: Issuer, tables: Any, environment: pytest.MonkeyPatch
) -> Iterator[Issuer]:
    """Configure the functions to trust the issuer, and reset the issuer after the test."""
    environment.setenv("JWT_ISSUER", running_issuer.url)
    environment.setenv("JWT_AUDIENCE", f"other,{AUDIENCE}")
    issuer_keys.cache_clear()
    yield running_issuer
    issuer_keys.cache_clear()
    running_issuer.replies.clear()
    running_issuer.configuration.clear()
    running_issuer.key_members.clear()
    running_issuer.keys_path = KEYS_PATH
    running_issuer.keys = {"first": running_issuer.keys["first"]}


@pytest.fixture
def issuer(issuer_with_timeout: Issuer, environment: pytest.MonkeyPatch) -> Issuer:
    """Let the functions wait longer for the issuer, which responds late on a busy machine."""
    for name in ("_SOCKET_TIMEOUT_SECONDS", "_FETCH_SECONDS"):
        environment.setattr(token_verification, name, 60)
    return issuer_with_timeout


def list_timelines(authorization: str | None) -> tuple[int, dict[str, str]]:
    """Send `GET /timelines` without a gateway; return the status and the headers."""
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
    ids=["default", "list of audiences", "client_id without aud", "other accepted audience", "not before"],
)
def test_a_valid_token_is_accepted(issuer: Issuer, changes: dict[str, Any]) -> None:
    assert list_timelines(f"Bearer {issuer.token(**changes)}")[0] == 200
    assert list_timelines(f"bearer  {issuer.token(**changes)}")[0] == 200


def test_the_principal_is_the_subject_of_the_token(issuer: Issuer) -> None:
    Caller("anna").call("create_timeline", body={"name": "Mine"})
    event = ANNA.event("list_timelines", "", None, {}, {"authorization": f"Bearer {issuer.token()}"})
    del event["requestContext"]["authorizer"]
    assert json.loads(handler("list_timelines")(event, None)["body"])["data"][0]["ownerId"] == "anna"


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_invalid_token_gets_a_401(issuer: Issuer, attack: str) -> None:
    status, headers = list_timelines(f"Bearer {ATTACKS[attack](issuer)}")
    assert (status, headers["WWW-Authenticate"]) == (401, 'Bearer realm="sessions", error="invalid_token"')


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Basic YTpi", "Digest x"])
def test_a_request_without_a_token_gets_a_401_without_an_error_code(
    issuer: Issuer, authorization: str | None
) -> None:
    """RFC 6750, section 3.1: a request without authentication gets no error code."""
    status, headers = list_timelines(authorization)
    assert (status, headers["WWW-Authenticate"]) == (401, 'Bearer realm="sessions"')


def test_a_401_has_the_fields_of_an_error_and_does_not_contain_the_token(issuer: Issuer) -> None:
    forged = ATTACKS["tampered with"](issuer)
    event = ANNA.event("list_timelines", "", None, {}, {"authorization": f"Bearer {forged}"})
    del event["requestContext"]["authorizer"]
    text = handler("list_timelines")(event, None)["body"]
    body = json.loads(text)
    assert list(body) == ["statusCode", "error", "code", "message", "details", "requestId"]
    assert (body["statusCode"], body["error"], body["code"]) == (401, "Unauthorized", "UNAUTHORIZED")
    assert not any(part in text for part in forged.split("."))


class Clock:
    """Clock whose time a test sets."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_the_keys_of_the_issuer_are_cached(issuer: Issuer) -> None:
    before = issuer.reads
    for _ in range(5):
        assert list_timelines(f"Bearer {issuer.token()}")[0] == 200
    assert issuer.reads == before + 1


def test_a_new_key_of_the_issuer_is_found_more_than_ten_seconds_after_the_last_fetch(issuer: Issuer) -> None:
    clock = Clock()
    keys = IssuerKeys(issuer.url, clock)
    keys.find("first")
    issuer.keys["second"] = new_key()
    with pytest.raises(Unauthorized):
        keys.find("second")
    clock.seconds += 11
    assert keys.find("second").key_id == "second"


def test_a_withdrawn_key_is_refused_after_an_hour(issuer: Issuer) -> None:
    clock = Clock()
    keys = IssuerKeys(issuer.url, clock)
    keys.find("first")
    issuer.keys = {"second": new_key(), "first": issuer.keys["first"]}
    issuer.key_members["first"] = {"kid": "withdrawn"}
    clock.seconds += 3601
    with pytest.raises(Unauthorized):
        keys.find("first")


def test_keys_are_found_after_the_issuer_changes_the_address_of_its_key_set(issuer: Issuer) -> None:
    clock = Clock()
    keys = IssuerKeys(issuer.url, clock)
    keys.find("first")
    issuer.keys_path = "/moved"
    issuer.keys["second"] = new_key()
    clock.seconds += 11
    assert keys.find("second").key_id == "second"


def test_keys_are_fetched_again_more_than_ten_seconds_after_a_failed_fetch(issuer: Issuer) -> None:
    clock = Clock()
    keys = IssuerKeys(issuer.url, clock)
    issuer.replies[KEYS_PATH] = BROKEN_REPLIES["empty"]
    for _ in range(2):
        with pytest.raises(ServiceUnavailable):
            keys.find("first")
    issuer.replies.clear()
    with pytest.raises(ServiceUnavailable):
        keys.find("first")
    clock.seconds += 11
    assert keys.find("first").key_id == "first"


@pytest.mark.parametrize("path", [CONFIGURATION_PATH, KEYS_PATH])
@pytest.mark.parametrize("reply", BROKEN_REPLIES)
def test_a_broken_document_of_the_issuer_causes_a_503(issuer: Issuer, path: str, reply: str) -> None:
    issuer.replies[path] = BROKEN_REPLIES[reply]
    status, headers = list_timelines(f"Bearer {issuer.token()}")
    assert (status, headers["Retry-After"]) == (503, "1")


@pytest.mark.parametrize("configuration", BROKEN_CONFIGURATIONS)
def test_a_broken_configuration_of_the_issuer_causes_a_503(issuer: Issuer, configuration: str) -> None:
    issuer.configuration |= BROKEN_CONFIGURATIONS[configuration]
    assert list_timelines(f"Bearer {issuer.token()}")[0] == 503


def test_an_issuer_that_answers_too_slowly_causes_a_503(issuer_with_timeout: Issuer) -> None:
    slow = issuer_with_timeout
    slow.replies[KEYS_PATH] = send_slowly(json.dumps(slow.document(KEYS_PATH)).encode(), seconds=8)
    assert list_timelines(f"Bearer {slow.token()}")[0] == 503


@pytest.mark.parametrize("members", BROKEN_KEYS)
def test_a_token_gets_a_401_if_its_key_cannot_verify_rs256_signatures(issuer: Issuer, members: str) -> None:
    issuer.keys["second"] = new_key()
    issuer.key_members["second"] = BROKEN_KEYS[members]
    assert list_timelines(f"Bearer {issuer.token('second')}")[0] == 401
    assert list_timelines(f"Bearer {issuer.token()}")[0] == 200


def test_a_key_with_the_operation_verify_is_accepted(issuer: Issuer) -> None:
    issuer.key_members["first"] = {"key_ops": ["verify"], "use": "sig"}
    assert list_timelines(f"Bearer {issuer.token()}")[0] == 200


@pytest.mark.parametrize("keys", ["", 7, [], [7, None, "x"], {}])
def test_a_key_set_without_a_usable_key_causes_a_503(issuer: Issuer, keys: object) -> None:
    body = json.dumps({"keys": keys}).encode()
    issuer.replies[KEYS_PATH] = send_slowly(body, seconds=0)
    assert list_timelines(f"Bearer {issuer.token()}")[0] == 503


def test_a_token_with_an_empty_audience_and_a_correct_client_id_gets_a_401(issuer: Issuer) -> None:
    assert list_timelines(f"Bearer {issuer.token(aud=[], client_id=AUDIENCE)}")[0] == 401
    assert list_timelines(f"Bearer {issuer.token(aud='', client_id=AUDIENCE)}")[0] == 401


@pytest.mark.parametrize(
    "changes", [{"exp": float("inf")}, {"aud": {"a": [AUDIENCE]}}, {"exp": "soon"}], ids=str
)
def test_a_signed_token_with_malformed_claims_gets_a_401(issuer: Issuer, changes: dict[str, Any]) -> None:
    assert list_timelines(f"Bearer {issuer.token(**changes)}")[0] == 401


def test_a_deeply_nested_token_gets_a_401(issuer: Issuer) -> None:
    nested = base64.urlsafe_b64encode(b"[" * 5000).rstrip(b"=").decode()
    assert list_timelines(f"Bearer {nested}.{nested}.x")[0] == 401
    header = issuer.token().split(".")[0]
    assert list_timelines(f"Bearer {header}.{nested}.x")[0] == 401


def test_a_token_whose_subject_is_not_a_valid_owner_id_gets_a_401_that_names_the_claim(
    issuer: Issuer,
) -> None:
    event = ANNA.event("list_timelines", "", None, {}, {"authorization": f"Bearer {issuer.token(sub='a b')}"})
    del event["requestContext"]["authorizer"]
    response = handler("list_timelines")(event, None)
    assert response["statusCode"] == 401
    assert "claim sub" in json.loads(response["body"])["message"]


def test_five_tokens_with_unknown_key_ids_cause_one_fetch_of_the_keys(
    issuer: Issuer, environment: pytest.MonkeyPatch
) -> None:
    keys = IssuerKeys(issuer.url, Clock())  # the time between two fetches never ends, even on a slow machine
    environment.setattr(token_verification, "issuer_keys", lambda _: keys)
    before = issuer.reads
    for number in range(5):
        assert list_timelines(f"Bearer {issuer.token(str(number), key=issuer.keys['first'])}")[0] == 401
    assert issuer.reads == before + 1


def test_an_unreachable_issuer_causes_a_503(tables: Any, environment: pytest.MonkeyPatch) -> None:
    issuer = Issuer()
    good = issuer.token()
    environment.setenv("JWT_ISSUER", issuer.url)
    issuer.stop()
    status, headers = list_timelines(f"Bearer {good}")
    assert (status, headers["Retry-After"]) == (503, "1")
    issuer_keys.cache_clear()


@pytest.mark.parametrize("roles", ["[ADMIN]", "[USER ADMIN]", "ADMIN", "USER, ADMIN"])
def test_roles_are_read_from_strings_with_and_without_brackets(timeline: str, roles: str) -> None:
    session = new_session(ANNA, timeline)
    assert Caller("root", roles).call("delete_session", id=session["id"]).status == 200


@pytest.mark.parametrize("roles", [["STAFF", "ADMIN"], []])
def test_roles_in_a_token_may_be_a_list(issuer: Issuer, roles: list[str]) -> None:
    timeline = ANNA.call("create_timeline", body={"name": "x"}).data["id"]
    good = issuer.token(sub="root", **{"cognito:groups": roles})
    event = ANNA.event("get_timeline", timeline, None, {}, {"authorization": f"Bearer {good}"})
    del event["requestContext"]["authorizer"]
    assert handler("get_timeline")(event, None)["statusCode"] == (200 if roles else 403)


@pytest.mark.parametrize(
    "roles", ["", "[]", "[administrator]", "ADMINS", "[admin]", "[NOT ADMIN]", "team,ADMIN", "[[ADMIN]]"]
)
def test_a_claim_that_does_not_clearly_name_a_known_role_gives_no_access_to_foreign_timelines(
    timeline: str, roles: str
) -> None:
    assert Caller("eve", roles).call("get_timeline", id=timeline).status == 403
