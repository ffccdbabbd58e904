"""Each rule of the contract once, over HTTP. The functional tests try every case."""

import base64
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import People, Person

START, END = "2024-05-06T09:00:00+02:00", "2024-05-06T10:00:00+02:00"


@pytest.fixture(scope="module")
def who(people: People) -> Person:
    """Create a user, who has an empty calendar."""
    return people.new("contract", "USER")


@pytest.fixture
def timeline(who: Person) -> str:
    """Create a timeline of this user."""
    return who.timeline()


def session(timeline: str, **fields: Any) -> dict[str, Any]:
    """Build a body, without times unless the fields have them."""
    return {"type": "ONE_TIME", "timelineId": timeline, "name": "Session", **fields}


def faults(answer: httpx.Response) -> list[str]:
    """Return the fields that a 400 names."""
    assert answer.status_code == 400, answer.text
    return [detail["field"] for detail in answer.json()["details"]]


def test_bad_input_is_named_and_writes_nothing(who: Person, timeline: str) -> None:
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
        answer = who.call("POST", "/sessions", json=session(timeline) | change)
        assert (change, faults(answer)) == (change, fields)
    assert who.call("GET", "/sessions", params={"timelineId": timeline}).json()["meta"]["meta"]["count"] == 0


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"NaN"])
@pytest.mark.parametrize("type", ["application/json", "application/octet-stream", None])
def test_a_body_must_be_a_json_object(who: Person, content: bytes, type: str | None) -> None:
    headers = {"Content-Type": type} if type else {}
    assert faults(who.call("POST", "/sessions", content=content, headers=headers)) == ["body"]


def test_a_body_that_the_gateway_sends_on_in_base64_is_read(who: Person, timeline: str) -> None:
    headers = {"Content-Type": "application/octet-stream"}
    content = f'{{"type": "ONE_TIME", "timelineId": "{timeline}", "name": "Größe 🧘"}}'.encode()
    answer = who.call("POST", "/sessions", content=content, headers=headers)
    assert answer.json()["data"]["name"] == "Größe 🧘"
    twice = who.call("POST", "/sessions", content=base64.b64encode(content), headers=headers)
    assert faults(twice) == ["body"]


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
def test_a_bad_query_is_named(who: Person, query: str, fields: list[str]) -> None:
    assert faults(who.call("GET", f"/sessions?{query}")) == fields


def test_a_time_is_returned_unchanged_and_can_be_sent_again(who: Person, timeline: str) -> None:
    made = who.made("/sessions", **session(timeline, startDateTime=START, endDateTime=END, description="d"))
    assert (made["startDateTime"], made["endDateTime"]) == (START, END)
    again = who.call("PATCH", f"/sessions/{made['id']}", json=made)
    assert (again.status_code, again.json()["data"]) == (200, made)
    cleared = who.call("PATCH", f"/sessions/{made['id']}", json={"endDateTime": None, "description": None})
    assert (cleared.json()["data"]["endDateTime"], cleared.json()["data"]["description"]) == (None, None)
    for field in ("type", "timelineId", "name"):
        assert faults(who.call("PATCH", f"/sessions/{made['id']}", json={field: None})) == [field]
    assert faults(
        who.call("PATCH", f"/sessions/{made['id']}", json={"startDateTime": None, "endDateTime": END})
    )
    who.call("DELETE", f"/sessions/{made['id']}")


def test_a_deleted_session_is_gone_and_its_time_is_free(who: Person, timeline: str) -> None:
    timed = session(timeline, startDateTime=START, endDateTime=END)
    path = f"/sessions/{who.made('/sessions', **timed)['id']}"
    assert who.call("POST", "/sessions", json=timed).status_code == 409
    assert who.call("DELETE", path).json()["data"]["removedAt"]
    for method in ("GET", "PATCH", "DELETE"):
        body = {"json": {}} if method == "PATCH" else {}
        assert who.call(method, path, **body).status_code == 404
    who.call("DELETE", f"/sessions/{who.made('/sessions', **timed)['id']}")


def test_a_weekly_series_occupies_its_weekday_for_ever(who: Person, timeline: str) -> None:
    weekly = session(
        timeline, type="RECURRING", startDateTime=START, endDateTime=END, repeatCycleType="WEEKLY"
    )
    made = who.made("/sessions", **weekly)
    for day, status in (("07", 409), ("08", 200)):  # a Monday, fifty years on, and the day after
        far = {"startDateTime": f"2074-05-{day}T07:30:00Z", "endDateTime": f"2074-05-{day}T07:45:00Z"}
        assert who.call("POST", "/sessions", json=session(timeline, **far)).status_code == status
    who.call("DELETE", f"/sessions/{made['id']}")


def test_a_list_is_sorted_sliced_counted_and_limited(who: Person, timeline: str) -> None:
    starts = ["2031-01-31T09:00:00Z", "2031-02-01T09:00:00Z", "2031-02-28T09:00:00Z", None]
    for start in starts:
        who.made("/sessions", **session(timeline, **({"startDateTime": start} if start else {})))

    def listed(**query: Any) -> tuple[list[str | None], int]:
        answer = who.call("GET", "/sessions", params={"timelineId": timeline, **query}).json()
        return [one["startDateTime"] for one in answer["data"]], answer["meta"]["meta"]["count"]

    down = [*starts[2::-1], None]
    assert listed() == (down, 4)
    assert listed(startDateTimeSortOrder="ASC") == (starts, 4)
    for skip in range(5):
        assert listed(skip=skip, take=2) == (down[skip : skip + 2], 4)
    assert listed(startDateTimeFrom="2031-02-01T10:00:00+01:00") == (starts[2:0:-1], 2)
    assert listed(startDateTimeFrom=starts[0], startDateTimeTo=starts[2]) == (starts[1::-1], 2)
    assert listed(timelineId="unknown") == ([], 0)


def test_a_timeline_is_created_updated_listed_and_deleted(who: Person) -> None:
    made = who.call("POST", "/timelines", json={"name": " Yoga ", "description": "d"})
    timeline = made.json()["data"]
    assert list(timeline) == ["id", "name", "description", "ownerId", "createdAt", "updatedAt", "removedAt"]
    assert (timeline["name"], timeline["ownerId"], timeline["removedAt"]) == ("Yoga", who.id, None)
    path = made.headers["Location"]
    assert who.call("GET", path).json() == made.json()
    changed = who.call("PATCH", path, json={"name": "Pilates", "description": None}).json()["data"]
    assert (changed["name"], changed["description"]) == ("Pilates", None)
    assert faults(who.call("PATCH", path, json={"name": None})) == ["name"]
    first = who.call("GET", "/timelines", params={"take": 1}).json()
    assert (first["data"], first["meta"]["meta"]["take"]) == ([changed], 1)
    assert who.call("DELETE", path).json()["data"]["removedAt"]
    assert who.call("GET", path).status_code == 404


def test_acknowledged_writes_survive_a_stop_and_a_start(who: Person, people: People) -> None:
    """Stop and start as `make down` and `make up` do. Tokens stay valid."""
    made = who.made("/sessions", **session(who.timeline()))
    people.stack.stop()
    people.stack.launch()
    people.stack.wait_until_ready()
    assert who.call("GET", f"/sessions/{made['id']}").json()["data"] == made
