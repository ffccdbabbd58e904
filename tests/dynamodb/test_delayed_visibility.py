"""Slots that become readable later than the head of their calendar, but cause no double bookings."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from scheduling.store.client import client
from tests.support.api import Answer, Caller, new_timeline
from tests.support.delayed_visibility import DelayedCalendar
from tests.support.invariants import breaches

ANNA = Caller("anna")
AN_HOUR = (3600, 3600)
NO_DELAY = (0, 0)
ROUNDS, WRITERS, TIMES = 6, 16, 4


def remove_condition_checks(params: dict[str, Any], **_: object) -> None:
    """Remove from a transaction all condition checks. A condition check verifies a slot that the head names."""
    params["TransactItems"] = [each for each in params["TransactItems"] if "ConditionCheck" not in each]


def reveal_after_each_failure(calendar: DelayedCalendar) -> list[int]:
    """End the present delays when a transaction fails. Return a list to which each failure adds its HTTP status."""
    failures: list[int] = []

    def reveal(http_response: Any, **_: object) -> None:
        if http_response.status_code != 200:
            failures.append(http_response.status_code)
            calendar.reveal()

    client().meta.events.register("after-call.dynamodb.TransactWriteItems", reveal)
    return failures


def create(timeline: str, start: str, end: str) -> Answer:
    """Create a one-time session on 1 December 2023. The times have the form `10:00`."""
    body = {"type": "ONE_TIME", "timelineId": timeline, "name": start, **times(start, end)}
    return ANNA.call("create_session", body=body)


def times(start: str, end: str) -> dict[str, str]:
    return {"startDateTime": f"2023-12-01T{start}:00Z", "endDateTime": f"2023-12-01T{end}:00Z"}


def test_without_condition_checks_a_slot_that_is_not_yet_readable_causes_a_double_booking(
    dynamodb_local: Any,
) -> None:
    """Show that the condition checks prevent double bookings, and that the next two tests can fail."""
    client().meta.events.register(
        "provide-client-params.dynamodb.TransactWriteItems", remove_condition_checks
    )
    timeline = new_timeline(ANNA)
    with DelayedCalendar(put_delays=AN_HOUR, deletion_delays=NO_DELAY).install():
        assert create(timeline, "10:00", "11:00").status == 200
        assert create(timeline, "10:30", "11:30").status == 200
    assert [breach for breach in breaches(dynamodb_local) if "overlap" in breach]


def test_with_condition_checks_a_slot_that_is_not_yet_readable_causes_a_retry(
    dynamodb_local: Any,
) -> None:
    """The slot becomes readable when the condition check has failed. The second attempt finds the conflict."""
    timeline = new_timeline(ANNA)
    calendar = DelayedCalendar(put_delays=AN_HOUR, deletion_delays=NO_DELAY)
    failures = reveal_after_each_failure(calendar)
    with calendar.install():
        assert create(timeline, "10:00", "11:00").status == 200
        assert create(timeline, "10:30", "11:30").status == 409
    assert failures == [400]
    assert breaches(dynamodb_local) == []


def test_with_condition_checks_concurrent_writers_cause_no_double_booking(dynamodb_local: Any) -> None:
    """Send 96 requests from 16 threads: four requests for each hour of the day."""
    timeline = new_timeline(ANNA)

    def write(number: int) -> int:
        hour = number // WRITERS * TIMES + number % TIMES
        return create(timeline, f"{hour:02}:00", f"{hour:02}:45").status

    delays = (0, 0.1)
    with (
        DelayedCalendar(put_delays=delays, deletion_delays=delays).install(),
        ThreadPoolExecutor(WRITERS) as pool,
    ):
        statuses = list(pool.map(write, range(ROUNDS * WRITERS)))
    assert statuses.count(200) >= TIMES
    assert set(statuses) <= {200, 409, 503}
    assert breaches(dynamodb_local) == []


def test_a_moved_session_conflicts_even_while_its_former_slots_are_still_readable(
    dynamodb_local: Any,
) -> None:
    """Each move replaces a slot by an earlier slot. Reads return the deleted slot until a transaction fails.

    Before the third failure, a query for the last slot that starts before 12:30 would return the deleted slot (09:40 to
    11:00) instead of the current slot (09:30 to 13:00).
    """
    timeline = new_timeline(ANNA)
    calendar = DelayedCalendar(put_delays=NO_DELAY, deletion_delays=AN_HOUR)
    failures = reveal_after_each_failure(calendar)
    with calendar.install():
        id = create(timeline, "10:00", "11:00").data["id"]
        for start, end in (("09:50", "11:00"), ("09:40", "11:00"), ("09:30", "13:00")):
            assert ANNA.call("update_session", id=id, body=times(start, end)).status == 200
        assert create(timeline, "20:00", "21:00").status == 200
        assert create(timeline, "12:00", "12:30").status == 409
    assert failures == [400] * 3
    assert breaches(dynamodb_local) == []
