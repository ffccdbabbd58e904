"""Permissions over HTTP with real tokens: every role and ten actions, on the caller's own and on foreign timelines."""

import time

import httpx
import pytest

from tests.e2e.conftest import TIMEOUT_SECONDS, People, Person

OK, FORBIDDEN = 200, 403

# For each action, two rows of statuses: first on a foreign timeline, then on the caller's own timeline.
# Each row has the statuses for an ADMIN, a MANAGER, a USER, and a caller without a role.
EXPECTED = {
    "read a session": ((OK, OK, FORBIDDEN, FORBIDDEN), (OK, OK, OK, OK)),
    "create a session": ((OK, OK, FORBIDDEN, FORBIDDEN), (OK, OK, OK, OK)),
    "change a session": ((OK, OK, FORBIDDEN, FORBIDDEN), (OK, OK, OK, OK)),
    "move a session to another timeline": ((OK, OK, FORBIDDEN, FORBIDDEN), (OK, OK, OK, OK)),
    "delete a session": ((OK, FORBIDDEN, FORBIDDEN, FORBIDDEN), (OK, OK, OK, OK)),
    "read occurrences": ((OK, OK, FORBIDDEN, FORBIDDEN), (OK, OK, OK, OK)),
    "read a timeline": ((OK, OK, FORBIDDEN, FORBIDDEN), (OK, OK, OK, OK)),
    "create a timeline": ((OK, FORBIDDEN, FORBIDDEN, FORBIDDEN), (OK, OK, OK, OK)),
    "change a timeline": ((OK, FORBIDDEN, FORBIDDEN, FORBIDDEN), (OK, OK, OK, OK)),
    "delete a timeline": ((OK, FORBIDDEN, FORBIDDEN, FORBIDDEN), (OK, OK, OK, OK)),
}
ROLES = ("ADMIN", "MANAGER", "USER", "")


@pytest.fixture(scope="module")
def owner(people: People) -> Person:
    """Create the user whose sessions and timelines the callers try to access."""
    return people.add("owner", "USER")


@pytest.fixture(scope="module", params=ROLES, ids=lambda role: role or "no role")
def caller(request: pytest.FixtureRequest, people: People) -> tuple[str, Person]:
    """Create a user with a role; return the role and the user."""
    role = request.param
    return role, people.add(f"matrix-{role.lower() or 'none'}", *([role] if role else []))


def send_request(action: str, caller: Person, owner: Person) -> httpx.Response:
    """Send the request of an action on the owner's sessions and timelines; return the answer."""
    match action:
        case "create a timeline":
            return caller.call("POST", "/timelines", json={"name": "New", "ownerId": owner.id})
        case "read occurrences":
            week = {"from": "2023-12-11T00:00:00Z", "to": "2023-12-18T00:00:00Z"}
            return caller.call("GET", "/occurrences", params={**week, "ownerId": owner.id})
        case "read a timeline":
            return caller.call("GET", f"/timelines/{owner.create_timeline()}")
        case "change a timeline":
            return caller.call("PATCH", f"/timelines/{owner.create_timeline()}", json={"name": "New"})
        case "delete a timeline":
            return caller.call("DELETE", f"/timelines/{owner.create_timeline()}")
    body = {"type": "ONE_TIME", "timelineId": owner.create_timeline(), "name": "Session"}
    if action == "create a session":
        return caller.call("POST", "/sessions", json=body)
    path = f"/sessions/{owner.create('/sessions', **body)['id']}"
    match action:
        case "read a session":
            return caller.call("GET", path)
        case "change a session":
            return caller.call("PATCH", path, json={"name": "New"})
        case "move a session to another timeline":
            return caller.call("PATCH", path, json={"timelineId": owner.create_timeline()})
        case "delete a session":
            return caller.call("DELETE", path)
    raise AssertionError(action)


@pytest.mark.parametrize("whose", ["foreign", "own"])
@pytest.mark.parametrize("action", EXPECTED)
def test_each_role_has_exactly_the_permissions_in_the_table(
    caller: tuple[str, Person], owner: Person, action: str, whose: str
) -> None:
    role, who = caller
    answer = send_request(action, who, owner if whose == "foreign" else who)
    assert answer.status_code == EXPECTED[action][whose == "own"][ROLES.index(role)]
    if answer.status_code == FORBIDDEN:
        body = answer.json()
        assert (body["statusCode"], body["error"], body["code"]) == (403, "Forbidden", "FORBIDDEN")
        assert body["details"] == []


