"""No double booking when committed slots become readable later than the head that names them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from scheduling.store.client import client
from tests.dynamodb.conftest import new_timeline
from tests.support.api import Caller
from tests.support.delayed_visibility import DelayedCalendar
from tests.support.invariants import breaches

ANNA = Caller("anna")
LONGEST_DELAY_SECONDS = 0.1
ROUNDS, WRITERS, TIMES = 6, 16, 4


@pytest.fixture
def delayed(dynamodb_local: Any) -> Iterator[Any]:
    """Return the tables, with slots that become readable up to 100 ms after they were committed."""
    with DelayedCalendar(LONGEST_DELAY_SECONDS, seed=1).install():
        yield dynamodb_local


def without_condition_checks(params: dict[str, Any], **_: object) -> None:
    """Remove the condition checks of the slots that the head names."""
    params["TransactItems"] = [each for each in params["TransactItems"] if "ConditionCheck" not in each]


def write_at_once(rounds: int) -> list[int]:
    """Let 16 writers create sessions at four times, four writers for each; return the statuses."""
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


def overlaps(dynamodb: Any) -> list[str]:
    return [breach for breach in breaches(dynamodb) if "overlap" in breach]


def test_without_the_condition_checks_the_double_finds_double_bookings(delayed: Any) -> None:
    """Show that the double can find the fault that the next test excludes."""
    client().meta.events.register(
        "provide-client-params.dynamodb.TransactWriteItems", without_condition_checks
    )
    for _ in range(ROUNDS):
        write_at_once(ROUNDS)
        if overlaps(delayed):
            break
    assert overlaps(delayed)


def test_with_the_condition_checks_there_are_none(delayed: Any) -> None:
    statuses = write_at_once(ROUNDS)
    assert statuses.count(200) >= TIMES
    assert set(statuses) <= {200, 409, 503}
    assert breaches(delayed) == []


def test_former_slots_that_are_still_readable_do_not_hide_the_session_that_moved_over_them(
    dynamodb_local: Any,
) -> None:
    """Three moves leave three former slots, each of which starts inside the present slot of the session."""
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
