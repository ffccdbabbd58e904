"""Changes of a series: an occurrence is cancelled, an occurrence is changed, or the series is split."""

from datetime import date, timedelta
from itertools import islice
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from scheduling.domain import session
from scheduling.domain.instants import parse, utc_text
from scheduling.domain.recurrence import Occurrence, Series, local_date, occurrences, schedule
from scheduling.domain.series_changes import delete_occurrence, split, update_occurrence
from scheduling.domain.session import Session
from scheduling.errors import (
    BadRequest,
    FirstOccurrence,
    LastOccurrence,
    NoOccurrence,
    TooManyExcludedDates,
)

THEN, NOW = "2026-01-01T08:00:00.000Z", "2026-01-02T08:00:00.000Z"
MONDAYS = {
    "type": "RECURRING",
    "timelineId": "t",
    "name": "Yoga",
    "description": "Bring a mat",
    "startDateTime": "2026-01-05T09:00:00+01:00",
    "endDateTime": "2026-01-05T10:00:00+01:00",
    "timeZone": "Europe/Berlin",
    "repeatCycleType": "WEEKLY",
}


def weekly_series(**fields: Any) -> Session:
    """Build a series on Mondays in Berlin, with changed fields."""
    return session.create({**MONDAYS, **fields}, "series", "ada", THEN)


def first_occurrences(series: Session, count: int = 60) -> list[Occurrence]:
    times = schedule(series)
    assert times
    return list(islice(occurrences(times, 0, 10**18), count))


def first_dates(series: Session, count: int = 60) -> list[str | None]:
    times = schedule(series)
    assert times
    return [local_date(times, each) for each in first_occurrences(series, count)]


def test_a_cancelled_occurrence_is_excluded_and_all_others_remain() -> None:
    series = weekly_series(excludedDates=["2026-02-02"])
    after = delete_occurrence(series, "2026-01-12", NOW)
    assert after["excludedDates"] == ["2026-02-02", "2026-01-12"]
    assert (after["version"], after["updatedAt"]) == (2, NOW)
    assert first_dates(after, 3) == ["2026-01-05", "2026-01-19", "2026-01-26"]


def test_a_second_cancellation_of_an_occurrence_changes_nothing() -> None:
    series = weekly_series(excludedDates=["2026-01-12"])
    assert delete_occurrence(series, "2026-01-12", NOW) is series


@pytest.mark.parametrize(
    "date",
    ["2026-01-06", "2025-12-29", "2026-02-30", "2026-1-5", "", "x", "2026-01-05T09:00:00Z"],
)
def test_cancel_change_and_split_refuse_a_date_without_an_occurrence(date: str) -> None:
    for refused in (delete_occurrence, update_occurrence, split):
        more: Any = (NOW,) if refused is delete_occurrence else ({}, "new", NOW)
        with pytest.raises(NoOccurrence):
            refused(weekly_series(excludedDates=["2026-01-06"]), date, *more)


def test_change_and_split_refuse_an_excluded_date() -> None:
    series = weekly_series(excludedDates=["2026-01-12"])
    for refused in (update_occurrence, split):
        with pytest.raises(NoOccurrence):
            refused(series, "2026-01-12", {}, "new", NOW)


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "ONE_TIME", "repeatCycleType": None},
        {"repeatCycleType": None},
        {"startDateTime": None, "endDateTime": None},
    ],
)
def test_a_session_that_does_not_repeat_has_no_occurrence_to_cancel(fields: dict[str, Any]) -> None:
    with pytest.raises(NoOccurrence):
        delete_occurrence(weekly_series(**fields), "2026-01-05", NOW)


@pytest.mark.parametrize("end", [{"repeatCount": 2}, {"repeatUntil": "2026-01-12"}])
def test_the_only_remaining_occurrence_can_be_neither_cancelled_nor_changed(end: dict[str, Any]) -> None:
    series = delete_occurrence(weekly_series(**end), "2026-01-05", NOW)
    with pytest.raises(LastOccurrence):
        delete_occurrence(series, "2026-01-12", NOW)
    with pytest.raises(LastOccurrence):
        update_occurrence(series, "2026-01-12", {}, "new", NOW)


