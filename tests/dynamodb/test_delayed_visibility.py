"""Slots that become readable later than the head that names these slots, but cause no double bookings."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from scheduling.store.client import client
from tests.support.api import Caller, new_timeline
from tests.support.delayed_visibility import DelayedCalendar
from tests.support.invariants import breaches

ANNA = Caller("anna")
LONGEST_DELAY_SECONDS = 0.1
ROUNDS, WRITERS, TIMES = 6, 16, 4


@pytest.fixture
def delayed_tables(dynamodb_local: Any) -> Iterator[Any]:
    """Yield tables whose slots become readable up to 100 ms after their transactions."""
    with DelayedCalendar(LONGEST_DELAY_SECONDS, seed=1).install():
        yield dynamodb_local


def remove_condition_checks(params: dict[str, Any], **_: object) -> None:
    """Remove the condition checks from a transaction. These are the checks of the slots that the head names."""
    params["TransactItems"] = [each for each in params["TransactItems"] if "ConditionCheck" not in each]


def create_concurrently(rounds: int) -> list[int]:
    """Let 16 writers create sessions concurrently, four writers for each of four times; return the statuses."""
    timeline = new_timeline(ANNA)

    def create(number: int) -> int:
        day, hour = divmod(number // WRITERS * TIMES + number % TIMES, 20)
        times = {
            "startDateTime": f"2023-12-{day + 1:02}T{hour:02}:00:00Z",
            "endDateTime": f"2023-12-{day + 1:02}T{hour:02}:45:00Z",
        }
        body = {"type": "ONE_TIME", "timelineId": timeline, "name": f"Yoga {number}", **times}
        return ANNA.call("create_session", body=body).status

    with ThreadPoolExecutor(WRITERS) as pool:
        return list(pool.map(create, range(rounds * WRITERS)))


def find_overlaps(dynamodb: Any) -> list[str]:
    return [breach for breach in breaches(dynamodb) if "overlap" in breach]


def test_without_condition_checks_delayed_slots_cause_double_bookings(delayed_tables: Any) -> None:
    """Show that the delays are long enough for double bookings. Otherwise, the next test could not fail."""
    client().meta.events.register(
        "provide-client-params.dynamodb.TransactWriteItems", remove_condition_checks
    )
    for _ in range(ROUNDS):
        create_concurrently(ROUNDS)
        if find_overlaps(delayed_tables):
            break
    assert find_overlaps(delayed_tables)


def test_with_condition_checks_delayed_slots_cause_no_double_booking(delayed_tables: Any) -> None:
    statuses = create_concurrently(ROUNDS)
    assert statuses.count(200) >= TIMES
    assert set(statuses) <= {200, 409, 503}
    assert breaches(delayed_tables) == []


def test_a_moved_session_conflicts_even_while_its_former_slots_are_readable(
    dynamodb_local: Any,
) -> None:
    """Three moves leave three former slots, which all start within the current slot of the session.

    For two seconds, a query for the last slot before an instant returns a former slot instead of the current slot.
    """
    timeline = new_timeline(ANNA)

    def times(start: str, end: str) -> dict[str, str]:
        return {"startDateTime": f"2023-12-01T{start}:00Z", "endDateTime": f"2023-12-01T{end}:00Z"}

    def create(start: str, end: str) -> Any:
        body = {"type": "ONE_TIME", "timelineId": timeline, "name": start, **times(start, end)}
        return ANNA.call("create_session", body=body)

    with DelayedCalendar(0, seed=1, shortest_deletion_seconds=2).install():
        id = create("10:00", "11:00").data["id"]
        for start, end in (("09:50", "11:00"), ("09:40", "11:00"), ("09:30", "13:00")):
            assert ANNA.call("update_session", id=id, body=times(start, end)).status == 200
        assert create("20:00", "21:00").status == 200
        assert create("12:00", "12:30").status == 409
    assert breaches(dynamodb_local) == []
