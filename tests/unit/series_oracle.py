"""Slow and simple check of series with time zones, intervals, ends and excluded dates (test oracle).

The oracle shares no code with the layer.

Days are whole numbers: day 0 is 0001-01-01. Times are microseconds since the start of 0001-01-01. `zoneinfo` computes
the UTC offsets from the files of the package `tzdata`. From 2401 on, the offsets depend only on the calendar of the
year. The Gregorian calendar repeats every 400 years. So each year after 2800 has the same offsets as a year from 2401
to 2800.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

DAY = 86_400_000_000
ERA = 146_097
_MICROSECOND = timedelta(microseconds=1)
_YEAR_1 = datetime(1, 1, 1)
_REGULAR = date(2401, 1, 1).toordinal() - 1
_WEEKDAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]


@lru_cache
def zone(name: str) -> ZoneInfo:
    """Return a time zone from the package `tzdata`, not from the machine."""
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def date_of(day: int) -> tuple[int, int, int]:
    """Return the year, the month and the day of the month of a day. The year may be after 9999."""
    eras, rest = divmod(day, ERA)
    found = date.fromordinal(rest + 1)
    return found.year + 400 * eras, found.month, found.day


def offset(name: str, local: int) -> int:
    """Return the UTC offset of a local time.

    If the clocks skip or repeat the local time, return the offset before the clock change (PEP 495, fold=0).
    """
    day, time = divmod(local, DAY)
    if day >= _REGULAR:
        day = _REGULAR + (day - _REGULAR) % ERA
    found = (_YEAR_1 + timedelta(days=day, microseconds=time)).replace(tzinfo=zone(name)).utcoffset()
    assert found is not None
    return found // _MICROSECOND


class Series:
    """The occurrences of a session with a start."""

    def __init__(self, session: Mapping[str, Any]) -> None:
        start = datetime.fromisoformat(session["startDateTime"])
        end = session.get("endDateTime") and datetime.fromisoformat(session["endDateTime"])
        self.cycle = session.get("repeatCycleType")
        self.zone = session.get("timeZone") if self.cycle else None
        self.interval = session.get("repeatInterval") or 1
        self.day = start.toordinal() - 1
        local = start.replace(tzinfo=None)
        self.time = (local - datetime(local.year, local.month, local.day)) // _MICROSECOND
        self.offset = start.utcoffset() // _MICROSECOND  # type: ignore[operator]
        if not end:
            self.length = None
        elif self.zone:
            self.length = (end.replace(tzinfo=None) - local) // _MICROSECOND
        else:
            self.length = (end - start) // _MICROSECOND
        weekday = session.get("recurringDayOfWeek")
        names = [weekday] if weekday else session.get("recurringDaysOfWeek") or [_WEEKDAYS[start.weekday()]]
        self.weekdays = {_WEEKDAYS.index(name) for name in names}
        self.excluded = {
            date.fromisoformat(text).toordinal() - 1 for text in session.get("excludedDates") or []
        }
        self.first = next(day for day in range(self.day, self.day + 7) if self._is_rule_weekday(day))
        self.last = self._last_day(session)

    def _is_rule_weekday(self, day: int) -> bool:
        return self.cycle != "WEEKLY" or day % 7 in self.weekdays

    def _last_day(self, session: Mapping[str, Any]) -> int | None:
        if not self.cycle:
            return self.day
        if session.get("repeatUntil"):
            return date.fromisoformat(session["repeatUntil"]).toordinal() - 1
        if not session.get("repeatCount"):
            return None
        left = int(session["repeatCount"])
        for day in self._rule_days(self.first, self.first + 400 * ERA):
            left -= 1
            if left == 0:
                return day
        raise AssertionError("every rule has a next day")

    @property
    def rarity(self) -> float:
        """Return the approximate number of days between occurrences."""
        days = {None: 10**6, "DAILY": 1, "WEEKLY": 7 / len(self.weekdays), "MONTHLY": 30, "YEARLY": 365}
        return days[self.cycle] * self.interval

    def _rule_days(self, low: int, high: int) -> Iterator[int]:
        """Yield the days of the rule from `low` to `high`, both included. Ignore the end and the excluded dates."""
        low = max(low, self.first)
        if self.cycle is None:
            yield from [self.day] if low <= self.day <= high else []
        elif self.cycle == "DAILY":
            yield from range(low + (self.first - low) % self.interval, high + 1, self.interval)
        elif self.cycle == "WEEKLY":
            week = (self.first // 7) % self.interval
            for monday in range(low - low % 7, high + 1, 7):
                if (monday // 7) % self.interval == week:
                    yield from (
                        monday + each for each in sorted(self.weekdays) if low <= monday + each <= high
                    )
        else:
            yield from self._month_days(low, high)

    def _month_days(self, low: int, high: int) -> Iterator[int]:
        start_year, start_month, day_of_month = date_of(self.first)
        year, month, _ = date_of(low)
        step = self.interval * (12 if self.cycle == "YEARLY" else 1)
        months = 12 * (year - start_year) + month - start_month
        months += -months % step
        while True:
            years, month = divmod(start_month - 1 + months, 12)
            eras, year = divmod(start_year + years - 1, 400)
            months += step
            if eras * ERA + date(year + 1, month + 1, 1).toordinal() - 1 > high:
                return
            try:
                day = eras * ERA + date(year + 1, month + 1, day_of_month).toordinal() - 1
            except ValueError:
                continue
            if low <= day <= high:
                yield day

    def days(self, low: int, high: int) -> Iterator[int]:
        """Return the days from `low` to `high`, both included, on which an occurrence starts."""
        high = high if self.last is None else min(high, self.last)
        return (day for day in self._rule_days(low, high) if day not in self.excluded)

    def occurrence_on(self, day: int) -> tuple[int, int]:
        """Return the start and the end of the occurrence that starts on a local day."""
        local = day * DAY + self.time
        start = local - (offset(self.zone, local) if self.zone else self.offset)
        if self.length is None:
            return start, start + 1
        if not self.zone:
            return start, start + self.length
        end = local + self.length
        end -= offset(self.zone, end)
        return start, end if end > start else start + self.length

    def occurrences_within(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return the occurrences that overlap an interval of instants, without duplicates."""
        days = self.days((start - (self.length or 1)) // DAY - 3, end // DAY + 3)
        found = dict.fromkeys(self.occurrence_on(day) for day in days)
        return [each for each in found if each[0] < end and start < each[1]]


def first_overlap(a: Series, b: Series, low: int, high: int) -> tuple[int, int] | None:
    """Return the first occurrence of `a` that overlaps `b`; None without an overlap.

    The search checks only the occurrences that the less frequent series has from the day `low` to the day `high`.
    """
    rare, often = (a, b) if a.rarity >= b.rarity else (b, a)
    for day in rare.days(low, high):
        occurrence = rare.occurrence_on(day)
        if met := often.occurrences_within(*occurrence):
            return occurrence if rare is a else min(met)
    return None
