"""Recurrence rules (RFC 5545, 3.3.10): the days on which the occurrences of a series start.

Days are whole numbers: day 0 is 0001-01-01, a Monday. Days continue after the year 9999, where `date` ends.
The Gregorian calendar repeats every 400 years. An era is 400 years: 4,800 months, 146,097 days, or 20,871 weeks.

The days of a rule have no beginning and no end. Only a series has a first and a last day. A rule with an interval may
name different days in different eras. After `rule.eras` eras, the rule names the same days again.

`shortest_wait` compares a month rule with another rule in a cycle of K eras. For two rules `a` and `b`, K is
gcd(a.eras, b.eras). `within_eras(K)` maps all days that a rule ever names into a cycle of K eras. Any mapped day of `a`
and any mapped day of `b` occur together in some cycle (Chinese remainder theorem: a.eras / K and b.eras / K have no
common factor). So a comparison of the mapped days has the same result as a comparison of all days.
"""

from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from math import gcd
from typing import NamedTuple

from scheduling.domain.instants import DAY

DAYS_IN_ERA = 146_097
MONTHS_IN_ERA = 4800
_FOUR_YEARS = range(date(2001, 1, 1).toordinal() - 1, date(2005, 1, 1).toordinal() - 1)


class DayRule(NamedTuple):
    """Rule for every `interval`-th day from each anchor: FREQ=DAILY, or FREQ=WEEKLY with an anchor for each weekday."""

    interval: int
    anchors: tuple[int, ...]

    def on_or_after(self, day: int) -> int:
        """Return the first day of the rule that is not before `day`."""
        return day + min([(anchor - day) % self.interval for anchor in self.anchors])

    def on_or_before(self, day: int) -> int:
        """Return the last day of the rule that is not after `day`."""
        return day - min([(day - anchor) % self.interval for anchor in self.anchors])

    def nth(self, first: int, count: int) -> int:
        """Return the last of `count` days of the rule, counted from the day `first`."""
        rounds, rest = divmod(count - 1, len(self.anchors))
        distances = sorted([(anchor - first) % self.interval for anchor in self.anchors])
        return first + rounds * self.interval + distances[rest]

    @property
    def eras(self) -> int:
        """Return the number of eras after which the rule repeats."""
        return self.interval // gcd(self.interval, DAYS_IN_ERA)

    @property
    def repeats_yearly(self) -> bool:
        """Return whether the rule names the same days in any two years with the same calendar."""
        return 7 % self.interval == 0

    def within_eras(self, count: int) -> "DayRule":
        """Return the rule that names all days that this rule ever names, mapped into `count` eras."""
        return self._replace(interval=gcd(self.interval, count * DAYS_IN_ERA))

    def era_of(self, day: int) -> int:
        """Return the number of eras, modulo `eras`, by which `day` must be moved to become a day of this rule.

        `day` is a day of `within_eras(1)`.
        """
        step = gcd(self.interval, DAYS_IN_ERA)
        (distance,) = [anchor - day for anchor in self.anchors if (anchor - day) % step == 0]
        return distance // step * pow(DAYS_IN_ERA // step, -1, self.eras)


