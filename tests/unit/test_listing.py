"""Positions of pages in lists. A property test compares each page with a slice of the sorted list of all keys."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from scheduling.domain import session
from scheduling.domain.counters import path
from scheduling.domain.pagination import (
    MOST_PASSED_OVER,
    Period,
    Range,
    Stretch,
    Window,
    find,
    ordered,
    stretches,
    take,
    window,
)

instants = st.one_of(
    st.datetimes(datetime(2023, 11, 1), datetime(2024, 3, 1)),
    st.builds(
        lambda first, step: first + timedelta(microseconds=step),
        st.sampled_from(
            [datetime(1899, 12, 31, 23), datetime(2024, 1, 1), datetime(2000, 1, 1), datetime(2200, 1, 1)]
        ),
        st.integers(-1, 1),
    ),
).map(lambda moment: moment.replace(tzinfo=UTC))
starts = st.lists(st.none() | instants, max_size=30)
bounds = st.none() | instants


def text(moment: datetime) -> str:
    """Return a start in the format of a request."""
    return moment.isoformat()


def keys(starts: list[datetime | None]) -> list[str]:
    """Return the sort keys of sessions with these starts. Keep the order of the argument `starts`."""
    return [
        session.create({"startDateTime": moment and text(moment)}, f"{number:02x}-id", "owner", "now")[
            "startKey"
        ]
        for number, moment in enumerate(starts)
    ]


def periods(found: list[str], limits: Window, months: bool, ascending: bool) -> list[Period]:
    """Return the periods in a window, with the number of their keys in the window. Omit periods without keys.

    A day that is completely in the window is one period. If only a part of a day is in the window, each minute is a
    period. With `months`, a month that is completely in the window is one period. Before 1900 and after 2199, the
    periods are a month, an hour, and (with `months`) a decade.
    """
    counts: Counter[str] = Counter()
    for key in found:
        _, month, day, minute = path(key)
        prefix = month if months and limits.covers(month) else day if limits.covers(day) else minute
        if limits.touches(prefix):
            low, high = limits.clip(prefix, prefix)
            counts[prefix] += low <= key <= high
    return ordered((Period(prefix, count) for prefix, count in counts.items()), ascending)


def page(
    found: list[str], limits: Window, skip: int, wanted: int, months: bool, ascending: bool
) -> list[str]:
    """Find a page by the number of keys in each period. Return the keys of the page."""
    counted = periods(found, limits, months, ascending)
    place = find(counted, skip)
    if place is None:
        return []
    rest = take(counted[place.number :], place.skip + wanted)
    read: list[str] = []
    for stretch in stretches(rest, limits, lambda prefix: str(prefix.startswith("~"))):
        low, high = stretch.range
        read += sorted((key for key in found if low <= key <= high), reverse=not ascending)
    return read[place.skip :][:wanted]


@given(starts, bounds, bounds, st.integers(0, 35), st.integers(1, 12), st.booleans(), st.booleans())
def test_a_page_equals_a_slice_of_all_keys_in_the_window(
    starts: list[datetime | None],
    since: datetime | None,
    until: datetime | None,
    skip: int,
    wanted: int,
    months: bool,
    ascending: bool,
) -> None:
    found = keys(starts)
    pairs = list(zip(starts, found, strict=True))
    inside = [
        (moment, key)
        for moment, key in pairs
        if moment and (since is None or since <= moment) and (until is None or moment < until)
    ]
    dated = [key for _, key in sorted(inside, reverse=not ascending)]
    bounded = since is not None or until is not None
    undated = [key for moment, key in pairs if moment is None]
    everything = dated + ([] if bounded else sorted(undated, reverse=not ascending))

    limits = window(since and text(since), until and text(until))
    assert limits.bounded is bounded
    event(f"bounded {bounded}, full {len(everything[skip : skip + wanted]) == wanted}")
    if limits.empty:
        assert everything == []
        return
    assert page(found, limits, skip, wanted, months, ascending) == everything[skip : skip + wanted]
    assert sum(period.wanted for period in periods(found, limits, months, ascending)) == len(everything)
    read = [
        key
        for low, high in limits.parts(ascending)
        for key in sorted((key for key in found if low <= key <= high), reverse=not ascending)
    ]
    assert read == everything


@given(starts, instants, instants)
def test_a_window_contains_all_keys_of_periods_inside_and_no_keys_of_periods_outside(
    starts: list[datetime | None], since: datetime, until: datetime
) -> None:
    limits = window(text(since), text(until))
    for key in keys(starts):
        for prefix in path(key)[1:]:
            if limits.covers(prefix):
                assert limits.low <= key <= limits.high
            if not limits.touches(prefix):
                assert not limits.low <= key <= limits.high


def test_one_query_reads_successive_periods_unless_many_items_of_another_type_are_between_them() -> None:
    found = [
        Period("2023-11", 3),
        Period("2023-12", 0, MOST_PASSED_OVER),
        Period("2024-01", 1, 7),
        Period("2024-02", 0, MOST_PASSED_OVER),
        Period("2024-03", 0, 1),
        Period("2024-04", 2),
        Period("~", 2),
    ]
    assert stretches(found, Window(), lambda prefix: prefix[:1]) == [
        Stretch(Range("2023-11", "2024-01~"), 4, MOST_PASSED_OVER + 7),
        Stretch(Range("2024-04", "2024-04~"), 2),
        Stretch(Range("~", "~~"), 2),
    ]


def test_periods_with_the_fewest_other_items_between_them_are_joined_into_one_query_first() -> None:
    half = MOST_PASSED_OVER // 2
    gaps = [half, MOST_PASSED_OVER, half + 1, half - 1]
    found = [Period("2024-01-01", 1)]
    for number, gap in enumerate(gaps):
        found += [Period(f"2024-01-{2 * number + 2:02}", 0, gap), Period(f"2024-01-{2 * number + 3:02}", 1)]
    assert stretches(found, Window(), lambda prefix: "") == [
        Stretch(Range("2024-01-01", "2024-01-03~"), 2, half),
        Stretch(Range("2024-01-05", "2024-01-05~"), 1),
        Stretch(Range("2024-01-07", "2024-01-09~"), 2, half - 1),
    ]


@pytest.mark.parametrize(
    "start", ["2024-01-01T00:00:00Z", "2024-01-01T00:00:00+09:00", "2024-01-31T23:59:59Z"]
)
def test_a_window_that_does_not_end_after_its_start_is_empty(start: str) -> None:
    assert window(start, start).empty
    assert window(start, "2023-01-01T00:00:00Z").empty
    assert not window(start, "2025-01-01T00:00:00Z").empty
