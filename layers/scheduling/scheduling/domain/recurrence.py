"""Occurrences of sessions, and whether two sessions ever overlap: exactly, for all time, without expansion.

**Occurrences.** An occurrence is a half-open interval of instants (see `instants`). A session without a cycle has one.
A series has one on each day that its recurrence rule names (`recurrence_rules`), from the first day to the last, except
on excluded dates. It starts when the clock of the series (`time_zones`) shows the start. With a time zone it ends when
the clock shows the end, so that 22:00-06:00 ends at six on the night of a change too. If a gap moves the start to the
end or past it, the length is kept instead. Without a time zone the offset of `startDateTime` stays for good.

**Next occurrence.** Starts and ends of a series ascend together. So `Series.next` finds the first occurrence that ends
after an instant by arithmetic. So a single occurrence and a series overlap iff the first occurrence of the
series that ends after the start of the single occurrence also starts before its end.

**Can two series conflict?** Two sessions overlap iff one starts while the other is under way. With fixed offsets,
`a` is under way when `b` starts iff the wait from the last start of `a` is shorter than the length of `a`. Some wait
is the shortest wait that the two rules ever have (`shortest_wait`), so that one comparison in each direction decides
two endless series. Neither the first dates nor excluded dates matter, because the shortest wait occurs again and
again. With time zones, the same comparison is made for every combination of offsets that the two clocks ever show
at the same time (`_may_conflict`; `Offsets` says why this misses nothing). If no combination has a short wait, the two
series never conflict. Otherwise they may conflict, but the combination may last too short a time for an overlap.

**Do they?** Then `_search` looks for an actual overlap by leaps: to the first occurrence of `a` that ends after an
instant, to the first of `b` that ends after its start, and on to that start if they are apart. Everything leapt over
has ended before. Stretches of time whose offsets cannot conflict are leapt over as a whole. The search ends:
- The end of a series bounds the search.
- Two endless series are searched until both clocks are regular. From there on time repeats every 400 years, and one
  era of 400 years is searched with the days that each rule names in any era; whether a given era has both days of an
  overlap is the Chinese remainder theorem (`meet_in_an_era`). An overlap in that era occurs again in later
  eras, so excluded dates cannot prevent the conflict.

Sources: RFC 5545, 3.3.10 (rules; dates that do not exist are ignored), 3.8.5.1 (EXDATE), 3.3.5 (gaps and folds) and
PEP 495; RFC 9636 (time zones). A nominal length is RFC 5545's DURATION in days, and what calendar programs do.
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
"""The fields that say when a session takes place."""

INSTANT = 1
"""The length of an occurrence without an end: one microsecond, so that it occupies only its start."""

_ALL_YEARS = ERA // 9
"""Any 44 years have every kind of year (first weekday, leap or not) before and after every kind that it ever meets."""
_SOON = 4 * 366 * DAY
"""Most overlaps are found in so short a time, before anything longer is searched."""
_NONE: frozenset[int] = frozenset()


class Occurrence(NamedTuple):
    """A half-open interval of instants: microseconds since 0001-01-01T00:00:00Z."""

    start: int
    end: int


LATER = Occurrence(NEVER, NEVER)
"""Stands for an occurrence that starts after the year 9999."""


class Once(NamedTuple):
    """The schedule of a session with one occurrence."""

    occurrence: Occurrence
    day: int
    """The local day on which the session starts."""

    def next(self, instant: int) -> Occurrence | None:
        """Return the occurrence if it ends after an instant."""
        return self.occurrence if self.occurrence.end > instant else None


class Series(NamedTuple):
    """The schedule of a session that repeats: an occurrence on each day of a rule, except on excluded days."""

    rule: Rule
    clock: Clock
    time: int
    """The local time of day of the start, in microseconds."""
    length: int
    """The microseconds from start to end on the clock."""
    first: int
    last: int | None
    excluded: frozenset[int]

    @property
    def earliest(self) -> int:
        """Return an instant before which no occurrence starts, whatever the clock."""
        return (self.first - 2) * DAY

    def next(self, instant: int) -> Occurrence | None:
        """Return the first occurrence that ends after an instant."""
        # Occurrences that end a day before the local time of the instant are over, also where the clock changes.
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
        """Return the occurrence of a day of the rule."""
        local = day * DAY + self.time
        start, end = self.clock.instant(local), self.clock.instant(local + self.length)
        if end <= start or self.length == INSTANT:
            end = start + self.length
        return Occurrence(start, end)

    def has(self, day: int) -> bool:
        """Return whether the series has an occurrence of that day."""
        in_range = self.first <= day and (self.last is None or day <= self.last)
        return in_range and day not in self.excluded and self.rule.on_or_after(day) == day

    def day_of(self, occurrence: Occurrence) -> int:
        """Return the day of an occurrence. A gap moves an occurrence by a whole day where the clock skips a date."""
        day = (occurrence.start + self.clock.offset(occurrence.start) - self.time) // DAY
        return day if self.has(day) else day - 1


Schedule = Once | Series


def schedule(fields: Mapping[str, Any]) -> Schedule | None:
    """Return the schedule of a session from its valid fields; None without a start.

    A RECURRING session without a `repeatCycleType` has its first occurrence alone.
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
    rule, first = _rule(fields, cycle, first)
    last = None
    if fields.get("repeatUntil"):
        last = day_number(fields["repeatUntil"])
    elif fields.get("repeatCount"):
        last = rule.nth(first, fields["repeatCount"])
    excluded = frozenset(map(day_number, fields["excludedDates"])) if fields.get("excludedDates") else _NONE
    clock = zone_clock(zone) if zone else fixed_clock(start.offset)
    return Series(rule, clock, time, length, first, last, excluded)


