"""Rules of the API over HTTP, each with one or a few cases. The functional tests check the other cases."""

import base64
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import People, Person

START, END = "2024-05-06T09:00:00+02:00", "2024-05-06T10:00:00+02:00"


@pytest.fixture(scope="module")
def user(people: People) -> Person:
    """Create a user with an empty calendar."""
    return people.add("contract", "USER")


@pytest.fixture
def timeline(user: Person) -> str:
    """Create a timeline of this user."""
    return user.create_timeline()


def session(timeline: str, **fields: Any) -> dict[str, Any]:
    """Build the body of a session. By default, the session has no start and no end."""
    return {"type": "ONE_TIME", "timelineId": timeline, "name": "Session", **fields}


def invalid_fields(answer: httpx.Response) -> list[str]:
    """Return the fields that a 400 names."""
    assert answer.status_code == 400, answer.text
    return [detail["field"] for detail in answer.json()["details"]]


def test_a_400_names_the_invalid_fields_and_writes_nothing(user: Person, timeline: str) -> None:
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({"name": ""}, ["name"]),
        ({"name": "x" * 201}, ["name"]),
        ({"name": 5}, ["name"]),
        ({"description": "x" * 4001}, ["description"]),
        ({"timelineId": "a b"}, ["timelineId"]),
        ({"startDateTime": "2024-05-06"}, ["startDateTime"]),
        ({"startDateTime": "2024-05-06T09:00:00"}, ["startDateTime"]),
        ({"startDateTime": "0001-01-01T00:00:00+01:00"}, ["startDateTime"]),
        ({"endDateTime": END}, ["startDateTime"]),
        ({"startDateTime": END, "endDateTime": START}, ["endDateTime"]),
        ({"repeatCycleType": "DAILY"}, ["repeatCycleType"]),
        ({"type": "RECURRING", "recurringDayOfWeek": "MONDAY"}, ["recurringDayOfWeek"]),
        ({"unknown": 1}, ["unknown"]),
        (
            {"type": "x", "name": None, "startDateTime": 1, "colour": 1},
            ["type", "name", "startDateTime", "colour"],
        ),
    ]
    for change, fields in cases:
        answer = user.call("POST", "/sessions", json=session(timeline) | change)
        assert (change, invalid_fields(answer)) == (change, fields)
    assert user.call("GET", "/sessions", params={"timelineId": timeline}).json()["meta"]["meta"]["count"] == 0


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"NaN"])
@pytest.mark.parametrize("type", ["application/json", "application/octet-stream", None])
def test_a_body_must_be_a_json_object(user: Person, content: bytes, type: str | None) -> None:
    headers = {"Content-Type": type} if type else {}
    assert invalid_fields(user.call("POST", "/sessions", content=content, headers=headers)) == ["body"]


def test_a_body_that_the_gateway_forwards_in_base64_is_decoded(user: Person, timeline: str) -> None:
    headers = {"Content-Type": "application/octet-stream"}
    content = f'{{"type": "ONE_TIME", "timelineId": "{timeline}", "name": "Größe 🧘"}}'.encode()
    answer = user.call("POST", "/sessions", content=content, headers=headers)
    assert answer.json()["data"]["name"] == "Größe 🧘"
    twice = user.call("POST", "/sessions", content=base64.b64encode(content), headers=headers)
    assert invalid_fields(twice) == ["body"]


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        (
            "skip=-1&take=101&startDateTimeSortOrder=up&page=2",
            ["skip", "take", "startDateTimeSortOrder", "page"],
        ),
        ("take=ten", ["take"]),
        ("take=5&take=5", ["take"]),
        ("skip=", ["skip"]),
        ("startDateTimeFrom=2024-05-06", ["startDateTimeFrom"]),
    ],
)
def test_a_400_names_the_invalid_query_parameters(user: Person, query: str, fields: list[str]) -> None:
    assert invalid_fields(user.call("GET", f"/sessions?{query}")) == fields


def test_a_time_is_returned_unchanged_and_can_be_sent_again(user: Person, timeline: str) -> None:
    created = user.create(
        "/sessions", **session(timeline, startDateTime=START, endDateTime=END, description="d")
    )
    assert (created["startDateTime"], created["endDateTime"]) == (START, END)
    again = user.call("PATCH", f"/sessions/{created['id']}", json=created)
    assert (again.status_code, again.json()["data"]) == (200, created)
    cleared = user.call(
        "PATCH", f"/sessions/{created['id']}", json={"endDateTime": None, "description": None}
    )
    assert (cleared.json()["data"]["endDateTime"], cleared.json()["data"]["description"]) == (None, None)
    for field in ("type", "timelineId", "name"):
        assert invalid_fields(user.call("PATCH", f"/sessions/{created['id']}", json={field: None})) == [field]
    assert invalid_fields(
        user.call("PATCH", f"/sessions/{created['id']}", json={"startDateTime": None, "endDateTime": END})
    )
    user.call("DELETE", f"/sessions/{created['id']}")