class MonthRule(NamedTuple):
    """Rule for one day of every `interval`-th month, counted from `month`: FREQ=MONTHLY, or FREQ=YEARLY as 12 months.

    Month 0 is January of the year 1. A month without the day is skipped (RFC 5545, 3.3.10: invalid dates are ignored).
    """

    interval: int
    month: int
    day: int

    def on_or_after(self, day: int) -> int:
        """Return the first day of the rule that is not before `day`."""
        month, day_of_month = month_of(day)
        month += day_of_month > self.day
        return self._find_first_date(month + (self.month - month) % self.interval, self.interval)

    def on_or_before(self, day: int) -> int:
        """Return the last day of the rule that is not after `day`."""
        month, day_of_month = month_of(day)
        month -= day_of_month < self.day
        return self._find_first_date(month - (month - self.month) % self.interval, -self.interval)

    def nth(self, first: int, count: int) -> int:
        """Return the last of `count` days of the rule, counted from the day `first`."""
        return _find_nth_date(self, first, count)

    def _find_first_date(self, month: int, step: int) -> int:
        """Return the day of the rule in `month`. If the month does not have this day, go on by `step` months."""
        while True:
            era, rest = divmod(month, MONTHS_IN_ERA)
            try:
                return era * DAYS_IN_ERA + date(rest // 12 + 1, rest % 12 + 1, self.day).toordinal() - 1
            except ValueError:
                month += step

    @property
    def eras(self) -> int:
        """Return the number of eras after which the rule repeats."""
        return self.interval // gcd(self.interval, MONTHS_IN_ERA)

    @property
    def repeats_yearly(self) -> bool:
        """Return whether the rule names the same days in any two years with the same calendar."""
        return 12 % self.interval == 0

    def within_eras(self, count: int) -> "MonthRule":
        """Return the rule that names all days that this rule ever names, mapped into `count` eras."""
        return self._replace(interval=gcd(self.interval, count * MONTHS_IN_ERA))

    def era_of(self, day: int) -> int:
        """Return the number of eras, modulo `eras`, by which `day` must be moved to become a day of this rule.

        `day` is a day of `within_eras(1)`.
        """
        step = gcd(self.interval, MONTHS_IN_ERA)
        return (self.month - month_of(day)[0]) // step * pow(MONTHS_IN_ERA // step, -1, self.eras)


Rule = DayRule | MonthRule


def month_of(day: int) -> tuple[int, int]:
    """Return the month of a day, and the day of the month from 1 to 31. Month 0 is January of the year 1."""
    era, rest = divmod(day, DAYS_IN_ERA)
    found = date.fromordinal(rest + 1)
    return era * MONTHS_IN_ERA + 12 * found.year + found.month - 13, found.day


def shortest_step(rule: Rule) -> int:
    """Return the smallest number of days from one day of a rule to the next."""
    if isinstance(rule, MonthRule):
        return _find_shortest_gap(rule, rule, 1)
    return min([rule.on_or_after(day + 1) - day for day in rule.anchors])


def shortest_wait(a: Rule, b: Rule, lag: int) -> int:
    """Return the shortest time from any start on a day of `a` to the next start on a day of `b`.

    `lag` is the start time of `b` minus the start time of `a`, each counted from 00:00 UTC of its day of the rule. All
    times are in microseconds.

    If two day rules have one anchor each, all differences between their days have the same remainder modulo the gcd of
    the intervals. Every number with this remainder is such a difference (Bezout's identity). Before a month rule is
    compared with a day rule, `_find_remainders` turns the month rule into a day rule.
    """
    if isinstance(a, MonthRule):
        if isinstance(b, MonthRule):
            # b must not start before a, so the day of b is at least `least` days after the day of a.
            least = -(lag // DAY)
            return _find_shortest_gap(a, b, least) * DAY + lag
        a = _find_remainders(a, b.interval)
    elif isinstance(b, MonthRule):
        b = _find_remainders(b, a.interval)
    period = gcd(a.interval, b.interval) * DAY
    if len(a.anchors) == len(b.anchors) == 1:  # most pairs of rules: a fifth faster than below
        return ((b.anchors[0] - a.anchors[0]) * DAY + lag) % period
    return min([((later - earlier) * DAY + lag) % period for earlier in a.anchors for later in b.anchors])


def meet_in_an_era(a: Rule, day_of_a: int, b: Rule, day_of_b: int) -> bool:
    """Return whether `a` names `day_of_a` and `b` names `day_of_b` in the same era.

    The days are days of `a.within_eras(1)` and of `b.within_eras(1)`.

    Such an era exists if and only if the two results of `era_of` are equal modulo the gcd of `a.eras` and `b.eras`
    (Chinese remainder theorem).
    """
    return (a.era_of(day_of_a) - b.era_of(day_of_b)) % gcd(a.eras, b.eras) == 0


@lru_cache(maxsize=4096)
def _find_nth_date(rule: MonthRule, first: int, count: int) -> int:
    day = rule.on_or_after(first)
    for _ in range(count - 1):
        day = rule.on_or_after(day + 1)
    return day


@lru_cache(maxsize=512)  # few entries, because an entry may have thousands of remainders
def _find_remainders(rule: MonthRule, interval: int) -> DayRule:
    """Return a day rule that replaces a month rule in a comparison with a day rule of the given interval.

    The anchors are the remainders of the month rule's days modulo a divisor of the interval. If every remainder occurs,
    the result names every day.
    """
    eras = gcd(rule.eras, DayRule(interval, ()).eras)
    interval = gcd(interval, eras * DAYS_IN_ERA)
    found: set[int] = set()
    for day in _find_days(rule.within_eras(eras), range(eras * DAYS_IN_ERA)):
        found.add(day % interval)
        if len(found) == interval:
            return DayRule(1, (0,))
    return DayRule(interval, tuple(found))


@lru_cache(maxsize=4096)
def _find_shortest_gap(a: MonthRule, b: MonthRule, least: int) -> int:
    """Return the smallest number of days, but at least `least`, from a day of `a` to a day of `b`.

    If both rules have the same months in every year, a search of four years is enough. Years such as 1900 and 2100 have
    no 29 February, but contain no shorter gap than other years.
    """
    eras = gcd(a.eras, b.eras)
    a, b = a.within_eras(eras), b.within_eras(eras)
    span = _FOUR_YEARS if a.repeats_yearly and b.repeats_yearly else range(eras * DAYS_IN_ERA)
    if a.interval >= b.interval:
        return min([b.on_or_after(day + least) - day for day in _find_days(a, span)])
    return min([day - a.on_or_before(day - least) for day in _find_days(b, span)])


def _find_days(rule: Rule, span: range) -> Iterator[int]:
    day = rule.on_or_after(span.start)
    while day in span:
        yield day
        day = rule.on_or_after(day + 1)