def test_a_series_excludes_at_most_366_dates() -> None:
    day = date(2027, 1, 1)
    dates = [str(day + timedelta(days=number)) for number in range(365)]
    full = delete_occurrence(weekly_series(excludedDates=dates), "2026-01-05", NOW)
    with pytest.raises(TooManyExcludedDates):
        delete_occurrence(full, "2026-01-12", NOW)
    with pytest.raises(TooManyExcludedDates):
        update_occurrence(full, "2026-01-12", {}, "new", NOW)
    earlier, later = split(full, "2026-01-19", {}, "new", NOW)
    assert (earlier["excludedDates"], later["excludedDates"]) == (["2026-01-05"], dates)


def test_a_changed_occurrence_is_a_session_that_refers_to_its_series() -> None:
    fields = {"startDateTime": "2026-07-06T11:00:00+02:00", "endDateTime": "2026-07-06T12:00:00+02:00"}
    rest, new = update_occurrence(weekly_series(), "2026-07-06", fields, "new", NOW)
    assert rest["excludedDates"] == ["2026-07-06"]
    shown = {name: value for name, value in session.view(new).items() if value is not None}
    assert shown == {
        **fields,
        "id": "new",
        "type": "ONE_TIME",
        "timelineId": "t",
        "name": "Yoga",
        "description": "Bring a mat",
        "timeZone": "Europe/Berlin",
        "seriesId": "series",
        "originalDate": "2026-07-06",
        "createdAt": NOW,
        "updatedAt": NOW,
    }
    assert new["version"] == 1


def test_a_changed_occurrence_keeps_its_original_times_by_default() -> None:
    _, new = update_occurrence(
        weekly_series(), "2026-07-06", {"name": "Outdoors", "description": None}, "new", NOW
    )
    assert new["startDateTime"] == "2026-07-06T09:00:00+02:00"
    assert new["endDateTime"] == "2026-07-06T10:00:00+02:00"
    assert "description" not in new


def test_a_changed_occurrence_must_be_a_valid_session() -> None:
    with pytest.raises(BadRequest) as refused:
        update_occurrence(
            weekly_series(), "2026-07-06", {"endDateTime": "2026-07-06T09:00:00+02:00"}, "new", NOW
        )
    assert [fault.field for fault in refused.value.faults] == ["endDateTime"]


def test_a_changed_occurrence_that_becomes_a_series_has_no_series_id() -> None:
    _, new = update_occurrence(weekly_series(), "2026-07-06", {}, "new", NOW)
    repeated = session.update(new, {"type": "RECURRING", "repeatCycleType": "DAILY"}, "ada", NOW)
    assert not {"seriesId", "originalDate"} & set(repeated)


def test_a_split_ends_the_series_and_starts_a_new_series() -> None:
    series = weekly_series(repeatCount=10, excludedDates=["2026-01-12", "2026-02-02"])
    earlier, later = split(series, "2026-01-26", {"name": "Pilates"}, "new", NOW)
    assert earlier["repeatUntil"] == "2026-01-25"
    assert "repeatCount" not in earlier
    assert earlier["excludedDates"] == ["2026-01-12"]
    assert later["startDateTime"] == "2026-01-26T09:00:00+01:00"
    assert (later["repeatCount"], later["excludedDates"], later["name"]) == (7, ["2026-02-02"], "Pilates")
    assert (later["id"], later["version"], later["createdAt"]) == ("new", 1, NOW)
    assert first_occurrences(earlier) + first_occurrences(later) == first_occurrences(series)


def test_a_split_with_a_start_on_another_day_changes_the_weekday_of_the_new_series() -> None:
    series = weekly_series(recurringDayOfWeek="MONDAY")
    times = {"startDateTime": "2026-01-27T09:00:00+01:00", "endDateTime": "2026-01-27T10:00:00+01:00"}
    _, later = split(series, "2026-01-26", times, "new", NOW)
    assert first_dates(later, 2) == ["2026-01-27", "2026-02-03"]


@pytest.mark.parametrize("date", ["2026-01-05", "2026-01-12"])
def test_a_series_cannot_be_split_at_its_first_occurrence(date: str) -> None:
    series = weekly_series(excludedDates=["2026-01-05"] if date == "2026-01-12" else None)
    with pytest.raises(FirstOccurrence):
        split(series, date, {}, "new", NOW)


def test_the_new_series_of_a_split_must_be_valid() -> None:
    with pytest.raises(BadRequest) as refused:
        split(weekly_series(), "2026-01-26", {"repeatUntil": "2026-01-20"}, "new", NOW)
    assert [fault.field for fault in refused.value.faults] == ["repeatUntil"]


