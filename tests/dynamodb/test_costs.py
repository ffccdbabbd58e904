"""Capacity units, counted as on AWS, of requests that write and of conflict checks in crowded calendars."""

from collections.abc import Iterator
from typing import Any

import pytest

from scheduling.domain import session, slots
from scheduling.domain.session import Session
from tests.support.api import Answer, Caller, new_timeline
from tests.support.capacity import Cost, count_capacity
from tests.support.fill import write_items

ANNA, ADMIN = Caller("a1b2c3d4-e5f6-7890-a1b2-c3d4e5f67890"), Caller("root", "[ADMIN]")
CREATED = "2020-12-01T08:00:00.000Z"


@pytest.fixture
def timeline(dynamodb_local: Any) -> str:
    """Create a timeline. Return its id."""
    return new_timeline(ANNA)


def half_hour(day: int, hour: int = 9, **fields: Any) -> dict[str, Any]:
    """Return `fields` and the times of a half-hour session in 2024."""
    start = f"2024-{day // 28 + 1:02}-{day % 28 + 1:02}T{hour:02}"
    return {"startDateTime": f"{start}:00:00Z", "endDateTime": f"{start}:30:00Z", **fields}


def create(timeline: str, times: dict[str, Any], key: str = "") -> Answer:
    body = {
        "type": "ONE_TIME",
        "timelineId": timeline,
        "name": "Special Workshop",
        "description": "Bring a mat.",
        **times,
    }
    return ANNA.call("create_session", body=body, headers={"Idempotency-Key": key} if key else {})


def write_calendar(dynamodb: Any, timeline: str, sessions: list[Session]) -> None:
    """Write the slots of sessions and the head of their calendar, without the API."""
    written = [slot for each in sessions if (slot := slots.slot(each))]
    head: dict[str, Any] = {
        "ownerId": ANNA.id,
        "slot": "HEAD",
        "version": len(written),
        "lengthClasses": sorted({found for slot in written if (found := slots.length_class(slot))}),
        "sessionCounts": {
            kind: sum(slot["type"] == kind for slot in written) for kind in ("ONE_TIME", "RECURRING")
        },
        "timelineCount": 1,
    }
    write_items(dynamodb, [("CalendarTable", item) for item in (*written, head)])


def build_session(timeline: str, number: int, fields: dict[str, Any]) -> Session:
    body = {"type": "ONE_TIME", "timelineId": timeline, "name": f"Session {number}", **fields}
    return session.create(body, f"{number:08}-0000-4000-8000-000000000000", ANNA.id, CREATED)


def test_requests_that_write_consume_the_documented_write_units(dynamodb_local: Any, timeline: str) -> None:
    create(timeline, half_hour(1))
    create(timeline, half_hour(2))
    costs: dict[str, Cost] = {}

    def measure(name: str, answer: Any) -> Any:
        with count_capacity(dynamodb_local) as cost:
            found = answer()
        assert found.status == 200
        costs[name] = cost()
        return found.data["id"]

    id = measure("POST", lambda: create(timeline, half_hour(3)))
    measure("POST with an Idempotency-Key", lambda: create(timeline, half_hour(4), key="k"))
    measure("PATCH of times", lambda: ANNA.call("update_session", id=id, body=half_hour(5)))
    measure(
        "PATCH of the description", lambda: ANNA.call("update_session", id=id, body={"description": "New"})
    )
    measure("PATCH of the name", lambda: ANNA.call("update_session", id=id, body={"name": "New"}))
    measure("DELETE", lambda: ANNA.call("delete_session", id=id))
    measure("POST after the session written last was deleted", lambda: create(timeline, half_hour(6)))
    series = {"type": "RECURRING", "repeatCycleType": "WEEKLY"}
    measure("POST of a series", lambda: create(timeline, half_hour(7, **series)))
    other = measure("POST of a timeline", lambda: ANNA.call("create_timeline", body={"name": "Other"}))
    measure("DELETE of a timeline", lambda: ANNA.call("delete_timeline", id=other))
    for name, cost in costs.items():
        print(
            f"{name:50}{cost.calls:3} calls {cost.read_units:5} read units {cost.write_units:3} write units"
        )
    assert {name: cost.write_units for name, cost in costs.items()} == {
        "POST": 11,
        "POST with an Idempotency-Key": 13,
        "PATCH of times": 14,
        "PATCH of the description": 4,
        "PATCH of the name": 7,
        "DELETE": 11,
        "POST after the session written last was deleted": 13,
        "POST of a series": 11,
        "POST of a timeline": 6,
        "DELETE of a timeline": 6,
    }


