"""Where a page lies: compared with sorting everything and cutting the page out."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from scheduling.domain import session
from scheduling.domain.pagination import Stretch, Window, stretches, window

instants = st.one_of(
    st.datetimes(datetime(2023, 11, 1), datetime(2024, 3, 1)),
    st.builds(
        lambda first, step: first + timedelta(microseconds=step),
        st.sampled_from([datetime(2023, 12, 1), datetime(2024, 1, 1), datetime(2024, 2, 1)]),
        st.integers(-1, 1),
    ),
).map(lambda moment: moment.replace(tzinfo=UTC))
starts = st.lists(st.none() | instants, max_size=30)


def text(moment: datetime) -> str:
    """As a client would write it."""
    return moment.isoformat()


class Row(NamedTuple):
    """What an index holds of a session."""

    month: str
    key: str


def rows(starts: list[datetime | None]) -> list[Row]:
    """Sessions with these starts, as they are indexed."""
    made = [
        session.create({"startDateTime": moment and text(moment)}, str(number), "owner", "now")
        for number, moment in enumerate(starts)
    ]
    return [Row(one["startMonth"], one["startKey"]) for one in made]


def page(found: list[Row], limits: Window, skip: int, take: int, ascending: bool) -> list[str]:
    """The keys on a page, found as the store finds them: by the counts, then month by month."""
    counts: dict[str, int] = {}
    for month in limits.narrow(Counter(row.month for row in found)):
        low, high = limits.span(month)
        counts[month] = sum(row.month == month and low <= row.key <= high for row in found)
    keys: list[str] = []
    for stretch in stretches(counts, skip, take, ascending):
        low, high = limits.span(stretch.month)
        of_month = sorted(row.key for row in found if row.month == stretch.month and low <= row.key <= high)
        if not ascending:
            of_month.reverse()
        keys += of_month[stretch.skip : stretch.skip + stretch.take]
    return keys


@given(
    starts, st.none() | instants, st.none() | instants, st.integers(0, 35), st.integers(1, 12), st.booleans()
)
def test_a_page_is_the_slice_of_everything_that_it_says(
    starts: list[datetime | None],
    since: datetime | None,
    until: datetime | None,
    skip: int,
    take: int,
    ascending: bool,
) -> None:
    inside = [
        (moment, row.key)
        for moment, row in zip(starts, rows(starts), strict=True)
        if moment and (since is None or since <= moment) and (until is None or moment < until)
    ]
    dated = [key for _, key in sorted(inside, reverse=not ascending)]
    bounded = since is not None or until is not None
    undated = [row.key for moment, row in zip(starts, rows(starts), strict=True) if moment is None]
    everything = dated + ([] if bounded else sorted(undated, reverse=not ascending))

    limits = window(since and text(since), until and text(until))
    event(f"bounded {bounded}, full {len(everything[skip : skip + take]) == take}")
    assert limits.bounded is bounded
    assert page(rows(starts), limits, skip, take, ascending) == everything[skip : skip + take]


@given(starts, instants, instants)
def test_a_month_that_the_window_does_not_cut_lies_in_it_wholly(
    starts: list[datetime | None], since: datetime, until: datetime
) -> None:
    limits = window(text(since), text(until))
    found = rows(starts)
    for month, count in limits.narrow(Counter(row.month for row in found)).items():
        if not limits.cuts(month):
            low, high = limits.span(month)
            assert sum(low <= row.key <= high for row in found) == count


def test_a_page_is_read_from_as_few_months_as_it_touches() -> None:
    counts = {"2023-11": 3, "2023-12": 4, "2024-01": 5, "none": 2}
    assert list(stretches(counts, 4, 2, ascending=True)) == [Stretch("2023-12", 1, 2)]
    assert list(stretches(counts, 4, 5, ascending=False)) == [
        Stretch("2024-01", 4, 1),
        Stretch("2023-12", 0, 4),
    ]
    assert list(stretches(counts, 11, 9, ascending=False)) == [
        Stretch("2023-11", 2, 1),
        Stretch("none", 0, 2),
    ]
    assert list(stretches(counts, 14, 9, ascending=True)) == []


@pytest.mark.parametrize(
    "start", ["2024-01-01T00:00:00Z", "2024-01-01T00:00:00+09:00", "2024-01-31T23:59:59Z"]
)
def test_a_window_that_ends_as_it_begins_or_before_is_empty(start: str) -> None:
    counts = {"2023-12": 1, "2024-01": 1, "none": 1}
    assert window(start, start).narrow(counts) == {}
    assert window(start, "2023-01-01T00:00:00Z").narrow(counts) == {}
