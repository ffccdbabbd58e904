"""When sessions take place, and whether two of them ever overlap: exactly, for all time, without expansion.

An occurrence is a half-open interval [start, start + length) of microseconds (see `instants`). A series
never ends. Its days are reckoned on the clock of its `startDateTime`, as RFC 5545 section 3.3.10 has it:
a month without the day, a year without the 29th of February, is skipped.

Two endless series meet iff their phases do, whichever began first: the Gregorian calendar repeats every
400 years (146,097 days, a whole number of weeks), so what can happen once happens again and again. They
conflict iff the shortest wait, ever, from a start of one to the next start of the other is less than the
first one's length. Only against a single occurrence does it matter when a series began.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from scheduling.domain.instants import DAY, local_text, parse

WEEK = 7 * DAY
WEEKDAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
CYCLES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")

SCHEDULE_FIELDS = ("startDateTime", "endDateTime", "repeatCycleType", "recurringDayOfWeek")
"""The fields that say when a session takes place."""

INSTANT = 1
"""The length of a session without an end: the smallest there is, so that it occupies its start alone."""

_DAYS_IN_400_YEARS = 146_097
_LEAP_CYCLE = range(date(2001, 1, 1).toordinal(), date(2005, 1, 1).toordinal())


class Occurrence(NamedTuple):
    """A half-open interval of instants: microseconds since 0001-01-01T00:00:00Z."""

    start: int
    end: int


class Dates(NamedTuple):
    """The days of a MONTHLY (`month` is None) or YEARLY rule."""

    month: int | None
    day: int

    def next(self, ordinal: int) -> int:
        """The first of these days on or after that one, as `date.toordinal()` would go on past 9999."""
        passed, today = divmod(ordinal - 1, _DAYS_IN_400_YEARS)
        first = date.fromordinal(today + 1)
        year, month = first.year, self.month or first.month
        while True:
            try:
                found = date(year, month, self.day).toordinal() - 1
            except ValueError:  # a month without the day is skipped
                found = -1
            if found >= today:
                return passed * _DAYS_IN_400_YEARS + found + 1
            if self.month:
                year += 1
            else:
                year, month = year + month // 12, month % 12 + 1


class Once(NamedTuple):
    """One interval."""

    first: int
    length: int

    def next(self, after: int) -> int | None:
        """The start, if it is at or after that instant."""
        return self.first if after <= self.first else None


class Series(NamedTuple):
    """A series without an end."""

    first: int
    length: int
    period: int | None
    """Microseconds from one start to the next of a DAILY or WEEKLY series."""
    dates: Dates | None
    """The days of a MONTHLY or YEARLY one …"""
    phase: int
    """… and what to add to such a day's midnight in UTC: the time of day less the offset."""

    def next(self, after: int) -> int:
        """The first start at or after that instant."""
        if after <= self.first:
            return self.first
        if self.period:
            return after + (self.first - after) % self.period
        assert self.dates
        midnight = -(-(after - self.phase) // DAY)  # rounded up to a whole day
        return (self.dates.next(midnight + 1) - 1) * DAY + self.phase


Every = Series
Schedule = Once | Series
Occupied = Schedule


def occupied(session: Mapping[str, Any]) -> Occupied | None:
    """The time that a session takes, from its valid fields; None without a start.

    A RECURRING session without a `repeatCycleType` takes its first interval alone.
    """
    if not session.get("startDateTime"):
        return None
    start = parse(session["startDateTime"])
    end = session.get("endDateTime")
    length = parse(end).instant - start.instant if end else INSTANT
    cycle = session.get("repeatCycleType")
    if not cycle:
        return Once(start.instant, length)
    if cycle == "DAILY":
        return Series(start.instant, length, DAY, None, 0)
    days, time_of_day = divmod(start.local, DAY)
    if cycle == "WEEKLY":
        weekday = session.get("recurringDayOfWeek")
        # Day 0 of the calendar in use, 0001-01-01, was a Monday.
        ahead = (WEEKDAYS.index(weekday) - days) % 7 if weekday else 0
        return Series(start.instant + ahead * DAY, length, WEEK, None, 0)
    today = date.fromordinal(days + 1)
    dates = Dates(today.month if cycle == "YEARLY" else None, today.day)
    return Series(start.instant, length, None, dates, time_of_day - start.offset)


def overlaps_itself(series: Series) -> bool:
    """Whether an occurrence would run into the next one of the same series."""
    if series.dates:
        return series.length > _shortest_gap(series.dates, series.dates, 1) * DAY
    return series.length > (series.period or 0)


def conflict(a: Occupied, b: Occupied) -> bool:
    """Whether an occurrence of one overlaps an occurrence of the other, ever."""
    if isinstance(a, Once):
        return _reaches(b, a.first, a.length)
    if isinstance(b, Once):
        return _reaches(a, b.first, b.length)
    return _wait(a, b) < a.length or _wait(b, a) < b.length


def first_clash(existing: Occupied, new: Occupied) -> int:
    """The start of the earliest occurrence of `existing` that overlaps any of `new`; the two must conflict.

    Each leap goes to the first occurrence of one that ends after the other's starts. Whatever it leaps over
    had ended by then, so nothing is missed.
    """
    start: int | None = existing.first
    while start is not None:
        other = new.next(start - new.length + 1)
        if other is None:
            break
        if other < start + existing.length:
            return start
        start = existing.next(other - existing.length + 1)
    raise ValueError("These two never meet.")


def _reaches(taken: Occupied, first: int, length: int) -> bool:
    """Whether an occurrence overlaps that interval: the first one that ends after it starts decides."""
    start = taken.next(first - taken.length + 1)
    return start is not None and start < first + length


def _wait(a: Series, b: Series) -> int:
    """The shortest time, ever, from a start of `a` to the next start of `b`."""
    if a.period and b.period:
        return (b.first - a.first) % min(a.period, b.period)
    if a.dates and b.dates:
        lag = b.phase - a.phase
        days = -(
            lag // DAY
        )  # b's day must come at least so many days after a's, for its start not to come before
        return _shortest_gap(a.dates, b.dates, days) * DAY + lag
    # In 400 years every day of the month and every date falls on every weekday: only the time of day counts.
    return (b.first - a.first) % DAY


@lru_cache(maxsize=4096)
def _shortest_gap(a: Dates, b: Dates, least: int) -> int:
    """The fewest days, no fewer than `least`, from one of `a`'s days to one of `b`'s.

    One leap cycle of four years has every neighbourhood of months there is: the years around 1900 or 2100
    only leave a 29th of February out, which makes no gap shorter.
    """
    shortest, day = 2 * len(_LEAP_CYCLE), a.next(_LEAP_CYCLE.start)
    while day in _LEAP_CYCLE:
        shortest = min(shortest, b.next(day + least) - day)
        day = a.next(day + 1)
    return shortest


def schedule(fields: Mapping[str, Any]) -> Schedule | None:
    """Return the schedule of a session from its valid fields; None without a start."""
    return occupied(fields)


def occurrences(schedule: Schedule, start: int, end: int) -> Iterator[Occurrence]:
    """Return the occurrences that overlap the interval [start, end), in order."""
    found = schedule.next(start - schedule.length + 1)
    while found is not None and found < end:
        yield Occurrence(found, found + schedule.length)
        found = schedule.next(found + 1)


def last_end(schedule: Schedule) -> int | None:
    """Return the end of the last occurrence; None for an endless series."""
    return schedule.first + schedule.length if isinstance(schedule, Once) else None


def times_of_day(series: Series) -> tuple[int, int]:
    """Return the start and the length of a span of the UTC day in which every occurrence of a series lies."""
    return series.first % DAY, series.length


def first_conflict(a: Schedule, b: Schedule) -> Occurrence | None:
    """Return the earliest occurrence of `a` that overlaps any of `b`; None if the two never conflict."""
    if not conflict(a, b):
        return None
    start = first_clash(a, b)
    return Occurrence(start, start + a.length)


def local_times(fields: Mapping[str, Any], occurrence: Occurrence) -> tuple[str | None, str | None]:
    """Return the start and the end of an occurrence of a session, on the clock of the session."""
    start, end = [
        local_text(instant, parse(fields[field]).offset) if fields.get(field) else None
        for field, instant in zip(("startDateTime", "endDateTime"), occurrence, strict=True)
    ]
    return start, end
