"""Cost of a list of one week of occurrences: items and read units, measured on DynamoDB Local."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scheduling.domain import session, slots
from scheduling.domain.session import Session
from tests.support.api import Caller, new_timeline
from tests.support.capacity import Cost, count_capacity
from tests.support.fill import write_items

ANNA = Caller("a1b2c3d4-e5f6-7890-a1b2-c3d4e5f67890")
WEEK = {"from": "2026-06-01T00:00:00Z", "to": "2026-06-08T00:00:00Z", "take": 1000}
MONDAY = datetime(2026, 6, 1, tzinfo=UTC)


def build_session(timeline: str, number: int, start: datetime, **fields: Any) -> Session:
    times = [moment.isoformat() for moment in (start, start + timedelta(minutes=30))]
    body = {
        "type": "RECURRING" if fields else "ONE_TIME",
        "timelineId": timeline,
        "name": f"Session {number}",
        "startDateTime": times[0],
        "endDateTime": times[1],
        **fields,
    }
    id = f"{number:08}-0000-4000-8000-000000000000"
    return session.create(body, id, ANNA.id, "2020-12-01T08:00:00.000Z")


def past_sessions(timeline: str, total: int) -> Iterator[Session]:
    """Yield one-time sessions and, from the 74th session on, also series. Each session ends before `MONDAY`."""
    for number in range(total):
        start = MONDAY - timedelta(hours=number + 1)
        until = (start.date() + timedelta(days=1)).isoformat() if number > 72 else None
        fields = {"repeatCycleType": "YEARLY", "repeatUntil": until} if until and number % 2 else {}
        yield build_session(timeline, number, start, **fields)


def write_slots(dynamodb: Any, sessions: list[Session]) -> None:
    """Write the slots of sessions directly to the table."""
    write_items(dynamodb, [("CalendarTable", slot) for each in sessions if (slot := slots.slot(each))])


def list_week(dynamodb: Any) -> tuple[int, Cost]:
    """List the occurrences of a week; return their number and the cost."""
    with count_capacity(dynamodb) as cost:
        response = ANNA.call("list_occurrences", query=WEEK)
    return response.count, cost()


@pytest.mark.parametrize("sessions", [10, 1000])
def test_the_cost_of_listing_a_week_does_not_depend_on_past_sessions(
    dynamodb_local: Any, sessions: int
) -> None:
    timeline = new_timeline(ANNA)
    write_slots(dynamodb_local, list(past_sessions(timeline, sessions)))
    ahead = [build_session(timeline, 5000 + day, MONDAY + timedelta(days=day)) for day in range(5)]
    write_slots(dynamodb_local, ahead)
    assert list_week(dynamodb_local) == (5, Cost(calls=4, items=6, read_units=1.0, write_units=0))


def test_listing_a_week_of_100_current_series_costs_at_most_20_read_units(dynamodb_local: Any) -> None:
    timeline = new_timeline(ANNA)
    series = [
        build_session(
            timeline,
            number,
            MONDAY + timedelta(hours=number),
            repeatCycleType="WEEKLY",
            **({"repeatCount": 50} if number % 2 else {}),
        )
        for number in range(100)
    ]
    write_slots(dynamodb_local, series)
    found, cost = list_week(dynamodb_local)
    assert (found, cost.items, cost.calls) == (100, 100, 4)
    assert cost.read_units <= 20
