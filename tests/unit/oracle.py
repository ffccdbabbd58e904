"""Slow and simple check for overlaps (test oracle). The oracle shares no code with the layer.

Days are whole numbers: day 0 is 0001-01-01, and days continue after the year 9999. Times are microseconds since the
start of 0001-01-01.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

DAY = 86_400_000_000
_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1, 1, 1, tzinfo=UTC)
_WEEKDAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]
_RARITY = {None: 0, "YEARLY": 1, "MONTHLY": 2, "WEEKLY": 3, "DAILY": 4}
_STEP = {"YEARLY": 365, "MONTHLY": 28}
_DAYS_OF_A_CYCLE = 400 * 365 + 97
_LONGEST_OCCURRENCE = 1461
"""Four years in days. An occurrence of a YEARLY series on 29 February may last four years."""


class Schedule:
    """The occurrences of a session with a start."""

    def __init__(self, session: Mapping[str, Any]) -> None:
        start = datetime.fromisoformat(session["startDateTime"])
        end = session.get("endDateTime")
        self.length = (datetime.fromisoformat(end) - start) // _MICROSECOND if end else 1
        self.cycle = session.get("repeatCycleType")
        self.begin = start.toordinal() - 1
        offset = start.utcoffset()
        assert offset is not None
        midnight = datetime(1, 1, 1, start.hour, start.minute, start.second, start.microsecond, UTC)
        self.time = (midnight - _EPOCH - offset) // _MICROSECOND
        self.weekday = session.get("recurringDayOfWeek") or _WEEKDAYS[start.weekday()]

    def occurs_on(self, day: int) -> bool:
        """Return whether an occurrence starts on the local day `day`."""
        if day < self.begin:
            return False
        match self.cycle:
            case "DAILY":
                return True
            case "WEEKLY":
                return _WEEKDAYS[_find_date(day).weekday()] == self.weekday
            case "MONTHLY":
                return _find_date(day).day == _find_date(self.begin).day
            case "YEARLY":
                return _find_month_and_day(day) == _find_month_and_day(self.begin)
        return day == self.begin

    def starts(self, first: int, last: int) -> Iterator[int]:
        """Yield the starts of the occurrences on the local days from `first` to `last`, both included."""
        day = max(first, self.begin)
        while day <= last:
            if self.occurs_on(day):
                yield day * DAY + self.time
                day += _STEP.get(self.cycle, 1)
            elif self.cycle is None:
                return
            else:
                day += 1

    def first_start_within(self, start: int, end: int) -> int | None:
        """Return the start of the first occurrence that overlaps an interval."""
        days = ((start - self.length - self.time) // DAY, (end - self.time) // DAY)
        for own in self.starts(*days):
            if own < end and start < own + self.length:
                return own
        return None


def first_overlap(existing: Mapping[str, Any], new: Mapping[str, Any]) -> int | None:
    """Return the start of the first occurrence of `existing` that overlaps `new`; None without an overlap."""
    if not (existing.get("startDateTime") and new.get("startDateTime")):
        return None
    one, other = Schedule(existing), Schedule(new)
    rare, often = sorted((one, other), key=lambda schedule: _RARITY[schedule.cycle])
    begin = max(one.begin, other.begin)
    if rare.cycle is None:
        days = (rare.begin, rare.begin)
    elif {rare.cycle, often.cycle} <= {"DAILY", "WEEKLY"}:
        days = (begin - 30, begin + 30)
    else:
        # Check 400 years from the start of the later session. Also check earlier occurrences that may last until then.
        days = (begin - _LONGEST_OCCURRENCE - 10, begin + _DAYS_OF_A_CYCLE + 2 * _LONGEST_OCCURRENCE)
    for start in rare.starts(*days):
        met = often.first_start_within(start, start + rare.length)
        if met is not None:
            return start if rare is one else met
    return None


def conflict(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two sessions ever overlap."""
    return first_overlap(one, other) is not None


def overlaps_itself(session: Mapping[str, Any]) -> bool:
    """Return whether an occurrence of a series overlaps the next occurrence."""
    series = Schedule(session)
    short = series.cycle in ("DAILY", "WEEKLY")
    starts = series.starts(series.begin, series.begin + (30 if short else _DAYS_OF_A_CYCLE + 3000))
    return any(start + series.length > following for start, following in pairwise(starts))


def _find_date(day: int) -> date:
    """Return a date in the first 400 years that has the same month, day and weekday as `day`."""
    return date.fromordinal(day % _DAYS_OF_A_CYCLE + 1)


def _find_month_and_day(day: int) -> tuple[int, int]:
    return _find_date(day).month, _find_date(day).day
