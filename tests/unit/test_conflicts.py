"""Conflicts: the slots that overlap a new slot, and the details of a 409."""

import pytest

from scheduling.domain.conflicts import (
    Conflict,
    describe_conflict,
    find_conflicts,
    keep_earliest_of_each_session,
)
from scheduling.domain.instants import DAY, parse
from scheduling.domain.recurrence import Occurrence
from scheduling.domain.slots import Slot
from tests.unit.test_slots import slot_of


def conflicting_ids(new: Slot, slots: list[Slot]) -> list[str]:
    """Return the ids of the conflicting sessions, sorted by the time of the conflict."""
    return [each.slot["sessionId"] for each in keep_earliest_of_each_session(find_conflicts(new, slots))]


def test_a_session_does_not_conflict_with_itself() -> None:
    before = slot_of("a", "2023-12-01T09:00:00Z", "2023-12-01T10:00:00Z")
    after = slot_of("a", "2023-12-01T09:15:00Z", "2023-12-01T10:15:00Z")
    assert conflicting_ids(after, [before]) == []


def test_ignored_sessions_do_not_conflict() -> None:
    one, other = slot_of("a", "2023-12-01T09:00:00Z"), slot_of("b", "2023-12-01T09:00:00Z")
    assert list(find_conflicts(one, [other], ignored={"b"})) == []


def test_conflicts_are_sorted_by_their_first_conflicting_occurrence() -> None:
    new = slot_of("new", "2023-12-01T00:00:00Z", "2023-12-03T00:00:00Z")
    daily = slot_of("daily", "2023-11-01T22:00:00Z", "2023-11-01T23:00:00Z", "DAILY")
    noon = slot_of("noon", "2023-12-01T12:00:00Z")
    free = slot_of("free", "2023-12-03T00:00:00Z", "2023-12-03T01:00:00Z")
    overnight = slot_of("overnight", "2023-11-30T23:00:00Z", "2023-12-01T00:30:00Z")
    assert conflicting_ids(new, [daily, free, noon, overnight]) == ["overnight", "noon", "daily"]


def test_conflicts_with_one_time_sessions_at_the_same_instant_are_sorted_by_session_id() -> None:
    new = slot_of("new", "2023-12-01T00:00:00Z", cycle="DAILY")
    one, other = slot_of("a", "2023-12-01T00:00:00Z"), slot_of("b", "2023-12-01T00:00:00Z")
    assert conflicting_ids(new, [one, other]) == conflicting_ids(new, [other, one]) == ["a", "b"]


def test_a_session_with_two_conflicting_slots_is_listed_once_with_the_times_of_the_earlier_slot() -> None:
    new = slot_of("new", "2023-12-01T00:00:00Z", "2023-12-02T00:00:00Z")
    late, early = slot_of("a", "2023-12-01T12:00:00Z"), slot_of("a", "2023-12-01T09:00:00Z")
    (conflict,) = keep_earliest_of_each_session(find_conflicts(new, [late, early]))
    assert conflict.slot == early


def test_the_times_of_a_conflict_have_the_offset_of_the_existing_session() -> None:
    new = slot_of("new", "2023-12-25T00:00:00Z", "2023-12-25T12:00:00Z")
    existing = slot_of("a", "2023-12-01T09:00:00+09:00", "2023-12-01T02:00:00Z", "DAILY")
    (conflict,) = find_conflicts(new, [existing])
    times = {"startDateTime": "2023-12-25T09:00:00+09:00", "endDateTime": "2023-12-25T02:00:00Z"}
    which = {"sessionId": "a", "timelineId": "t", "type": "RECURRING", "name": "Yoga"}
    assert describe_conflict(conflict, readable=True) == {**which, **times}
    assert describe_conflict(conflict, readable=False) == times


def test_a_conflict_with_a_session_without_an_end_has_no_end() -> None:
    new = slot_of("new", "2023-12-01T00:00:00Z", "2023-12-02T00:00:00Z")
    (conflict,) = find_conflicts(new, [slot_of("a", "2023-12-01T09:00:00Z")])
    described = describe_conflict(conflict, readable=False)
    assert described == {"startDateTime": "2023-12-01T09:00:00Z", "endDateTime": None}


def test_a_conflict_after_the_year_9999_has_no_times() -> None:
    daily = slot_of("a", "9999-12-31T22:00:00Z", "9999-12-31T23:00:00Z", "DAILY")
    tomorrow = parse("9999-12-31T22:00:00Z").instant + DAY
    conflict = Conflict(Occurrence(tomorrow, tomorrow + 1), daily)
    assert describe_conflict(conflict, readable=False) == {"startDateTime": None, "endDateTime": None}


def test_two_series_that_overlap_only_after_forty_years_conflict() -> None:
    leap = slot_of("leap", "2072-02-29T09:00:00Z", "2072-02-29T10:00:00Z", "YEARLY")
    mondays = slot_of("mondays", "2072-03-07T09:00:00Z", "2072-03-07T10:00:00Z", "WEEKLY")
    (conflict,) = find_conflicts(mondays, [leap])
    assert describe_conflict(conflict, readable=False)["startDateTime"] == "2112-02-29T09:00:00Z"


@pytest.mark.parametrize("cycle", [None, "DAILY", "WEEKLY", "MONTHLY", "YEARLY"])
def test_touching_sessions_do_not_conflict(cycle: str | None) -> None:
    first = slot_of("first", "2023-12-01T09:00:00Z", "2023-12-01T10:00:00Z", cycle)
    second = slot_of("second", "2023-12-01T10:00:00Z", "2023-12-01T11:00:00Z", cycle)
    assert conflicting_ids(first, [second]) == conflicting_ids(second, [first]) == []
