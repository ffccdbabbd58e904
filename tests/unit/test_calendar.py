"""What a calendar holds, and what in it is in the way."""

from typing import Any

import pytest

from scheduling.domain import conflicts
from scheduling.domain.conflicts import Clash, clash_times, clashes, slot
from scheduling.domain.instants import parse
from scheduling.domain.recurrence import Occurrence


def taken(id: str, start: str, end: str | None = None, cycle: str | None = None) -> conflicts.Slot:
    """The slot of a session."""
    made = slot(session(id, start, end, cycle))
    assert made
    return made


def session(id: str, start: str | None, end: str | None = None, cycle: str | None = None) -> dict[str, Any]:
    """A session, as far as a calendar sees it."""
    times = {"startDateTime": start, "endDateTime": end, "repeatCycleType": cycle}
    return {"id": id, "ownerId": "ada", "name": "Yoga", **times}


def test_a_session_without_a_start_takes_no_slot() -> None:
    assert slot(session("a", None)) is None


def test_a_single_session_is_found_by_its_start_in_utc() -> None:
    found = taken("a", "2023-12-01T09:00:00+09:00", "2023-12-01T10:00:00+09:00")
    assert found["slot"] == "ONCE#2023-12-01T00:00:00.000000Z#a"
    assert "name" not in found


def test_a_series_is_found_among_the_series() -> None:
    assert taken("a", "2023-12-01T09:00:00Z", cycle="DAILY")["slot"] == "EVERY#a"


def test_single_sessions_that_start_before_a_time_sort_before_its_key() -> None:
    nine = conflicts.starting_at(parse("2023-12-01T09:00:00Z").instant)
    assert taken("a", "2023-12-01T08:59:59.999999Z")["slot"] < nine
    assert nine < taken("a", "2023-12-01T09:00:00Z")["slot"]
    assert conflicts.EVERY < conflicts.HEAD < conflicts.ONCE


def test_a_session_is_not_in_its_own_way() -> None:
    before = taken("a", "2023-12-01T09:00:00Z", "2023-12-01T10:00:00Z")
    after = taken("a", "2023-12-01T09:15:00Z", "2023-12-01T10:15:00Z")
    assert clashes(after, [before]) == []


def test_what_is_in_the_way_comes_in_order_of_its_first_clash() -> None:
    new = taken("new", "2023-12-01T00:00:00Z", "2023-12-03T00:00:00Z")
    daily = taken("daily", "2023-11-01T22:00:00Z", "2023-11-01T23:00:00Z", "DAILY")
    noon = taken("noon", "2023-12-01T12:00:00Z")
    free = taken("free", "2023-12-03T00:00:00Z", "2023-12-03T01:00:00Z")
    reaching_in = taken("reaching in", "2023-11-30T23:00:00Z", "2023-12-01T00:30:00Z")
    found = clashes(new, [daily, free, noon, reaching_in])
    assert [clash.slot["sessionId"] for clash in found] == ["reaching in", "noon", "daily"]


def test_those_that_clash_at_one_instant_come_in_one_order() -> None:
    new = taken("new", "2023-12-01T00:00:00Z", cycle="DAILY")
    one, other = taken("a", "2023-12-01T00:00:00Z"), taken("b", "2023-12-01T00:00:00Z")
    assert clashes(new, [one, other]) == clashes(new, [other, one])


def test_a_clash_is_told_by_its_own_start_and_end_on_the_clocks_of_its_session() -> None:
    new = taken("new", "2023-12-25T00:00:00Z", "2023-12-25T12:00:00Z")
    (clash,) = clashes(new, [taken("a", "2023-12-01T09:00:00+09:00", "2023-12-01T02:00:00Z", "DAILY")])
    assert clash_times(clash) == {
        "startDateTime": "2023-12-25T09:00:00+09:00",
        "endDateTime": "2023-12-25T02:00:00Z",
    }


def test_a_clash_without_an_end_is_told_without() -> None:
    new = taken("new", "2023-12-01T00:00:00Z", "2023-12-02T00:00:00Z")
    (clash,) = clashes(new, [taken("a", "2023-12-01T09:00:00Z")])
    assert clash_times(clash) == {"startDateTime": "2023-12-01T09:00:00Z", "endDateTime": None}


def test_a_clash_after_the_year_9999_has_no_date_to_tell() -> None:
    slot_of_a_day = taken("a", "9999-12-31T22:00:00Z", "9999-12-31T23:00:00Z", "DAILY")
    tomorrow = parse("9999-12-31T22:00:00Z").instant + 86_400_000_000
    assert clash_times(Clash(Occurrence(tomorrow, tomorrow + 1), slot_of_a_day)) == {
        "startDateTime": None,
        "endDateTime": None,
    }


def test_two_series_that_meet_only_in_the_far_future_are_in_each_others_way() -> None:
    leap = taken("leap", "2072-02-29T09:00:00Z", "2072-02-29T10:00:00Z", "YEARLY")
    mondays = taken("mondays", "2072-03-07T09:00:00Z", "2072-03-07T10:00:00Z", "WEEKLY")
    (clash,) = clashes(mondays, [leap])
    assert clash_times(clash)["startDateTime"] == "2112-02-29T09:00:00Z"


@pytest.mark.parametrize("cycle", [None, "DAILY", "WEEKLY", "MONTHLY", "YEARLY"])
def test_back_to_back_is_free_in_both_orders(cycle: str | None) -> None:
    first = taken("first", "2023-12-01T09:00:00Z", "2023-12-01T10:00:00Z", cycle)
    second = taken("second", "2023-12-01T10:00:00Z", "2023-12-01T11:00:00Z", cycle)
    assert clashes(first, [second]) == clashes(second, [first]) == []
