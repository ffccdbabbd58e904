"""Occurrences of sessions, and functions that decide whether two sessions ever overlap.

These functions take all occurrences into account. They cannot list all occurrences, because an endless series has no
last occurrence.

**Occurrences.** An occurrence is a half-open interval of instants (see `instants`). A session without a
`repeatCycleType` has one occurrence. A series has a recurrence rule that names days (`recurrence_rules`). The series
has an occurrence on each of these days from its first day to its last day, unless the date is excluded. An endless
series has no last day. An occurrence starts when the clock of the series (`time_zones`) shows the start time. With a
time zone, the occurrence ends when the clock shows the end time. So an occurrence from 22:00 to 06:00 always ends at
06:00. If the clocks change by an hour in that night, the occurrence lasts 7 or 9 hours. If the clocks skip the start
time, the occurrence starts later, by the length of the skipped time. If the end time is not after this later start, the
end moves too, and the occurrence keeps its length. Without a time zone, the clock of the series always has the UTC
offset of `startDateTime`.

**Next occurrence.** No occurrence of a series starts or ends before the occurrence of an earlier day. (If the clocks
skip a whole date, the occurrences of two days are at the same time.) So if an occurrence ends after an instant, all
following occurrences end after the instant too. `Series.next` computes the first occurrence that ends after an instant.
To compare a single occurrence S with a series, `_find_first_overlap` computes the first occurrence F of the series that
ends after S starts. S overlaps the series if and only if F starts before S ends. Occurrences before F have ended when S
starts, and occurrences after F do not start earlier than F.

**Can two series overlap?** Two series `a` and `b` overlap in two cases: if an occurrence of `b` starts during an
occurrence of `a`, or if an occurrence of `a` starts during an occurrence of `b`. Suppose that both series are endless
and have fixed offsets. `shortest_wait` computes the shortest time from a start of `a` to the next start of `b`. If this
time is less than the length of the occurrences of `a`, an occurrence of `b` starts during an occurrence of `a`. The
same comparison with `a` and `b` exchanged shows whether an occurrence of `a` starts during an occurrence of `b`. If
neither comparison finds an overlap, the two series never overlap. In two endless series, the shortest time occurs again
and again. So late first dates and a few excluded dates cannot prevent all overlaps.

With time zones, `_may_conflict` makes these two comparisons for pairs of UTC offsets. The function tries every pair
that the two clocks have at the same time after both series have begun. `time_zones.Offsets` explains why no pair is
missing. If no pair of offsets allows an overlap, the two series never overlap. Otherwise an overlap is possible, but
not certain. For example, perhaps no occurrence starts while the clocks have the pair of offsets that allows an overlap.

**Do two series overlap?** `_find_overlap` searches for an actual overlap, from an instant onwards. Let A be the first
occurrence of `a` that ends after this instant. Let B be the first occurrence of `b` that ends after the start of A. If
A and B do not overlap, no overlap begins between this instant and the start of B. Then the search continues from the
start of B. The search skips each stretch of time in which no overlap can begin with the offsets of the two clocks. The
search always ends:
- If at least one of the two series ends, take the series that ends first. The search stops soon after the last day of
  this series, or earlier.
- If both series are endless, the search first continues until both clocks are regular (see `Clock`). From then on, both
  clocks repeat every 400 years (an era). So the search covers at most one more era. A rule may name different days in
  different eras. So the search moves the days of all eras into this era, by multiples of 400 years. If occurrences on
  two moved days overlap, `meet_in_an_era` decides whether the two rules name these two days in the same era (Chinese
  remainder theorem). If they do, the overlap occurs again in later eras. A series excludes only a few dates, so
  excluded dates cannot prevent all of these overlaps.

Sources: RFC 5545, 3.3.10 (rules; dates that do not exist are ignored), 3.8.5.1 (EXDATE), 3.3.5 (gaps and folds) and
PEP 495; RFC 9636 (time zones). RFC 5545 (for a DURATION in days) and calendar programs also compute the end of an
occurrence by the local clock.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from scheduling.domain.instants import DAY, END_OF_TIME, MINUTE, date_text, day_number, local_text, parse
from scheduling.domain.recurrence_rules import (
    DayRule,
    MonthRule,
    Rule,
    meet_in_an_era,
    month_of,
    shortest_step,
    shortest_wait,
)
from scheduling.domain.time_zones import BEGINNING, ERA, NEVER, Clock, Offsets, fixed_clock, zone_clock

WEEKDAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
CYCLES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")

RULE_FIELDS = (
    "recurringDayOfWeek",
    "recurringDaysOfWeek",
    "repeatInterval",
    "repeatUntil",
    "repeatCount",
    "excludedDates",
)
"""The fields that need a `repeatCycleType`."""

SCHEDULE_FIELDS = ("startDateTime", "endDateTime", "timeZone", "repeatCycleType", *RULE_FIELDS)
"""The fields that define when a session takes place."""

INSTANT = 1
"""The length of an occurrence without an end: one microsecond. Such an occurrence occupies only its start."""

_ALL_YEARS = ERA // 9
"""About 44 years in microseconds. A year has one of 14 calendars, because a normal year and a leap year can each begin
on seven weekdays. Any 44 years contain every sequence of calendars that three successive years ever have."""
_SOON = 4 * 366 * DAY
"""About four years in microseconds. A search covers this time first, because most overlaps begin within four years."""
_NONE: frozenset[int] = frozenset()


class Occurrence(NamedTuple):
    """A half-open interval of instants: microseconds since 0001-01-01T00:00:00Z."""

    start: int
    end: int


LATER = Occurrence(NEVER, NEVER)
"""The result of `first_conflict` for an occurrence that starts after the year 9999."""


class Once(NamedTuple):
    """The schedule of a session with one occurrence."""

    occurrence: Occurrence
    day: int
    """The local day on which the session starts."""

    def next(self, instant: int) -> Occurrence | None:
        """Return the occurrence if the occurrence ends after an instant. Otherwise return None."""
        return self.occurrence if self.occurrence.end > instant else None


class Series(NamedTuple):
    """The schedule of a series: an occurrence on each day of a rule from `first` to `last`, except on excluded days."""

    rule: Rule
    clock: Clock
    time: int
    """The local time of day of the start, in microseconds."""
    length: int
    """The time from start to end on the clock, in microseconds."""
    first: int
    last: int | None
    excluded: frozenset[int]

    @property
    def earliest(self) -> int:
        """Return an instant before which no occurrence starts, for any UTC offset of the clock."""
        return (self.first - 2) * DAY

    def next(self, instant: int) -> Occurrence | None:
        """Return the first occurrence that ends after an instant."""
        # No clock change moves the local time by more than a day. So an occurrence has ended if its local end is a day
        # or more before the local time of the instant.
        day = (instant + self.clock.offset(instant) - self.time - self.length) // DAY
        day = self.rule.on_or_after(max(day if self.clock.changes else day + 1, self.first))
        while self.last is None or day <= self.last:
            if day not in self.excluded:
                occurrence = self.on(day)
                if occurrence.end > instant:
                    return occurrence
            day = self.rule.on_or_after(day + 1)
        return None

    def on(self, day: int) -> Occurrence:
        """Return the occurrence that belongs to a day of the rule."""
        local = day * DAY + self.time
        start, end = self.clock.instant(local), self.clock.instant(local + self.length)
        if end <= start or self.length == INSTANT:
            end = start + self.length
        return Occurrence(start, end)

    def has(self, day: int) -> bool:
        """Return whether the series has an occurrence on a day."""
        in_range = self.first <= day and (self.last is None or day <= self.last)
        return in_range and day not in self.excluded and self.rule.on_or_after(day) == day

    def day_of(self, occurrence: Occurrence) -> int:
        """Return the day of the rule to which an occurrence belongs.

        If the clocks skip the start time, the occurrence may start on the next day, for example after a skipped date.
        """
        day = (occurrence.start + self.clock.offset(occurrence.start) - self.time) // DAY
        return day if self.has(day) else day - 1


Schedule = Once | Series


def schedule(fields: Mapping[str, Any]) -> Schedule | None:
    """Return the schedule that the valid fields of a session describe. Return None if the session has no start.

    A RECURRING session without a `repeatCycleType` has only its first occurrence.
    """
    if not fields.get("startDateTime"):
        return None
    start = parse(fields["startDateTime"])
    end = parse(fields["endDateTime"]) if fields.get("endDateTime") else None
    first, time = divmod(start.local, DAY)
    cycle = fields.get("repeatCycleType")
    if not cycle:
        return Once(Occurrence(start.instant, end.instant if end else start.instant + INSTANT), first)
    zone = fields.get("timeZone")
    length = INSTANT if not end else end.local - start.local if zone else end.instant - start.instant
    rule, first = _read_rule(fields, cycle, first)
    last = None
    if fields.get("repeatUntil"):
        last = day_number(fields["repeatUntil"])
    elif fields.get("repeatCount"):
        last = rule.nth(first, fields["repeatCount"])
    excluded = frozenset(map(day_number, fields["excludedDates"])) if fields.get("excludedDates") else _NONE
    clock = zone_clock(zone) if zone else fixed_clock(start.offset)
    return Series(rule, clock, time, length, first, last, excluded)


def _read_rule(fields: Mapping[str, Any], cycle: str, first: int) -> tuple[Rule, int]:
    """Return the recurrence rule, and the first day of the rule on or after the day of the start."""
    interval = fields.get("repeatInterval") or 1
    if cycle == "DAILY":
        return DayRule(interval, (first,)), first
    if cycle == "WEEKLY":
        names = fields.get("recurringDaysOfWeek") or [fields.get("recurringDayOfWeek") or WEEKDAYS[first % 7]]
        weekdays = [WEEKDAYS.index(name) for name in names]
        first += min([(weekday - first) % 7 for weekday in weekdays])
        monday = first - first % 7  # `interval` counts from the week of the first occurrence (WKST=MO)
        return DayRule(7 * interval, tuple([monday + weekday for weekday in weekdays])), first
    return MonthRule(interval * 12 if cycle == "YEARLY" else interval, *month_of(first)), first


def occurrences(schedule: Schedule, start: int, end: int) -> Iterator[Occurrence]:
    """Yield the occurrences that overlap the interval [start, end), in order."""
    occurrence = schedule.next(start)
    while occurrence and occurrence.start < end:
        yield occurrence
        occurrence = schedule.next(occurrence.end)


def last_end(schedule: Schedule) -> int | None:
    """Return the end of the last occurrence; None for an endless series."""
    if isinstance(schedule, Once):
        return schedule.occurrence.end
    if schedule.last is None:
        return None
    day = schedule.rule.on_or_before(schedule.last)
    while day in schedule.excluded and day > schedule.first:
        day = schedule.rule.on_or_before(day - 1)
    return schedule.on(day).end


def times_of_day(series: Series) -> tuple[int, int]:
    """Return the part of the UTC day that contains every occurrence of a series, as start and length in microseconds.

    Every occurrence lies within [start, start + length) modulo one day. A length of a day or more means the whole day.
    """
    offsets = series.clock.offsets_since(series.earliest)
    return (series.time - max(offsets)) % DAY, series.length + max(offsets) - min(offsets)


def overlaps_itself(series: Series) -> bool:
    """Return whether an occurrence is longer than the shortest time between two days of the rule.

    The comparison ignores excluded dates, the end of the series, and clock changes.
    """
    return series.length > shortest_step(series.rule) * DAY


def local_date(schedule: Schedule, occurrence: Occurrence) -> str | None:
    """Return the local date that names an occurrence of a schedule; None after the year 9999."""
    return date_text(schedule.day if isinstance(schedule, Once) else schedule.day_of(occurrence))


def occurrence_on(schedule: Schedule, date: str) -> Occurrence | None:
    """Return the occurrence that a local date names; None if the schedule has no occurrence on that date."""
    day = day_number(date)
    if isinstance(schedule, Once):
        return schedule.occurrence if schedule.day == day else None
    return schedule.on(day) if schedule.has(day) else None


def begin_at(fields: Mapping[str, Any], day: int) -> tuple[str | None, str | None]:
    """Return the `startDateTime` and `endDateTime` of the part of a series that begins on a later day.

    The local times of day stay the same. If the clocks skip the start time on that day, the result contains the skipped
    time with the UTC offset before the clock change. So later occurrences keep their times of day. A time after the
    year 9999 is None. The end is None if the series has no `endDateTime`.
    """
    series = schedule(fields)
    assert isinstance(series, Series), "only a series has several days"
    if not fields.get("timeZone"):
        return local_times(fields, series.on(day))
    start = day * DAY + series.time
    offset = start - series.clock.instant(start)
    if not fields.get("endDateTime"):
        return _format_clock_time(start, offset, series.clock), None
    end = start + series.length
    offset_at_end = end - series.clock.instant(end)
    if end - offset_at_end <= start - offset:  # the skipped start moves to the end or later
        offset_at_end = offset
    return _format_clock_time(start, offset, series.clock), _format_clock_time(
        end, offset_at_end, series.clock
    )


def _format_clock_time(local: int, offset: int, clock: Clock) -> str | None:
    offset = offset // MINUTE * MINUTE
    text = local_text(local - offset, offset)
    if text and text.endswith("Z") and clock.offset(local - offset) != offset:
        return text[:-1] + "+00:00"  # `normalize` would replace a Z by the zone's offset at that instant
    return text


def local_times(fields: Mapping[str, Any], occurrence: Occurrence) -> tuple[str | None, str | None]:
    """Return the start and the end of an occurrence of a session, in the local time of the session.

    The end is None if the session has no `endDateTime`. A time after the year 9999 is None.
    """
    zone = fields.get("repeatCycleType") and fields.get("timeZone")
    start, end = [
        _format_local_time(instant, zone_clock(zone) if zone else fixed_clock(parse(fields[field]).offset))
        if fields.get(field)
        else None
        for field, instant in zip(("startDateTime", "endDateTime"), occurrence, strict=True)
    ]
    return start, end


def ends_by_9999(fields: Mapping[str, Any], occurrence: Occurrence) -> bool:
    """Return whether the local start and end of an occurrence are in the years 1 to 9999."""
    if occurrence.end < END_OF_TIME - 2 * DAY:  # no UTC offset is longer than one day
        return True
    start, end = local_times(fields, occurrence)
    return start is not None and (end is not None or not fields.get("endDateTime"))


def _format_local_time(instant: int, clock: Clock) -> str | None:
    # An offset in ISO 8601 has whole minutes. Before 1972, some zones had offsets with seconds. Round the offset down.
    return local_text(instant, clock.offset(instant) // MINUTE * MINUTE)


def conflict(a: Schedule, b: Schedule) -> bool:
    """Return whether any occurrence of `a` overlaps any occurrence of `b`."""
    if isinstance(a, Once):
        return _find_first_overlap(b, a.occurrence) is not None
    if isinstance(b, Once):
        return _find_first_overlap(a, b.occurrence) is not None
    if not _may_conflict(a, b):
        return False
    last = min([series.last for series in (a, b) if series.last is not None], default=None)
    if not (a.clock.changes or b.clock.changes):
        return last is None or _find_overlap(a, b, NEVER) is not None
    if _find_overlap(a, b, max(a.earliest, b.earliest) + _SOON):
        return True
    margin = max(a.length, b.length) + DAY
    regular = max(a.clock.regular, b.clock.regular) + margin
    if last is None:
        return _find_overlap(a, b, regular) is not None or _conflict_in_some_era(a, b, regular)
    end = (last + 2) * DAY + margin
    if end > regular + ERA and not _conflict_in_some_era(a, b, regular):
        end = regular
    return _find_overlap(a, b, end) is not None


def first_conflict(a: Schedule, b: Schedule) -> Occurrence | None:
    """Return the earliest occurrence of `a` that overlaps any occurrence of `b`; None if `a` and `b` never conflict.

    Return `LATER` if that occurrence starts after the year 9999.
    """
    if isinstance(b, Once):
        return _find_first_overlap(a, b.occurrence)
    if isinstance(a, Once):
        return a.occurrence if _find_first_overlap(b, a.occurrence) else None
    if not _may_conflict(a, b):
        return None
    found = _find_overlap(a, b, max(a.earliest, b.earliest) + _SOON)
    if not found:
        if not conflict(a, b):
            return None
        found = _find_overlap(a, b, END_OF_TIME + a.length + DAY)
    return found if found and found.start < END_OF_TIME else LATER


def _find_first_overlap(schedule: Schedule, occurrence: Occurrence) -> Occurrence | None:
    """Return the first occurrence of a schedule that overlaps the given occurrence."""
    found = schedule.next(occurrence.start)
    return found if found and found.start < occurrence.end else None


def _find_overlap(a: Series, b: Series, until: int) -> Occurrence | None:
    """Return the first occurrence of `a` that overlaps an occurrence of `b`.

    If no overlap begins before `until`, the result may be None.
    """
    find = _make_stretch_finder(a, b, until)
    since = max(a.earliest, b.earliest)
    while stretch := find(since):
        since, end = stretch
        while since < end:
            one = a.next(since)
            other = one and b.next(one.start)
            if not one or not other:
                return None
            if other.start < one.end:
                return one
            since = other.start
    return None


def _conflict_in_some_era(a: Series, b: Series, since: int) -> bool:
    """Return whether two series would overlap after `since` if both were endless.

    Both clocks must be regular at `since`. If both rules name the same days in all years with the same calendar, a
    search of 44 years is enough (see `_ALL_YEARS`). Otherwise, or if an occurrence is longer than 365 days, the
    search needs a whole era.
    """
    same_each_year = a.rule.repeats_yearly and b.rule.repeats_yearly and max(a.length, b.length) <= 365 * DAY
    find = _make_stretch_finder(a, b, since + (_ALL_YEARS if same_each_year else ERA))
    while stretch := find(since):
        if _starts_while_under_way(a, b, stretch) or _starts_while_under_way(b, a, stretch):
            return True
        _, since = stretch
    return False


def _starts_while_under_way(late: Series, early: Series, stretch: tuple[int, int]) -> bool:
    """Return whether, in some era, `late` starts within a stretch of time and during an occurrence of `early`."""
    early_in_any_era, late_in_any_era = (
        series._replace(rule=series.rule.within_eras(1), first=0, last=None, excluded=_NONE)
        for series in (early, late)
    )
    return any(
        meet_in_an_era(early.rule, early_in_any_era.day_of(other), late.rule, late_in_any_era.day_of(one))
        for one in occurrences(late_in_any_era._replace(length=INSTANT), *stretch)
        for other in occurrences(early_in_any_era, *one)
    )


def _make_stretch_finder(a: Series, b: Series, until: int) -> Callable[[int], tuple[int, int] | None]:
    """Return a function that finds the first time from an instant to `until` in which an overlap can begin.

    The time ends with its stretch, or at `until`.
    """
    if not (a.clock.changes or b.clock.changes):
        return lambda instant: (instant, until) if instant < until else None
    known: dict[StretchKind, bool] = {}

    def find(instant: int) -> tuple[int, int] | None:
        while instant < until:
            kind, end = _find_stretch(a.clock, b.clock, instant)
            if kind not in known:
                known[kind] = _may_overlap_in(a, b, kind)
            if known[kind]:
                return instant, min(end, until)
            instant = end
        return None

    return find


class StretchKind(NamedTuple):
    """The properties of a stretch of time that show whether an overlap can begin in the stretch."""

    start: int
    """The UTC time of day at which the stretch starts; 0 for a stretch of a day or more."""
    length: int
    """The length in microseconds, at most a day."""
    a: Offsets
    b: Offsets


def _may_conflict(a: Series, b: Series) -> bool:
    """Return whether two series may conflict. False means that the two series never conflict.

    With fixed offsets, True means that the two series conflict if neither series ends.
    """
    if not (a.clock.changes or b.clock.changes):
        lag = b.time - b.clock.offsets[0] - a.time + a.clock.offsets[0]
        return shortest_wait(a.rule, b.rule, lag) < a.length or shortest_wait(b.rule, a.rule, -lag) < b.length
    since = max(a.earliest, b.earliest)
    regular = max(a.clock.regular, b.clock.regular)
    for kind, last_end in _find_kinds(a.clock, b.clock, BEGINNING if since < regular else regular):
        if last_end <= since:
            return False
        if _may_overlap_in(a, b, kind):
            return True
    return False


def _may_overlap_in(a: Series, b: Series, kind: StretchKind) -> bool:
    """Return whether, in a stretch of the given kind, `a` may start during `b`, or `b` may start during `a`."""
    return _may_start_under_way(a, kind.a, b, kind.b, kind) or _may_start_under_way(
        b, kind.b, a, kind.a, kind
    )


def _may_start_under_way(
    early: Series, early_offsets: Offsets, late: Series, late_offsets: Offsets, kind: StretchKind
) -> bool:
    """Return whether, in a stretch of the given kind, `late` may start during an occurrence of `early`."""
    for offset in late_offsets.starts:
        start = late.time - offset
        if (start - kind.start) % DAY < kind.length:
            for started_by, ends_by in early_offsets.under_way:
                lag = start - (early.time - started_by)
                if shortest_wait(early.rule, late.rule, lag) < early.length + started_by - ends_by:
                    return True
    return False


@lru_cache(maxsize=1024)
def _find_kinds(a: Clock, b: Clock, since: int) -> list[tuple[StretchKind, int]]:
    """Return the kinds of all stretches from an instant onwards, each with the end of the last stretch of that kind.

    The end is `NEVER` if stretches of the kind occur again and again. The kind with the latest end comes first.
    """
    regular = max(a.regular, b.regular)
    found: dict[StretchKind, int] = {}
    while since < regular + _ALL_YEARS:
        kind, end = _find_stretch(a, b, since)
        found[kind] = end if end < regular else NEVER
        since = end
    return sorted(found.items(), key=lambda item: -item[1])


def _find_stretch(a: Clock, b: Clock, instant: int) -> tuple[StretchKind, int]:
    """Return the kind of the stretch of time that contains an instant, and the end of the stretch."""
    one, other = a.stretch(instant), b.stretch(instant)
    start, end = max(one.start, other.start), min(one.end, other.end)
    if end - start < DAY:
        return StretchKind(start % DAY, end - start, one.offsets, other.offsets), end
    return StretchKind(0, DAY, one.offsets, other.offsets), end
