"""Clocks: the UTC offset at each instant, which is either fixed or the offset of a time zone.

Time zones are read from the TZif files (RFC 9636) of the package `tzdata`, never from files of the machine. So a
laptop, CI and Lambda have the same time zones. A zone is loaded on first use. A session without a time zone needs no
file, and the package is not imported.

A TZif file has a table of clock changes. At its end, the file has a POSIX TZ rule for the years after the table (RFC
9636, 3.3). The calendar repeats every 400 years. So `read_tzif` uses the TZ rule to add the clock changes of 400 years
to the table. For a later instant, `Clock` subtracts multiples of 400 years until the table contains the instant.
"""

import os.path
import re
import struct
from bisect import bisect_right
from collections.abc import Iterator
from datetime import date
from functools import cached_property, lru_cache
from itertools import chain, pairwise
from typing import NamedTuple

from scheduling.domain.instants import DAY
from scheduling.domain.recurrence_rules import DAYS_IN_ERA

ERA = DAYS_IN_ERA * DAY
"""400 years in microseconds."""
BEGINNING = -ERA
NEVER = 10**6 * ERA

_SECOND = 1_000_000
_EPOCH = date(1970, 1, 1).toordinal() - 1
_SECONDS_A_DAY = 86_400
_WEEK = 7 * _SECONDS_A_DAY


class Offsets(NamedTuple):
    """The UTC offsets that a comparison must try for occurrences that start or are under way in a stretch of time.

    Usually, the clock has the same offset in the whole stretch. Soon after a clock change, a comparison must also try
    other offsets:
    - When the clocks are set forward by j, they skip local times (a gap). A start time in the gap is read with the
      offset before the gap. So the occurrence starts less than j after the change. If the end time is not after this
      start, the occurrence lasts at most j and keeps this length. So the occurrence ends less than 2j after the change.
      Until then, a comparison must try both offsets.
    - When the clocks are set back by j, they show some local times twice (a fold). An occurrence starts only at the
      first of the two instants. So no occurrence starts within j after the change. An occurrence is under way within j
      after the change only if two conditions hold. Its start, computed with the offset before the change, has passed.
      Its end, computed with the offset after the change, has not passed.
    """

    starts: tuple[int, ...]
    """The possible offsets at the start of an occurrence that starts in the stretch."""
    under_way: tuple[tuple[int, int], ...]
    """Pairs of an offset for the start and an offset for the end. If an occurrence is under way, one pair shows this:
    by its first offset, the start has passed, and by its second offset, the end has not passed."""


class Stretch(NamedTuple):
    """A half-open interval of time in which a clock has the same `Offsets`."""

    start: int
    end: int
    offsets: Offsets


class Clock:
    """A clock with a table of its changes. All times are in microseconds.

    In the table, the UTC offset is `offsets[n]` until the instant `changes[n]`, and `offsets[-1]` after the last
    change. After the instant `regular`, the clock repeats every 400 years. If the clock still changes then, the table
    ends 400 years after `regular`.
    """

    def __init__(self, changes: list[int], offsets: list[int], regular: int = BEGINNING) -> None:
        self.changes = changes
        self.offsets = offsets
        self.regular = regular
        self._table_end = regular + ERA if changes and changes[-1] > regular else NEVER
        self._local_changes = [
            change + max(before, after)
            for change, (before, after) in zip(changes, pairwise(offsets), strict=True)
        ]

    def offset(self, instant: int) -> int:
        """Return the offset at an instant."""
        return self.offsets[bisect_right(self.changes, self._move_into_table(instant))]

    def instant(self, local: int) -> int:
        """Return the instant at which the clock shows a local time.

        A skipped time (gap) is read with the offset before the gap. For a repeated time (fold), return the first
        instant. See RFC 5545, 3.3.5, and `fold=0` in PEP 495.
        """
        return local - self.offsets[bisect_right(self._local_changes, self._move_into_table(local))]

    def offsets_since(self, instant: int) -> list[int]:
        """Return all offsets that the clock has at an instant and later."""
        return self.offsets[bisect_right(self.changes, min(instant, self.regular)) :]

    def stretch(self, instant: int) -> Stretch:
        """Return the stretch of time that contains an instant."""
        starts, offsets = self._stretches
        in_table = self._move_into_table(instant)
        moved = instant - in_table
        after = bisect_right(starts, in_table)
        return Stretch(starts[after - 1] + moved, starts[after] + moved, offsets[after - 1])

    @cached_property
    def _stretches(self) -> tuple[list[int], list[Offsets]]:
        """Return the starts of all stretches, with `NEVER` at the end, and the offsets of each stretch."""
        steady = {offset: Offsets((offset,), ((offset, offset),)) for offset in self.offsets}
        starts, offsets = [BEGINNING], [steady[self.offsets[0]]]
        for change, (before, after) in zip(self.changes, pairwise(self.offsets), strict=True):
            if before < after:
                starts += change, change + 2 * (after - before)
                offsets.append(Offsets((before, after), ((before, before), (after, after))))
            else:
                starts += change, change + before - after
                offsets.append(Offsets((), ((before, after),)))
            offsets.append(steady[after])
        return [*starts, NEVER], offsets

    def _move_into_table(self, time: int) -> int:
        """Subtract as many eras from a time as necessary for the table to contain the time."""
        return time if time < self._table_end else (time - self.regular) % ERA + self.regular


@lru_cache(maxsize=4096)
def fixed_clock(offset: int) -> Clock:
    """Return the clock whose UTC offset is always `offset`, in microseconds."""
    return Clock([], [offset])


