"""Slots: their keys, and the ranges of keys that the conflict check of a new session reads."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.domain import slots
from scheduling.domain.instants import parse
from scheduling.domain.recurrence import conflict
from scheduling.domain.session import Session, SessionChange
from scheduling.domain.slots import Slot, adds_time, reserve, slot, slot_schedule

CLASSES = (1, 2, 4, 8, 24)


def slot_of(id: str, start: str, end: str | None = None, cycle: str | None = None) -> Slot:
    """Return the slot of a session."""
    found = slot(session(id, start, end, cycle))
    assert found
    return found


def session(id: str, start: str | None, end: str | None = None, cycle: str | None = None) -> Session:
    """Return a session with the fields that its slot needs."""
    fields: dict[str, Any] = {
        "id": id,
        "ownerId": "ada",
        "timelineId": "t",
        "type": "RECURRING" if cycle else "ONE_TIME",
        "name": "Yoga",
        "version": 1,
    }
    times = {"startDateTime": start, "endDateTime": end, "repeatCycleType": cycle}
    return fields | {name: value for name, value in times.items() if value}  # type: ignore[return-value]


def test_a_session_without_a_start_has_no_slot() -> None:
    assert slot(session("a", None)) is None


def test_a_deleted_session_has_no_slot() -> None:
    assert slot({**session("a", "2023-12-01T09:00:00Z"), "removedAt": "2023-12-01T09:00:00Z"}) is None


def test_the_key_of_a_one_time_session_contains_its_start_in_utc() -> None:
    found = slot_of("a", "2023-12-01T09:00:00+09:00", "2023-12-01T10:00:00+09:00")
    assert found["slot"] == "ONCE#2023-12-01T00:00:00.000000Z#a"


@pytest.mark.parametrize(
    ("end", "key"),
    [
        (None, "EVERY#01#0540#a"),
        ("2023-12-01T10:00:00Z", "EVERY#01#0540#a"),
        ("2023-12-01T10:00:01Z", "EVERY#02#0540#a"),
        ("2023-12-01T17:00:00Z", "EVERY#08#0540#a"),
        ("2023-12-01T17:00:01Z", "EVERY#24#0540#a"),
    ],
)
def test_the_key_of_an_endless_series_contains_its_length_class_and_time_of_day(
    end: str | None, key: str
) -> None:
    assert (
        slot_of("a", "2023-12-01T09:00:59Z" if end is None else "2023-12-01T09:00:00Z", end, "WEEKLY")["slot"]
        == key
    )


def test_keys_of_one_time_sessions_before_an_instant_sort_before_the_prefix_of_the_instant() -> None:
    nine = slots.starting_at(parse("2023-12-01T09:00:00Z").instant)
    assert slot_of("a", "2023-12-01T08:59:59.999999Z")["slot"] < nine
    assert nine < slot_of("a", "2023-12-01T09:00:00Z")["slot"]
    assert slots.EVERY < slots.HEAD < slots.ONCE < slots.UNTIL


def test_the_conflict_check_reads_only_ending_series_that_end_after_the_new_session_starts() -> None:
    keys = slots.ending_after(parse("2023-12-01T09:00:00Z").instant)
    assert not keys.low <= "UNTIL#2023-12-01T09:00:00.000000Z#a" <= keys.high
    assert keys.low <= "UNTIL#2023-12-01T09:00:00.000001Z#a" <= keys.high
    assert keys.low <= "UNTIL#~#a" <= keys.high


def test_a_conflict_check_reads_endless_series_of_length_class_1_by_time_of_day_and_all_of_class_24() -> None:
    new = slot_of("new", "2023-12-01T09:00:00Z", "2023-12-01T09:30:00Z")
    assert list(slots.endless_series_near(new, [1, 24])) == [
        ("EVERY#01#0480", "EVERY#01#0569~~"),
        ("EVERY#24#", "EVERY#24#~~"),
    ]


def test_the_conflict_check_of_a_session_soon_after_midnight_reads_two_ranges_of_keys() -> None:
    new = slot_of("new", "2023-12-01T00:30:00Z", "2023-12-01T01:00:00Z")
    assert list(slots.endless_series_near(new, [1])) == [
        ("EVERY#01#1410", "EVERY#01#1439~~"),
        ("EVERY#01#", "EVERY#01#0059~~"),
    ]


MINUTES = st.integers(0, 3 * 24 * 60)
LENGTHS = st.sampled_from([0, 1, 29, 30, 59, 60, 61, 120, 479, 481, 1439, 1440, 2000])


def format_start(minutes: int) -> str:
    return (datetime(2023, 12, 1, tzinfo=UTC) + timedelta(minutes=minutes)).isoformat()


@given(MINUTES, LENGTHS, MINUTES, LENGTHS, st.sampled_from([None, "DAILY", "WEEKLY"]))
def test_the_conflict_check_reads_every_endless_series_that_conflicts(
    start: int, length: int, series_start: int, series_length: int, cycle: str | None
) -> None:
    ends = format_start(start + length) if length else None
    new = slot_of("new", format_start(start), ends, cycle)
    series_ends = format_start(series_start + min(series_length, 1440)) if series_length else None
    series = slot_of("series", format_start(series_start), series_ends, "DAILY")
    read = any(low <= series["slot"] <= high for low, high in slots.endless_series_near(new, CLASSES))
    assert read or not conflict(slot_schedule(new), slot_schedule(series))


@pytest.mark.parametrize("released", [True, False])
def test_parsing_the_text_of_a_reference_returns_the_same_reference(released: bool) -> None:
    named = slots.Reference(slot_of("a", "2023-12-01T09:00:00Z")["slot"], 12, released)
    assert slots.parse_reference(slots.reference_text(named)) == named


def test_a_read_slot_shows_a_change_if_its_version_is_the_version_of_the_change_or_later() -> None:
    second = {**slot_of("a", "2023-12-01T09:00:00Z"), "version": 2}
    added, released = slots.Reference("key", 2), slots.Reference("key", 2, released=True)
    for named in (added, released):
        assert named.is_readable_in(second)  # type: ignore[arg-type]
        assert not named.is_readable_in({**second, "version": 1})  # type: ignore[arg-type]
    assert released.is_readable_in(None)
    assert not added.is_readable_in(None)


def test_a_released_one_time_slot_can_hide_an_added_slot_only_if_it_starts_within_the_added_slot() -> None:
    new = slot_of("a", "2023-12-01T09:00:00Z", "2023-12-01T13:00:00Z")
    assert slots.hides(slot_of("a", "2023-12-01T10:00:00Z"), new)
    assert not slots.hides(slot_of("a", "2023-12-01T08:00:00Z"), new)
    assert not slots.hides(slot_of("a", "2023-12-01T13:00:00Z"), new)
    assert not slots.hides(slot_of("a", "2023-12-01T10:00:00Z", None, "DAILY"), new)


def berlin_series(**fields: Any) -> Session:
    """Return a weekly series in the time zone of Berlin."""
    series = session("a", "2023-12-01T09:00:00+01:00", "2023-12-01T10:00:00+01:00", "WEEKLY")
    return {**series, "timeZone": "Europe/Berlin", **fields}  # type: ignore[typeddict-item]


def test_a_new_session_at_another_time_of_day_finds_an_endless_series_with_a_time_zone() -> None:
    found = slot(berlin_series())
    assert found
    assert found["slot"].startswith("EVERY#24#")
    new = slot_of("new", "2023-12-01T20:00:00Z", "2023-12-01T20:30:00Z")
    assert any(low <= found["slot"] <= high for low, high in slots.endless_series_near(new, CLASSES))


def test_the_key_of_a_series_with_a_time_zone_and_an_end_contains_the_end_plus_two_days() -> None:
    found = slot(berlin_series(repeatUntil="2023-12-08"))
    assert found
    assert found["slot"] == "UNTIL#2023-12-10T09:00:00.000000Z#a"


def test_excluding_one_more_date_adds_no_time_to_a_slot() -> None:
    old = slot(berlin_series(excludedDates=["2023-12-08"]))
    fewer, more, other = (
        slot(berlin_series(excludedDates=dates))
        for dates in ([], ["2023-12-15", "2023-12-08"], ["2023-12-15", "2023-12-22"])
    )
    assert fewer
    assert more
    assert other
    assert not adds_time(old, more)
    assert adds_time(old, fewer)
    assert adds_time(old, other)
    assert adds_time(None, more)
    assert adds_time(old, {**more, "endDateTime": "2023-12-01T11:00:00+01:00"})
    assert adds_time(old, {**more, "slot": "another"})


def test_a_slot_keeps_its_key_unless_the_change_adds_time() -> None:
    before = berlin_series(repeatUntil="2023-12-15", slot="UNTIL#stored#a")
    after = reserve(
        SessionChange(before, berlin_series(repeatUntil="2023-12-15", excludedDates=["2023-12-15"]))
    ).after
    assert after["slot"] == "UNTIL#stored#a"
    after = reserve(SessionChange(before, berlin_series(repeatUntil="2023-12-22"))).after
    assert after["slot"] == "UNTIL#2023-12-24T09:00:00.000000Z#a"
    assert "slot" not in reserve(SessionChange(before, session("a", None))).after


def test_the_first_start_of_a_series_is_computed_with_the_offset_of_its_time_zone() -> None:
    """After an update of the time zone database, the offset in a stored `startDateTime` may be outdated."""
    found = slot(
        berlin_series(startDateTime="2023-12-01T09:00:00-05:00", endDateTime="2023-12-01T10:00:00-05:00")
    )
    assert found
    assert slots.first_start(found) == parse("2023-12-01T08:00:00Z").instant
    assert (
        slots.first_start(slot_of("a", "2023-12-01T09:00:00-05:00")) == parse("2023-12-01T14:00:00Z").instant
    )