def test_a_split_on_the_night_of_a_clock_change_keeps_the_time_of_day() -> None:
    berlin = {"startDateTime": "2026-03-28T02:15:00+01:00", "endDateTime": "2026-03-28T02:45:00+01:00"}
    london = {"startDateTime": "2026-03-28T01:15:00Z", "endDateTime": "2026-03-28T01:45:00Z"}
    for zone, times in (("Europe/Berlin", berlin), ("Europe/London", london)):
        series = weekly_series(timeZone=zone, repeatCycleType="DAILY", **times)
        earlier, later = split(series, "2026-03-29", {}, "new", NOW)
        assert first_occurrences(earlier) + first_occurrences(later, 400) == first_occurrences(series, 401)


@st.composite
def series_with_dates(draw: st.DrawFn) -> tuple[Session, str]:
    """Draw a series, and the date of one of its occurrences."""
    cycle = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    zone = draw(st.sampled_from([None, "Europe/Berlin", "Europe/London", "America/St_Johns", "Pacific/Apia"]))
    # Start after 2011. Samoa skipped 30 December 2011. On this date and on 31 December, a daily series has the same
    # occurrence.
    day = draw(st.dates(date(2012, 1, 1), date(2030, 12, 31)))
    hour, minutes = draw(st.integers(0, 23)), draw(st.sampled_from([0, 15, 59]))
    length = draw(st.sampled_from([None, 30, 90, 600]))
    start = parse(f"{day}T{hour:02}:{minutes:02}:00Z")
    fields: dict[str, Any] = {
        "repeatCycleType": cycle,
        "repeatInterval": draw(st.sampled_from([None, 1, 2, 3])),
        "timeZone": zone,
        "startDateTime": f"{day}T{hour:02}:{minutes:02}:00Z",
        "endDateTime": length and utc_text(start.instant + length * 60_000_000),
        **draw(
            st.sampled_from(
                [{}, {"repeatCount": 1}, {"repeatCount": 20}, {"repeatUntil": str(day + timedelta(days=200))}]
            )
        ),
    }
    if cycle == "WEEKLY":
        fields["recurringDaysOfWeek"] = draw(
            st.none() | st.lists(st.sampled_from(["MONDAY", "TUESDAY", "SUNDAY"]), unique=True, min_size=1)
        )
    assume(not list(session.faults({**MONDAYS, **fields})))
    whole = weekly_series(**fields)
    dates = [each for each in first_dates(whole, 15) if each]
    fields["excludedDates"] = draw(st.lists(st.sampled_from(dates), unique=True, max_size=4)) or None
    assume(not list(session.faults({**MONDAYS, **fields})))
    series = weekly_series(**fields)
    assert isinstance(schedule(series), Series)
    return series, draw(st.sampled_from([each for each in first_dates(series, 20) if each]))


@given(series_with_dates())
def test_a_cancellation_removes_one_occurrence_and_no_other(case: tuple[Session, str]) -> None:
    series, date = case
    index = first_dates(series).index(date)
    expected = first_occurrences(series, 61)
    del expected[index]
    try:
        assert first_occurrences(delete_occurrence(series, date, NOW)) == expected[:60]
    except LastOccurrence:
        assert expected == []


@given(series_with_dates())
def test_an_update_of_an_occurrence_with_an_empty_body_changes_no_times(case: tuple[Session, str]) -> None:
    series, date = case
    index, expected = first_dates(series).index(date), first_occurrences(series, 61)
    try:
        rest, new = update_occurrence(series, date, {}, "new", NOW)
    except LastOccurrence:
        assert len(expected) == 1
        return
    assert first_occurrences(new) == [expected.pop(index)]
    assert first_occurrences(rest) == expected[:60]


@given(series_with_dates())
def test_the_two_parts_of_a_split_together_have_the_occurrences_of_the_series(
    case: tuple[Session, str],
) -> None:
    series, date = case
    index, expected = first_dates(series).index(date), first_occurrences(series)
    try:
        earlier, later = split(series, date, {}, "new", NOW)
    except FirstOccurrence:
        assert index == 0
        return
    assert first_occurrences(earlier) == expected[:index]
    assert first_occurrences(later, len(expected) - index) == expected[index:]
    for part in (earlier, later):
        assert [fault for fault in session.faults(session.view(part), part)] == []