def test_creating_a_session_costs_the_same_on_a_timeline_with_and_without_a_long_description(
    dynamodb_local: Any,
) -> None:
    costs = []
    for description in ("", 4_000 * "\N{PILE OF POO}"):
        id = new_timeline(ANNA, description=description)
        create(id, half_hour(1 + len(costs)))
        with count_capacity(dynamodb_local) as cost:
            assert create(id, half_hour(3 + len(costs))).status == 200
        costs.append((cost().calls, cost().read_units, cost().write_units))
        assert ANNA.call("get_timeline", id=id).data["description"] == description
    assert costs[0] == costs[1]


def test_creating_a_session_reads_only_the_endless_series_near_its_time_of_day(
    dynamodb_local: Any, timeline: str
) -> None:
    """The calendar has 1,000 weekly series. One series starts every ten minutes. The new session starts at 00:06.

    The conflict check reads about 40 series: in each night, the series that start between 23:06 and 00:09.
    """
    weekly = {"type": "RECURRING", "repeatCycleType": "WEEKLY"}
    times = [(first, first + 5) for first in range(0, 7 * 24 * 60, 10)][:1000]
    write_calendar(
        dynamodb_local,
        timeline,
        [
            build_session(
                timeline,
                number,
                {"startDateTime": format_minute(a), "endDateTime": format_minute(b), **weekly},
            )
            for number, (a, b) in enumerate(times)
        ],
    )
    free = {"startDateTime": format_minute(6), "endDateTime": format_minute(9)}
    with count_capacity(dynamodb_local) as cost:
        assert create(timeline, free).status == 200
    assert cost().read_units <= 10
    taken = {"startDateTime": format_minute(10), "endDateTime": format_minute(12)}
    assert create(timeline, taken).status == 409


def format_minute(number: int) -> str:
    """Return the time that is `number` minutes after the beginning of 2024."""
    day, rest = divmod(number, 24 * 60)
    return f"2024-01-{day + 1:02}T{rest // 60:02}:{rest % 60:02}:00Z"


@pytest.mark.parametrize(("cycle", "most"), [("YEARLY", 12), ("MONTHLY", 25), ("WEEKLY", 65)])
def test_creating_a_series_with_few_occurrences_reads_few_one_time_sessions(
    dynamodb_local: Any, timeline: str, cycle: str, most: int
) -> None:
    """A query of all 3,000 one-time sessions would consume about 200 read units."""
    sessions = list(_build_sessions_every_three_hours(timeline, 3000))
    write_calendar(dynamodb_local, timeline, sessions)
    start = {"startDateTime": "2024-01-02T00:31:00Z", "endDateTime": "2024-01-02T00:59:00Z"}
    series = {"type": "RECURRING", "repeatCycleType": cycle}
    with count_capacity(dynamodb_local) as cost:
        assert create(timeline, {**start, **series}).status == 200
    assert cost().read_units <= most
    overlapping = {**start, **series, "startDateTime": "2024-01-02T00:29:00Z"}
    answer = create(timeline, overlapping)
    assert answer.status == 409
    assert answer.body["details"][0]["startDateTime"] == "2024-01-02T00:00:00Z"


def test_a_409_for_a_daily_series_lists_ten_of_more_than_ten_conflicts(
    dynamodb_local: Any, timeline: str
) -> None:
    write_calendar(dynamodb_local, timeline, list(_build_sessions_every_three_hours(timeline, 1000)))
    daily = {"type": "RECURRING", "repeatCycleType": "DAILY"}
    free = {"startDateTime": "2024-01-02T00:31:00Z", "endDateTime": "2024-01-02T00:59:00Z", **daily}
    assert create(timeline, free).status == 200
    overlapping = {"startDateTime": "2024-01-02T03:10:00Z", "endDateTime": "2024-01-02T03:20:00Z", **daily}
    answer = create(timeline, overlapping)
    assert answer.status == 409
    assert len(answer.body["details"]) == 10
    assert all(detail["name"].startswith("Session ") for detail in answer.body["details"])


def _build_sessions_every_three_hours(timeline: str, total: int) -> Iterator[Session]:
    """Yield half-hour sessions. From the beginning of 2024, one session starts every three hours."""
    for number in range(total):
        day, hour = divmod(number * 3, 24)
        date = (slots.parse("2024-01-01T00:00:00Z").instant // slots.DAY + day) * slots.DAY
        start = slots.utc_text(date + hour * 3_600_000_000)
        yield build_session(timeline, number, {"startDateTime": start, "endDateTime": f"{start[:14]}30:00Z"})