def wait_for_count(caller: Person, path: str, least: int) -> int:
    """Return the count of a list as soon as the count is at least `least`. After a time limit, return any count.

    A list of all owners has counts of `update_counters`, which runs some time after a change.
    """
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while True:
        count: int = caller.call("GET", path).json()["meta"]["meta"]["count"]
        if count >= least or time.monotonic() > deadline:
            return count
        time.sleep(0.2)


def test_lists_contain_only_entities_that_the_caller_may_read(people: People) -> None:
    first, second = people.add("lister-1", "USER"), people.add("lister-2", "USER")
    timelines = {one: one.create_timeline() for one in (first, second)}
    for one, timeline in timelines.items():
        one.create("/sessions", type="ONE_TIME", timelineId=timeline, name=one.id)
    for one, other in ((first, second), (second, first)):
        assert [session["name"] for session in one.call("GET", "/sessions").json()["data"]] == [one.id]
        of_other = one.call("GET", "/sessions", params={"timelineId": timelines[other]})
        assert (of_other.json()["data"], of_other.json()["meta"]["meta"]["count"]) == ([], 0)
        assert [found["id"] for found in one.call("GET", "/timelines").json()["data"]] == [timelines[one]]
    for all_seeing in (people.manager, people.admin):
        for path in ("/sessions", "/timelines"):
            assert wait_for_count(all_seeing, path, 2) >= 2
        one = all_seeing.call("GET", "/sessions", params={"timelineId": timelines[first]})
        assert [session["name"] for session in one.json()["data"]] == [first.id]


def test_moving_a_session_to_another_owner_needs_the_permission_to_delete_the_session(people: People) -> None:
    mine, theirs = people.add("mover-1", "USER"), people.add("mover-2", "USER")
    session = mine.create("/sessions", type="ONE_TIME", timelineId=mine.create_timeline(), name="x")
    move = {"timelineId": theirs.create_timeline()}
    for who, status in (
        (mine, FORBIDDEN),
        (theirs, FORBIDDEN),
        (people.manager, FORBIDDEN),
        (people.admin, OK),
    ):
        assert who.call("PATCH", f"/sessions/{session['id']}", json=move).status_code == status
    assert mine.call("GET", f"/sessions/{session['id']}").status_code == FORBIDDEN
    assert theirs.call("GET", f"/sessions/{session['id']}").status_code == OK


def test_a_conflict_names_only_sessions_that_the_caller_may_read(people: People) -> None:
    """A session conflicts only with sessions of the same owner.

    A caller who may create sessions for an owner may read all sessions of this owner.
    """
    who = people.add("conflict", "USER")
    timed = {"startDateTime": "2023-12-15T14:00:00Z", "endDateTime": "2023-12-15T15:00:00Z"}
    first = who.create("/sessions", type="ONE_TIME", timelineId=who.create_timeline(), name="Secret", **timed)
    body = {"type": "ONE_TIME", "timelineId": who.create_timeline(), "name": "x", **timed}
    stranger = people.add("conflict-stranger", "USER").call("POST", "/sessions", json=body)
    assert stranger.status_code == FORBIDDEN
    assert "Secret" not in stranger.text
    assert first["id"] not in stranger.text
    assert people.manager.call("POST", "/sessions", json=body).json()["details"][0]["name"] == "Secret"


def test_read_only_fields_in_a_body_are_ignored_and_internal_fields_get_a_400(people: People) -> None:
    who = people.add("assigner", "USER")
    session = who.create("/sessions", type="ONE_TIME", timelineId=who.create_timeline(), name="x")
    path = f"/sessions/{session['id']}"
    forged = {"id": "mine", "createdAt": "2000-01-01T00:00:00.000Z", "removedAt": "2000-01-01T00:00:00.000Z"}
    assert who.call("PATCH", path, json=forged).json()["data"] == session
    for field in ("ownerId", "version", "startKey", "expiresAt"):
        assert who.call("PATCH", path, json={field: "1"}).status_code == 400
    assert who.call("GET", path).json()["data"] == session
