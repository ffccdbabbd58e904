"""A slow second opinion on overlap: looks at one day after another, and shares no code with the layer.

Times are microseconds since 0001-01-01T00:00:00Z. Where two series are compared, one that begins late is first
moved 7,600 years back, a whole number of the Gregorian calendar's cycles, since `date` ends with the year 9999.
"""

import itertools
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

DAY = 86_400_000_000
_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1, 1, 1, tzinfo=UTC)
_WEEKDAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]
_RARITY = {None: 0, "YEARLY": 1, "MONTHLY": 2, "WEEKLY": 3, "DAILY": 4}
_LATE = 9000
_YEARS_BACK = 7600
_DAYS_OF_A_CYCLE = 400 * 365 + 97


class Schedule:
    """The occurrences of a session with a start."""

    def __init__(self, session: Mapping[str, Any], years_back: int = 0) -> None:
        start = datetime.fromisoformat(session["startDateTime"])
        end = session.get("endDateTime")
        self.length = (datetime.fromisoformat(end) - start) // _MICROSECOND if end else 1
        self.cycle = session.get("repeatCycleType")
        self.day = start.date().replace(year=start.year - years_back)
        offset = start.utcoffset()
        assert offset is not None
        midnight = datetime(1, 1, 1, start.hour, start.minute, start.second, start.microsecond, UTC)
        self.time = (midnight - _EPOCH - offset) // _MICROSECOND
        self.weekday = session.get("recurringDayOfWeek") or _WEEKDAYS[start.weekday()]

    def takes_place(self, day: date) -> bool:
        """Whether there is an occurrence that begins on that local day."""
        if day < self.day:
            return False
        match self.cycle:
            case "DAILY":
                return True
            case "WEEKLY":
                return _WEEKDAYS[day.weekday()] == self.weekday
            case "MONTHLY":
                return day.day == self.day.day
            case "YEARLY":
                return (day.month, day.day) == (self.day.month, self.day.day)
        return day == self.day

    def start(self, day: date) -> int:
        """The instant of an occurrence that begins on that local day."""
        return (day.toordinal() - 1) * DAY + self.time

    def days(self, first: date, last: date) -> Iterator[date]:
        """The local days from one to another, both included, on which it takes place."""
        first = max(first, self.day)
        if self.cycle is None:
            if first <= self.day <= last:
                yield self.day
            return
        step = {"YEARLY": 365, "MONTHLY": 28}.get(self.cycle, 1)
        day = first
        while day <= last:
            if self.takes_place(day):
                yield day
                if (last - day).days < step:
                    return
                day += timedelta(step)
            elif day == date.max:
                return
            else:
                day += timedelta(1)

    def overlaps(self, start: int, end: int) -> bool:
        """Whether an occurrence overlaps that interval."""
        first = _day(start - self.length - self.time)
        last = _day(end - self.time)
        return any(
            self.start(day) < end and start < self.start(day) + self.length for day in self.days(first, last)
        )


def conflict(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two sessions overlap, ever."""
    if not (one.get("startDateTime") and other.get("startDateTime")):
        return False
    both_series = one.get("repeatCycleType") and other.get("repeatCycleType")
    schedules = (
        Schedule(session, _YEARS_BACK if both_series and int(session["startDateTime"][:4]) > _LATE else 0)
        for session in (one, other)
    )
    rare, often = sorted(schedules, key=lambda schedule: _RARITY[schedule.cycle])
    begin = max(rare.day, often.day)
    # What has been under way since before the later one began may reach into it; then one whole cycle.
    first = date.fromordinal(max(1, begin.toordinal() - 1500))
    ahead = 30 if {rare.cycle, often.cycle} <= {"DAILY", "WEEKLY"} else _DAYS_OF_A_CYCLE + 3000
    if rare.cycle is None:
        return often.overlaps(rare.start(rare.day), rare.start(rare.day) + rare.length)
    last = date.fromordinal(min(date.max.toordinal(), begin.toordinal() + ahead))
    return any(
        often.overlaps(rare.start(day), rare.start(day) + rare.length) for day in rare.days(first, last)
    )


def overlaps_itself(session: Mapping[str, Any]) -> bool:
    """Whether an occurrence of a series runs into the next one."""
    schedule = Schedule(session)
    # From any year on the same gaps come; from 2001 on they all fit before the calendar's end.
    schedule.day = schedule.day.replace(
        year=2004 if (schedule.day.month, schedule.day.day) == (2, 29) else 2001
    )
    days = schedule.days(schedule.day, date(2040, 1, 1))
    starts = [schedule.start(day) for day in days]
    return any(start + schedule.length > following for start, following in itertools.pairwise(starts))


def _day(instant: int) -> date:
    return date.fromordinal(min(max(instant // DAY + 1, 1), date.max.toordinal()))