def test_requests_for_a_deleted_session_get_a_404_and_its_time_is_free(user: Person, timeline: str) -> None:
    timed = session(timeline, startDateTime=START, endDateTime=END)
    path = f"/sessions/{user.create('/sessions', **timed)['id']}"
    assert user.call("POST", "/sessions", json=timed).status_code == 409
    assert user.call("DELETE", path).json()["data"]["removedAt"]
    for method in ("GET", "PATCH", "DELETE"):
        body = {"json": {}} if method == "PATCH" else {}
        assert user.call(method, path, **body).status_code == 404
    user.call("DELETE", f"/sessions/{user.create('/sessions', **timed)['id']}")


def test_an_endless_weekly_series_still_conflicts_after_fifty_years(user: Person, timeline: str) -> None:
    weekly = session(
        timeline, type="RECURRING", startDateTime=START, endDateTime=END, repeatCycleType="WEEKLY"
    )
    created = user.create("/sessions", **weekly)
    for day, status in (("07", 409), ("08", 200)):  # 7 May 2074 is a Monday, like the days of the series
        far = {"startDateTime": f"2074-05-{day}T07:30:00Z", "endDateTime": f"2074-05-{day}T07:45:00Z"}
        assert user.call("POST", "/sessions", json=session(timeline, **far)).status_code == status
    user.call("DELETE", f"/sessions/{created['id']}")


def test_a_list_is_sorted_paged_counted_and_filtered(user: Person, timeline: str) -> None:
    starts = ["2031-01-31T09:00:00Z", "2031-02-01T09:00:00Z", "2031-02-28T09:00:00Z", None]
    for start in starts:
        user.create("/sessions", **session(timeline, **({"startDateTime": start} if start else {})))

    def list_starts(**query: Any) -> tuple[list[str | None], int]:
        answer = user.call("GET", "/sessions", params={"timelineId": timeline, **query}).json()
        return [one["startDateTime"] for one in answer["data"]], answer["meta"]["meta"]["count"]

    down = [*starts[2::-1], None]
    assert list_starts() == (down, 4)
    assert list_starts(startDateTimeSortOrder="ASC") == (starts, 4)
    for skip in range(5):
        assert list_starts(skip=skip, take=2) == (down[skip : skip + 2], 4)
    assert list_starts(startDateTimeFrom="2031-02-01T10:00:00+01:00") == (starts[2:0:-1], 2)
    assert list_starts(startDateTimeFrom=starts[0], startDateTimeTo=starts[2]) == (starts[1::-1], 2)
    assert list_starts(timelineId="unknown") == ([], 0)


def test_a_timeline_is_created_updated_listed_and_deleted(user: Person) -> None:
    created = user.call("POST", "/timelines", json={"name": " Yoga ", "description": "d"})
    timeline = created.json()["data"]
    assert list(timeline) == ["id", "name", "description", "ownerId", "createdAt", "updatedAt", "removedAt"]
    assert (timeline["name"], timeline["ownerId"], timeline["removedAt"]) == ("Yoga", user.id, None)
    path = created.headers["Location"]
    assert user.call("GET", path).json() == created.json()
    changed = user.call("PATCH", path, json={"name": "Pilates", "description": None}).json()["data"]
    assert (changed["name"], changed["description"]) == ("Pilates", None)
    assert invalid_fields(user.call("PATCH", path, json={"name": None})) == ["name"]
    first = user.call("GET", "/timelines", params={"take": 1}).json()
    assert (first["data"], first["meta"]["meta"]["take"]) == ([changed], 1)
    assert user.call("DELETE", path).json()["data"]["removedAt"]
    assert user.call("GET", path).status_code == 404


def test_acknowledged_writes_survive_a_restart_of_the_stack(user: Person, people: People) -> None:
    """Stop and start the emulator, as `make down` and `make up` do. The user's token stays valid."""
    created = user.create("/sessions", **session(user.create_timeline()))
    people.stack.stop()
    people.stack.launch()
    people.stack.wait_until_ready()
    assert user.call("GET", f"/sessions/{created['id']}").json()["data"] == created