def _rule(fields: Mapping[str, Any], cycle: str, first: int) -> tuple[Rule, int]:
    """Return the recurrence rule and its first day, which is not before the day of the start."""
    interval = fields.get("repeatInterval") or 1
    if cycle == "DAILY":
        return DayRule(interval, (first,)), first
    if cycle == "WEEKLY":
        names = fields.get("recurringDaysOfWeek") or [fields.get("recurringDayOfWeek") or WEEKDAYS[first % 7]]
        weekdays = [WEEKDAYS.index(name) for name in names]
        first += min([(weekday - first) % 7 for weekday in weekdays])
        monday = first - first % 7  # weeks count from the week of the first occurrence (WKST=MO)
        return DayRule(7 * interval, tuple([monday + weekday for weekday in weekdays])), first
    return MonthRule(interval * 12 if cycle == "YEARLY" else interval, *month_of(first)), first


def occurrences(schedule: Schedule, start: int, end: int) -> Iterator[Occurrence]:
    """Return the occurrences that overlap the interval [start, end), in order."""
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
    """Return the start and the length of a span of the UTC day in which every occurrence of a series lies.

    Every occurrence lies within [start, start + length) modulo one day. A length of a day or more means any time.
    """
    offsets = series.clock.offsets_since(series.earliest)
    return (series.time - max(offsets)) % DAY, series.length + max(offsets) - min(offsets)


def overlaps_itself(series: Series) -> bool:
    """Return whether an occurrence lasts, by the clock, into the next one that the rule may have.

    Excluded dates and the end of the series do not count. Nor does the one night on which a gap moves an end.
    """
    return series.length > shortest_step(series.rule) * DAY


def local_date(schedule: Schedule, occurrence: Occurrence) -> str | None:
    """Return the local date that names an occurrence of a schedule; None after the year 9999."""
    return date_text(schedule.day if isinstance(schedule, Once) else schedule.day_of(occurrence))


def occurrence_on(schedule: Schedule, date: str) -> Occurrence | None:
    """Return the occurrence that a local date names."""
    day = day_number(date)
    if isinstance(schedule, Once):
        return schedule.occurrence if schedule.day == day else None
    return schedule.on(day) if schedule.has(day) else None


def begin_at(fields: Mapping[str, Any], day: int) -> tuple[str | None, str | None]:
    """Return the start and the end that make a series begin on one of its days, at the same times of its clock.

    A clock that skips the start on that day shows another time. The times keep what the clock would have shown, with
    the offset before the change, so that the later occurrences stay as they are. Both are None after the year 9999.
    """
    series = schedule(fields)
    assert isinstance(series, Series), "only a series has several days"
    if not fields.get("timeZone"):
        return local_times(fields, series.on(day))
    start = day * DAY + series.time
    offset = start - series.clock.instant(start)
    if not fields.get("endDateTime"):
        return _clock_text(start, offset, series.clock), None
    end = start + series.length
    offset_at_end = end - series.clock.instant(end)
    if end - offset_at_end <= start - offset:  # the gap reaches to the end, or over it
        offset_at_end = offset
    return _clock_text(start, offset, series.clock), _clock_text(end, offset_at_end, series.clock)


