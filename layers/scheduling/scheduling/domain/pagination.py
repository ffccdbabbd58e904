"""Position of a page in its list.

The items of a list are counted by periods of time. Each period is a prefix of sort keys (see `counters`). The counts
show how many items match, in which period a page begins, and how many items of that period come before the page.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import NamedTuple

from scheduling.domain.instants import parse, utc_text
from scheduling.domain.session import UNDATED_KEY

_LAST = "~"
"""A character that sorts after every character that can follow a prefix."""
_AFTER_DATES = ":"
_AFTER_ALL = UNDATED_KEY + _LAST
_WHOLE_PERIODS = (
    "-01-01T00:00:00.000000Z",
    "-01T00:00:00.000000Z",
    "T00:00:00.000000Z",
    ":00:00.000000Z",
    ":00.000000Z",
)

MOST_PASSED_OVER = 100
"""One query can read two periods and everything between the two periods. All queries of a page together may read at
most this number of unwanted items between periods."""


class Range(NamedTuple):
    """A range of sort keys, including `low` and `high`."""

    low: str
    high: str


class Period(NamedTuple):
    """A period of time, with the number of a list's items in the period."""

    prefix: str
    wanted: int
    others: int = 0
    """The number of items in this period that belong to the scopes of the list, but do not match the filter."""
    scopes: frozenset[str] = frozenset()
    """The scopes (see `counters`) that have wanted items in this period."""


class Place(NamedTuple):
    """The beginning of a page: the index of a period, and the number of the period's items before the page."""

    number: int
    skip: int


class Stretch(NamedTuple):
    """Successive periods. One query for each scope reads all of these periods."""

    range: Range
    wanted: int
    others: int = 0
    """The number of items that the queries read and that do not match the filter."""
    scopes: frozenset[str] = frozenset()
    """The scopes that have wanted items in these periods."""


class Window(NamedTuple):
    """The range of the sort keys in a list: `low` is included, and `high` is not."""

    low: str = "0"
    high: str = _AFTER_ALL

    @property
    def empty(self) -> bool:
        """Return whether no key can lie in the window."""
        return self.high <= self.low

    @property
    def bounded(self) -> bool:
        """Return whether the list has a time window. Only a list without a time window has items without a start."""
        return self != Window()

    def contains(self, key: str) -> bool:
        """Return whether the window contains the item with that key."""
        return self.low <= key < self.high

    def touches(self, prefix: str) -> bool:
        """Return whether a key with that prefix can lie in the window."""
        return self.low < prefix + _LAST and prefix < self.high

    def covers(self, prefix: str) -> bool:
        """Return whether every key with that prefix lies in the window."""
        return self.low <= prefix and prefix + _LAST <= self.high

    def clip(self, first: str, last: str) -> Range:
        """Return the part of the window from the prefix `first` to the prefix `last`."""
        return Range(max(self.low, first), min(self.high, last + _LAST))

    def parts(self, ascending: bool) -> list[Range]:
        """Return the ranges of sort keys to read, in the order of the list. Items without a start come last."""
        if ascending or self.bounded:
            return [Range(self.low, self.high)]
        return [Range(self.low, _AFTER_DATES), Range(UNDATED_KEY, self.high)]


def window(start: str | None, end: str | None) -> Window:
    """Return the sort keys of the time window from `start` to `end`. None as `start` or `end` means no limit."""
    if not start and not end:
        return Window()
    return Window(
        _build_bound_key(start) if start else Window().low, _build_bound_key(end) if end else _AFTER_DATES
    )


def _build_bound_key(text: str) -> str:
    """Return the sort key of the start or end of a time window.

    If a period begins at this time, return only the prefix of the period, such as `2026-11` for the start of a month.
    With the full key, `covers` would return False for the period, although the whole period lies in the window.
    """
    key = utc_text(parse(text).instant)
    for rest in _WHOLE_PERIODS:
        if key.endswith(rest):
            key = key.removesuffix(rest)
            break
    return key.rstrip("0") if len(key) == 4 else key  # decade or century: "2200" -> "22"


def is_undated(prefix: str) -> bool:
    """Return whether the items with that prefix have no start."""
    return prefix.startswith(UNDATED_KEY)


def ordered(periods: Iterable[Period], ascending: bool) -> list[Period]:
    """Return the periods, sorted in the order of the list. Items without a start come last in both orders."""
    found = sorted(periods, key=lambda period: period.prefix, reverse=not ascending)
    return sorted(found, key=lambda period: is_undated(period.prefix))


def find(periods: Iterable[Period], skip: int) -> Place | None:
    """Return the place where a page begins. Return None if the list ends before the page."""
    for number, period in enumerate(periods):
        if skip < period.wanted:
            return Place(number, skip)
        skip -= period.wanted
    return None


def take(periods: Iterable[Period], wanted: int) -> Iterator[Period]:
    """Yield periods until the yielded periods together have at least `wanted` items."""
    for period in periods:
        if wanted <= 0:
            return
        wanted -= period.wanted
        yield period


def stretches(periods: Iterable[Period], limits: Window, partition: Callable[[str], str]) -> list[Stretch]:
    """Join successive periods of one partition into stretches. For each scope, one query reads a stretch.

    Join periods with the fewest unwanted items between them first. So a page needs as few queries as possible. Stop
    before the queries read more than `MOST_PASSED_OVER` unwanted items between periods.
    """
    wanted: list[Period] = []
    gaps = [0]
    """The number of unwanted items between each wanted period and the wanted period before."""
    for period in periods:
        if period.wanted:
            wanted.append(period)
            gaps.append(0)
        else:
            gaps[-1] += period.others
    by_size = sorted(range(1, len(wanted)), key=gaps.__getitem__)
    passed_over = accumulate(gaps[number] for number in by_size)
    closed = {number for number, total in zip(by_size, passed_over, strict=True) if total <= MOST_PASSED_OVER}
    found: list[Stretch] = []
    last = ""
    for number, period in enumerate(wanted):
        part = partition(period.prefix)
        span = limits.clip(period.prefix, period.prefix)
        if number in closed and last == part:
            (low, high), count, others, scopes = found[-1]
            joined = Range(min(low, span.low), max(high, span.high))
            others += gaps[number] + period.others
            found[-1] = Stretch(joined, count + period.wanted, others, scopes | period.scopes)
        else:
            found.append(Stretch(span, *period[1:]))
        last = part
    return found
