"""Where a page lies. Pure.

The counts say how many sessions start in which month. So they say, without reading one of them, how many
match, in which month the page begins, and how many of that month come before it.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from scheduling.domain.instants import parse, utc_text
from scheduling.domain.session import UNDATED, UNDATED_KEY

_FIRST_OF_MONTH = "-01T00:00:00.000000Z"
_AFTER_ALL_DATES = ":"
_AFTER = "~"
"""Put behind a month, it makes a text that sorts after every start in it."""


class Span(NamedTuple):
    """A range of sort keys, both ends included."""

    low: str
    high: str


class Stretch(NamedTuple):
    """Some of what starts in one month."""

    month: str
    skip: int
    take: int


class Window(NamedTuple):
    """The starts that a list is limited to: from `low` on and before `high`, which compare like sort keys.

    A bound on the first instant of a month is that month, so that `low <= month` and `month < high` tell
    whether a whole month lies inside.
    """

    low: str = ""
    high: str = _AFTER_ALL_DATES

    @property
    def bounded(self) -> bool:
        """Whether it leaves anything out; sessions without a start are in the unbounded window alone."""
        return self != Window()

    def narrow(self, counts: Mapping[str, int]) -> dict[str, int]:
        """The counts of the months that lie in it, wholly or in part; none where it ends before it begins."""
        if not self.bounded:
            return dict(counts)
        if self.high <= self.low:
            return {}
        return {
            month: count
            for month, count in counts.items()
            if month != UNDATED and self.low < month + _AFTER and month < self.high
        }

    def cuts(self, month: str) -> bool:
        """Whether only part of the month lies in it."""
        return month != UNDATED and (self.low > month or self.high < month + _AFTER)

    def span(self, month: str) -> Span:
        """The sort keys of that part of the month that lies in it."""
        if month == UNDATED:
            return Span(UNDATED_KEY, UNDATED_KEY * 2)
        return Span(max(self.low, month), min(self.high, month + _AFTER))


def window(start: str | None, end: str | None) -> Window:
    """The window between two dates and times, either of which may be missing."""
    whole = Window()
    return Window(_bound(start) if start else whole.low, _bound(end) if end else whole.high)


def _bound(text: str) -> str:
    return utc_text(parse(text).instant).removesuffix(_FIRST_OF_MONTH)


def stretches(counts: Mapping[str, int], skip: int, take: int, ascending: bool) -> Iterable[Stretch]:
    """What to read of which month for a page. Without a start comes last, in both orders."""
    dated = sorted((month for month in counts if month != UNDATED), reverse=not ascending)
    for month in [*dated, UNDATED]:
        count = counts.get(month, 0)
        if skip < count and take > 0:
            taken = min(take, count - skip)
            yield Stretch(month, skip, taken)
            take -= taken
        skip = max(0, skip - count)
