"""Who is calling, from the claims that the gateway verified."""

from typing import Any

import pytest

from scheduling.domain.permissions import Principal
from scheduling.errors import Unauthorized
from scheduling.http.auth import principal


@pytest.fixture(autouse=True)
def _roles_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLES_CLAIM", "cognito:groups")


def event(**claims: Any) -> dict[str, Any]:
    """An event that the gateway's authorizer let in."""
    return {"requestContext": {"authorizer": {"jwt": {"claims": claims}}}}


def caller(groups: object) -> Principal:
    """Who is calling, with this claim of roles."""
    return principal(event(sub="ada", **{"cognito:groups": groups}))


@pytest.mark.parametrize(
    "groups",
    [
        ["ADMIN", "USER"],
        "[ADMIN USER]",
        "ADMIN,USER",
        "ADMIN, USER",
        "[ADMIN, USER]",
        ["ADMIN", "USER", "somebody else's group"],
        ["USER", "ADMIN", "ADMIN"],
    ],
)
def test_roles_are_read_in_every_spelling(groups: object) -> None:
    assert caller(groups) == Principal("ada", frozenset({"ADMIN", "USER"}))


@pytest.mark.parametrize(
    "groups",
    [None, "", "[]", [], "admin", "ADMINISTRATOR", "NOT-ADMIN", ["other"], 1, {"ADMIN": True}, [["ADMIN"]]],
)
def test_what_is_no_role_grants_nothing_and_leaves_a_user(groups: object) -> None:
    assert caller(groups).roles == {"USER"}


def test_roles_come_from_the_claim_that_is_set_and_from_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    claims = {"sub": "ada", "roles": "MANAGER", "cognito:groups": "ADMIN"}
    monkeypatch.setenv("ROLES_CLAIM", "roles")
    assert principal(event(**claims)).roles == {"MANAGER"}


@pytest.mark.parametrize("claims", [{"name": "Ada"}, {"sub": ""}, {"sub": 7}, {"sub": None}])
def test_claims_without_a_subject_are_nobodys(claims: dict[str, Any]) -> None:
    with pytest.raises(Unauthorized) as caught:
        principal(event(**claims, iss="somebody"))
    assert caught.value.challenge == "invalid_token"


@pytest.mark.parametrize(
    "without_claims",
    [
        {},
        {"requestContext": {}},
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
def test_without_claims_and_without_a_token_nobody_is_calling(
    without_claims: dict[str, Any], headers: dict[str, str] | None
) -> None:
    with pytest.raises(Unauthorized) as caught:
        principal({**without_claims, "headers": headers})
    assert caught.value.challenge is None
    assert caught.value.headers == {"WWW-Authenticate": 'Bearer realm="sessions"'}