def _clock_text(local: int, offset: int, clock: Clock) -> str | None:
    offset = offset // MINUTE * MINUTE
    text = local_text(local - offset, offset)
    if text and text.endswith("Z") and clock.offset(local - offset) != offset:
        return text[:-1] + "+00:00"  # a Z would be replaced by the offset of the zone at that instant
    return text


def local_times(fields: Mapping[str, Any], occurrence: Occurrence) -> tuple[str | None, str | None]:
    """Return the start and the end of an occurrence of a session, on the clock of the session.

    An end is None where the session has no end. Both are None after the year 9999.
    """
    zone = fields.get("repeatCycleType") and fields.get("timeZone")
    start, end = [
        _local_text(instant, zone_clock(zone) if zone else fixed_clock(parse(fields[field]).offset))
        if fields.get(field)
        else None
        for field, instant in zip(("startDateTime", "endDateTime"), occurrence, strict=True)
    ]
    return start, end


def _local_text(instant: int, clock: Clock) -> str | None:
    # An offset is written in minutes; before 1972 some zones had offsets with seconds.
    return local_text(instant, clock.offset(instant) // MINUTE * MINUTE)


def conflict(a: Schedule, b: Schedule) -> bool:
    """Return whether an occurrence of one schedule overlaps an occurrence of the other, ever."""
    if isinstance(a, Once):
        return _first_overlap(b, a.occurrence) is not None
    if isinstance(b, Once):
        return _first_overlap(a, b.occurrence) is not None
    if not _may_conflict(a, b):
        return False
    last = min([series.last for series in (a, b) if series.last is not None], default=None)
    if not (a.clock.changes or b.clock.changes):
        return last is None or _search(a, b, NEVER) is not None
    if _search(a, b, max(a.earliest, b.earliest) + _SOON):
        return True
    margin = max(a.length, b.length) + DAY
    regular = max(a.clock.regular, b.clock.regular) + margin
    if last is None:
        return _search(a, b, regular) is not None or _conflict_in_any_era(a, b, regular)
    end = (last + 2) * DAY + margin
    if end > regular + ERA and not _conflict_in_any_era(a, b, regular):
        end = regular
    return _search(a, b, end) is not None


def first_conflict(a: Schedule, b: Schedule) -> Occurrence | None:
    """Return the earliest occurrence of `a` that overlaps any of `b`; None if the two never conflict.

    `LATER` stands for an occurrence that starts after the year 9999.
    """
    if isinstance(b, Once):
        return _first_overlap(a, b.occurrence)
    if isinstance(a, Once):
        return a.occurrence if _first_overlap(b, a.occurrence) else None
    if not _may_conflict(a, b):
        return None
    found = _search(a, b, max(a.earliest, b.earliest) + _SOON)
    if not found:
        if not conflict(a, b):
            return None
        found = _search(a, b, END_OF_TIME + a.length + DAY)
    return found if found and found.start < END_OF_TIME else LATER


def _first_overlap(schedule: Schedule, occurrence: Occurrence) -> Occurrence | None:
    """Return the first occurrence of a schedule that overlaps the given one."""
    found = schedule.next(occurrence.start)
    return found if found and found.start < occurrence.end else None


def _search(a: Series, b: Series, until: int) -> Occurrence | None:
    """Return the first occurrence of `a` that overlaps one of `b`, if the overlap begins before an instant."""
    find = _stretches_with_overlaps(a, b, until)
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


def _conflict_in_any_era(a: Series, b: Series, since: int) -> bool:
    """Return whether two series would overlap after an instant, from which both clocks are regular, without an end.

    Rules that have the same days in every year of the same kind need the 44 years that have all kinds of years.
    """
    same_each_year = a.rule.repeats_yearly and b.rule.repeats_yearly and max(a.length, b.length) <= 365 * DAY
    find = _stretches_with_overlaps(a, b, since + (_ALL_YEARS if same_each_year else ERA))
    while stretch := find(since):
        if _starts_while_under_way(a, b, stretch) or _starts_while_under_way(b, a, stretch):
            return True
        _, since = stretch
    return False


def _starts_while_under_way(late: Series, early: Series, stretch: tuple[int, int]) -> bool:
    """Return whether `late` starts in a stretch of some era while `early` is under way."""
    early_in_any_era, late_in_any_era = (
        series._replace(rule=series.rule.within_eras(1), first=0, last=None, excluded=_NONE)
        for series in (early, late)
    )
    return any(
        meet_in_an_era(early.rule, early_in_any_era.day_of(other), late.rule, late_in_any_era.day_of(one))
        for one in occurrences(late_in_any_era._replace(length=INSTANT), *stretch)
        for other in occurrences(early_in_any_era, *one)
    )


def _stretches_with_overlaps(a: Series, b: Series, until: int) -> Callable[[int], tuple[int, int] | None]:
    """Return a function that finds the next stretch of time, from an instant on, in which an overlap can begin."""
    if not (a.clock.changes or b.clock.changes):
        return lambda instant: (instant, until) if instant < until else None
    known: dict[Kind, bool] = {}

    def find(instant: int) -> tuple[int, int] | None:
        while instant < until:
            kind, end = _stretch(a.clock, b.clock, instant)
            if kind not in known:
                known[kind] = _may_overlap_in(a, b, kind)
            if known[kind]:
                return instant, min(end, until)
            instant = end
        return None

    return find


class Kind(NamedTuple):
    """A kind of stretch of time on two clocks: all that matters to whether an overlap can begin in it."""

    start: int
    """The UTC time of day; 0 for a stretch of a day or more."""
    length: int
    """At most a day."""
    a: Offsets
    b: Offsets


def _may_conflict(a: Series, b: Series) -> bool:
    """Return False only if two series never conflict. With fixed offsets, True means that endless series do."""
    if not (a.clock.changes or b.clock.changes):
        lag = b.time - b.clock.offsets[0] - a.time + a.clock.offsets[0]
        return shortest_wait(a.rule, b.rule, lag) < a.length or shortest_wait(b.rule, a.rule, -lag) < b.length
    since = max(a.earliest, b.earliest)
    regular = max(a.clock.regular, b.clock.regular)
    for kind, last_end in _kinds(a.clock, b.clock, BEGINNING if since < regular else regular):
        if last_end <= since:
            return False
        if _may_overlap_in(a, b, kind):
            return True
    return False


def _may_overlap_in(a: Series, b: Series, kind: Kind) -> bool:
    """Return whether one series may start, in a stretch of that kind, while the other is under way."""
    return _may_join(a, kind.a, b, kind.b, kind) or _may_join(b, kind.b, a, kind.a, kind)


def _may_join(early: Series, early_offsets: Offsets, late: Series, late_offsets: Offsets, kind: Kind) -> bool:
    """Return whether `late` may start, in a stretch of that kind, while `early` is under way."""
    for offset in late_offsets.starts:
        start = late.time - offset
        if (start - kind.start) % DAY < kind.length:
            for started_by, ends_by in early_offsets.under_way:
                lag = start - (early.time - started_by)
                if shortest_wait(early.rule, late.rule, lag) < early.length + started_by - ends_by:
                    return True
    return False


@lru_cache(maxsize=1024)
def _kinds(a: Clock, b: Clock, since: int) -> list[tuple[Kind, int]]:
    """Return the kinds of stretches from an instant on, each with the end of its last stretch, the latest first."""
    regular = max(a.regular, b.regular)
    found: dict[Kind, int] = {}
    while since < regular + _ALL_YEARS:
        kind, end = _stretch(a, b, since)
        found[kind] = end if end < regular else NEVER
        since = end
    return sorted(found.items(), key=lambda item: -item[1])


def _stretch(a: Clock, b: Clock, instant: int) -> tuple[Kind, int]:
    """Return the kind of the stretch of time around an instant, and its end."""
    one, other = a.stretch(instant), b.stretch(instant)
    start, end = max(one.start, other.start), min(one.end, other.end)
    if end - start < DAY:
        return Kind(start % DAY, end - start, one.offsets, other.offsets), end
    return Kind(0, DAY, one.offsets, other.offsets), end