@lru_cache(maxsize=256)
def zone_clock(name: str) -> Clock:
    """Return the clock of a time zone such as `Europe/Berlin`.

    Raises:
        KeyError: the database has no zone with this name.
    """
    if name not in zone_names():
        raise KeyError(name)
    with open(os.path.join(_find_database(), "zoneinfo", *name.split("/")), "rb") as file:
        return read_tzif(file.read())


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Return the names of all time zones in the database, without loading a zone."""
    with open(os.path.join(_find_database(), "zones"), encoding="ascii") as file:
        return frozenset(file.read().split())


def database_version() -> str:
    """Return the release of the IANA database, such as `2026f`."""
    import tzdata

    return str(tzdata.IANA_VERSION)


def _find_database() -> str:
    import tzdata  # imported here, because a request without a time zone does not need the package

    return os.path.dirname(str(tzdata.__file__))


def read_tzif(content: bytes) -> Clock:
    """Return the clock that a TZif file (RFC 9636) of version 2 or later describes."""
    position = 0
    for width in (4, 8):  # the first block has instants of 32 bits, the second of 64 bits (RFC 9636, 3)
        *indicators, leap_seconds, times, types, characters = struct.unpack_from(">20x6l", content, position)
        table = position + 44
        position = table + times * (width + 1) + types * 6 + characters
        position += leap_seconds * (width + 4) + sum(indicators)
    instants = struct.unpack_from(f">{times}q", content, table)
    chosen = content[table + 8 * times :][:times]
    known = [offset for offset, _, _ in struct.iter_unpack(">lbb", content[table + 9 * times :][: 6 * types])]
    last = instants[-1] if times else -_EPOCH * _SECONDS_A_DAY
    rule = content[position:].decode("ascii").strip()

    changes: list[int] = []
    offsets = [known[0]]
    explicit = zip(instants, [known[type] for type in chosen], strict=True)
    for instant, offset in chain(explicit, _expand_rule(rule, last)):
        # A rule for permanent daylight saving time has two changes at the same instant. Keep only the second change.
        if changes and changes[-1] == instant:
            del changes[-1], offsets[-1]
        if offset != offsets[-1]:  # some changes change only the abbreviation, such as CET
            changes.append(instant)
            offsets.append(offset)
    return Clock(
        [_convert_to_microseconds(instant) for instant in changes],
        [offset * _SECOND for offset in offsets],
        regular=_convert_to_microseconds(
            last + _WEEK
        ),  # by then, the stretches around the last irregular change have ended
    )


def _expand_rule(rule: str, after: int) -> Iterator[tuple[int, int]]:
    """Yield the clock changes of a POSIX TZ rule in somewhat more than 400 years after an instant.

    Each change is an instant and the new UTC offset, both in seconds. In such a rule, a time of day may be negative or
    above 24 hours (RFC 9636, 3.3).

    Raises:
        ValueError: the text is not a POSIX TZ rule.
    """
    name, time = r"(?:<[^>]+>|[A-Za-z]+)", r"([+-]?\d+(?::\d+){0,2})"
    day = r"(M\d+\.\d\.\d|J?\d+)"
    match = re.fullmatch(f"{name}{time}(?:{name}{time}?,{day}(?:/{time})?,{day}(?:/{time})?)?", rule)
    if not match:
        raise ValueError(f"Not a POSIX TZ rule: {rule}")
    standard, saving, begin, begin_time, end, end_time = match.groups()
    if not begin:
        return
    winter = -_parse_seconds(standard)
    summer = -_parse_seconds(saving) if saving else winter + 3600
    begin_at, end_at = _parse_seconds(begin_time or "2") - winter, _parse_seconds(end_time or "2") - summer
    first_year = date.fromordinal(after // _SECONDS_A_DAY + _EPOCH + 1).year
    for year in range(first_year, first_year + 402):
        in_year = sorted(
            [
                ((_find_day(begin, year) - _EPOCH) * _SECONDS_A_DAY + begin_at, summer),
                ((_find_day(end, year) - _EPOCH) * _SECONDS_A_DAY + end_at, winter),
            ]
        )
        yield from (change for change in in_year if change[0] > after)


def _find_day(text: str, year: int) -> int:
    """Return the number of the day in a year that a POSIX date names.

    Examples are `M3.5.0` (the last Sunday of March), `J60` (1 March) and `59` (the 60th day).
    """
    if text[0] == "J":  # the number of a day in a year without 29 February
        day = date.fromordinal(date(2001, 1, 1).toordinal() + int(text[1:]) - 1)
        return date(year, day.month, day.day).toordinal() - 1
    if text[0] != "M":
        return date(year, 1, 1).toordinal() - 1 + int(text)
    month, week, weekday = (int(part) for part in text[1:].split("."))
    monday_first = weekday - 1  # POSIX numbers weekdays from Sunday, but day number 0 is a Monday
    if week == 5:  # the last such weekday of the month
        last = date(year + month // 12, month % 12 + 1, 1).toordinal() - 2
        return last - (last - monday_first) % 7
    first = date(year, month, 1).toordinal() - 1
    return first + (monday_first - first) % 7 + 7 * (week - 1)


def _parse_seconds(text: str) -> int:
    """Convert a time such as `2` (hours), `-1:30` or `+24:00:00` to seconds: 7200, -5400 or 86400."""
    hours, minutes, seconds = (int(part) for part in (text.lstrip("+-") + ":0:0").split(":")[:3])
    total = (hours * 60 + minutes) * 60 + seconds
    return -total if text[0] == "-" else total


def _convert_to_microseconds(instant: int) -> int:
    """Convert seconds since 1970-01-01 to microseconds since 0001-01-01."""
    return instant * _SECOND + _EPOCH * DAY
