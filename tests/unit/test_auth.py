"""Principal of a request, from the claims that the gateway verified."""

from typing import Any

import pytest

from scheduling.domain.permissions import Principal
from scheduling.errors import InvalidSubject, Unauthorized
from scheduling.http.auth import authenticate
from scheduling.http.event import read_event

COGNITO = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc"
OTHER = "https://login.example.com/"


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLES_CLAIM", "cognito:groups")
    monkeypatch.setenv("JWT_ISSUER", OTHER)


def principal(**claims: Any) -> Principal:
    """Return the principal of a request, from claims that the gateway has verified."""
    return authenticate(read_event({"requestContext": {"authorizer": {"jwt": {"claims": claims}}}}))


def roles(groups: object) -> set[str]:
    """Return the roles that a claim grants."""
    return set(principal(sub="ada", **{"cognito:groups": groups}).roles)


@pytest.mark.parametrize(
    "groups",
    [
        ["ADMIN", "USER"],
        ["ADMIN", "USER", "another group"],
        ["USER", "ADMIN", "ADMIN"],
        "[ADMIN USER]",
        "ADMIN USER",
        "ADMIN,USER",
        "ADMIN, USER",
    ],
)
def test_roles_are_read_in_every_documented_format(groups: object) -> None:
    assert roles(groups) == {"ADMIN", "USER"}


@pytest.mark.parametrize(
    "groups",
    [None, "", "[]", [], "admin", "ADMINISTRATOR", "NOT-ADMIN", ["other"], 1, {"ADMIN": True}, [["ADMIN"]]],
)
def test_a_claim_without_a_role_grants_the_role_user(groups: object) -> None:
    assert roles(groups) == {"USER"}


@pytest.mark.parametrize("issuer", [COGNITO, OTHER])
@pytest.mark.parametrize(
    "groups",
    ["NOT ADMIN", "team,ADMIN", "[team,ADMIN]", "[[ADMIN]]", "[ADMIN", "ADMIN]", "[ADMIN, USER]", "ADMIN\n"],
)
def test_a_group_whose_name_contains_a_role_does_not_grant_the_role(
    monkeypatch: pytest.MonkeyPatch, issuer: str, groups: str
) -> None:
    monkeypatch.setenv("JWT_ISSUER", issuer)
    assert "ADMIN" not in roles(groups)


def test_a_list_with_a_role_and_another_group_is_accepted_only_from_cognito(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The gateway forwards both ["STAFF", "ADMIN"] and ["STAFF ADMIN"] as [STAFF ADMIN].

    In Cognito, names of groups have no spaces. So in a token of Cognito, [STAFF ADMIN] is a list of two groups.
    """
    assert roles("[STAFF ADMIN]") == {"USER"}
    monkeypatch.setenv("JWT_ISSUER", COGNITO)
    assert roles("[STAFF ADMIN]") == {"ADMIN"}


def test_a_custom_claim_of_cognito_is_not_read_as_a_list_of_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_ISSUER", COGNITO)
    monkeypatch.setenv("ROLES_CLAIM", "custom:roles")
    assert principal(sub="ada", **{"custom:roles": "[NOT ADMIN]"}).roles == {"USER"}


def test_roles_come_from_the_configured_claim_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLES_CLAIM", "roles")
    assert principal(sub="ada", roles="MANAGER", **{"cognito:groups": "ADMIN"}).roles == {"MANAGER"}


@pytest.mark.parametrize(
    "subject", ["", 7, None, "a b", "ä", "x" * 129, "a\n", "x" * 3000], ids=lambda s: repr(s)[:20]
)
def test_a_subject_that_cannot_own_a_timeline_is_refused(subject: object) -> None:
    with pytest.raises(InvalidSubject) as caught:
        principal(sub=subject, iss=OTHER)
    assert caught.value.status == 401
    assert "128 visible ASCII characters" in caught.value.message
    assert caught.value.challenge == "invalid_token"


@pytest.mark.parametrize("subject", ["a", "x" * 128, "auth0|5f7c8ec7", "!~"])
def test_a_subject_of_visible_ascii_is_accepted(subject: str) -> None:
    assert principal(sub=subject).id == subject


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"requestContext": {}},
        {"requestContext": None},
        {"requestContext": {"authorizer": None}},
        {"requestContext": {"authorizer": {"lambda": {"sub": "ada"}}}},
        {"requestContext": {"authorizer": {"jwt": None}}},
        {"requestContext": {"authorizer": {"jwt": {"claims": {}}}}},
    ],
)
@pytest.mark.parametrize(
    "headers",
    [None, {}, {"authorization": ""}, {"authorization": "Basic YTpi"}, {"Authorization": "Bearer "}],
)
def test_a_request_without_claims_and_without_a_token_is_refused(
    event: dict[str, Any], headers: dict[str, str] | None
) -> None:
    with pytest.raises(Unauthorized) as caught:
        authenticate(read_event({**event, "headers": headers}))
    assert caught.value.challenge is None
    assert caught.value.headers == {"WWW-Authenticate": 'Bearer realm="sessions"'}


def test_a_token_over_8192_characters_is_refused() -> None:
    with pytest.raises(Unauthorized) as caught:
        authenticate(read_event({"headers": {"authorization": "Bearer " + "x" * 10_000}}))
    assert caught.value.challenge == "invalid_token"
