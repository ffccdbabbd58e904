"""Series with time zones, intervals, ends and excluded dates, compared with the slow and simple `series_oracle`."""

import subprocess
import sys
from datetime import date, datetime, timedelta
from importlib.resources import files
from itertools import pairwise
from math import gcd
from typing import Any

import pytest
from dateutil import rrule
from hypothesis import assume, event, given
from hypothesis import strategies as st

from scheduling.domain import instants, recurrence, time_zones
from scheduling.domain.instants import DAY, END_OF_TIME, MINUTE, parse
from scheduling.domain.recurrence import (
    LATER,
    Once,
    Schedule,
    Series,
    conflict,
    first_conflict,
    last_end,
    local_date,
    occurrence_on,
    occurrences,
    times_of_day,
)
from scheduling.domain.recurrence_rules import (
    DAYS_IN_ERA,
    DayRule,
    MonthRule,
    Rule,
    meet_in_an_era,
    month_of,
    shortest_step,
    shortest_wait,
)
from scheduling.domain.schedule_validation import faults
from tests.support.template import ROOT
from tests.unit import series_oracle as oracle

Session = dict[str, Any]

ZONES = sorted(files("tzdata").joinpath("zones").read_text("ascii").split())
SKIPPED_A_DAY = ("Pacific/Apia", "Pacific/Kwajalein", "Pacific/Kiritimati", "Pacific/Fakaofo", "Asia/Manila")
ODD = (
    "Australia/Lord_Howe",
    "Europe/Dublin",
    "Africa/Casablanca",
    "Asia/Gaza",
    "America/Juneau",
    "Asia/Beirut",
)
COMMON = ("Europe/Berlin", "America/New_York", "Europe/London")
WEEKDAYS = recurrence.WEEKDAYS
HOUR = 60 * MINUTE
HORIZON = 500
"""The approximate number of occurrences of the less frequent series that the oracle checks."""


def schedule(session: Session) -> Schedule:
    """Return the schedule of a session, which must have a start."""
    times = recurrence.schedule(session)
    assert times
    return times


def format_local(local: int, zone: str | None, offset: int) -> str:
    """Return a local time with its UTC offset, in the format of a request. Discard times that no request
    can contain.
    """
    offset = oracle.offset(zone, local) if zone else offset
    assume(offset % MINUTE == 0)
    text = instants.local_text(local - offset, offset)
    assume(text is not None and 0 <= local - offset < END_OF_TIME)
    return str(text)


@st.composite
def times_near_changes(draw: st.DrawFn, zone: str) -> int:
    """Draw a local time on a day on which the zone changes its offset, if the drawn year has such a day."""
    years = st.one_of(
        st.integers(1940, 2045),
        st.sampled_from([1, 1867, 1969, 1993, 1994, 2011, 2086, 2100, 2400, 9998]),
        st.integers(2, 9998),
    )
    first = date(draw(years), 1, 1).toordinal() - 1
    days = [
        day
        for day in range(first, first + 366)
        if oracle.offset(zone, day * DAY) != oracle.offset(zone, (day + 1) * DAY)
    ]
    day = draw(st.sampled_from(days)) if days else first + draw(st.integers(0, 365))
    near = st.sampled_from([0, HOUR // 2, HOUR, 2 * HOUR, 3 * HOUR, 5 * HOUR // 2, DAY - HOUR // 2])
    exactly = draw(st.one_of(near, st.integers(0, 24 * 60 - 1).map(lambda minute: minute * MINUTE)))
    return day * DAY + exactly + draw(st.integers(-1, 1))


@st.composite
def sessions(draw: st.DrawFn, aim: int | None = None, *, once: bool = True) -> Session:
    """Draw a valid session, often with an occurrence that starts at the instant `aim`."""
    zone = draw(
        st.one_of(
            st.none(),
            st.sampled_from(ZONES),
            st.sampled_from(COMMON),
            st.sampled_from(SKIPPED_A_DAY),
            st.sampled_from(ODD),
        )
    )
    offset = draw(st.sampled_from([0, HOUR, -5 * HOUR, 9 * HOUR + 30 * MINUTE]))
    cycle = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY", *([None] if once else [])]))
    interval = draw(st.one_of(st.none(), st.integers(2, 4), st.integers(5, 60)))
    rules: Session = {}
    if aim is None:
        local = draw(times_near_changes(zone or "Europe/Berlin"))
    else:
        local = aim + (time_zones.zone_clock(zone).offset(aim) if zone else offset)
        back = draw(st.sampled_from([0, 0, 1, 2, 7, 40]))
        if cycle in ("DAILY", "WEEKLY"):
            local -= back * (interval or 1) * (7 if cycle == "WEEKLY" else 1) * DAY
    assume(0 <= local < END_OF_TIME - 2 * DAY)
    if cycle:
        rules = draw(rule_fields(cycle, interval, local // DAY))
    step = {None: 2, "DAILY": 1, "WEEKLY": 7, "MONTHLY": 28, "YEARLY": 365}[cycle] * (interval or 1) * DAY
    lengths = st.one_of(
        st.none(),
        st.integers(1, 8).map(lambda halves: halves * HOUR // 2),
        st.integers(1, DAY),
        st.integers(1, step),
        st.just(step),
    )
    length = draw(lengths)
    session = {
        "type": "RECURRING" if cycle else "ONE_TIME",
        "startDateTime": format_local(local, zone, offset),
        "endDateTime": format_local(local + length, zone, offset) if length else None,
        "timeZone": zone,
        "repeatCycleType": cycle,
        **rules,
    }
    assume(not list(faults(session)))
    return session


@st.composite
def rule_fields(draw: st.DrawFn, cycle: str, interval: int | None, day: int) -> Session:
    """Draw the fields of a recurrence rule except the cycle."""
    rules: Session = {"repeatInterval": interval}
    if cycle == "WEEKLY":
        rules["recurringDaysOfWeek"] = draw(
            st.none() | st.lists(st.sampled_from(WEEKDAYS), min_size=1, max_size=7, unique=True)
        )
    end = draw(st.sampled_from([None, None, "until", "count"]))
    if end == "until":
        rules["repeatUntil"] = instants.date_text(
            min(day + draw(st.integers(0, 3000)), END_OF_TIME // DAY - 1)
        )
    elif end == "count":
        rules["repeatCount"] = draw(st.integers(1, 50) | st.integers(1, 999))
    if draw(st.booleans()):
        days = st.integers(day, min(day + 60, END_OF_TIME // DAY - 1))
        rules["excludedDates"] = [instants.date_text(each) for each in draw(st.sets(days, max_size=8))]
    return rules


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Session, Session]:
    """Draw two sessions.

    In most pairs, an occurrence of the second session starts when an occurrence of the first session starts or ends.
    The start may also be a microsecond or an hour earlier or later.
    """
    one = draw(sessions())
    if draw(st.integers(0, 4)) == 0:
        return one, draw(sessions())
    theirs = oracle.Series(one)
    low = theirs.first + draw(st.sampled_from([0, 0, 30, 400]))
    day = next(iter(theirs.days(low, low + 400 * 366)), None)
    assume(day is not None)
    occurrence = theirs.occurrence_on(day or 0)
    aim = draw(st.sampled_from(occurrence)) + draw(st.integers(-1, 1))
    return one, draw(sessions(aim + draw(st.sampled_from([0, 0, 0, -HOUR, HOUR]))))


@given(pairs(), st.data())
def test_the_layer_and_the_oracle_agree_whether_two_sessions_conflict(
    pair: tuple[Session, Session], data: st.DataObject
) -> None:
    """The oracle searches a limited period. If the layer finds a later overlap, the test checks only this overlap."""
    one, other = pair
    a, b = schedule(one), schedule(other)
    slow_a, slow_b = oracle.Series(one), oracle.Series(other)
    found = first_conflict(a, b)
    assert conflict(a, b) is conflict(b, a) is (found is not None) is (first_conflict(b, a) is not None)
    event(f"{one['repeatCycleType']} and {other['repeatCycleType']}: {found is not None}")
    low = min(slow_a.first, slow_b.first)
    rarity = min(max(slow_a.rarity, slow_b.rarity), 365 * 60)
    high = low + int(HORIZON * rarity) + 3 * 366
    expected = oracle.first_overlap(slow_a, slow_b, low, high)
    if expected:
        assert found == expected if expected[0] < END_OF_TIME else found == LATER
    elif found and found != LATER:
        assert slow_b.occurrences_within(*found), "the occurrence does not overlap the other session"
        assert found in slow_a.occurrences_within(*found), "this is not an occurrence of the first session"
    elif not found:
        far = high + data.draw(st.integers(0, 4 * DAYS_IN_ERA))
        assert oracle.first_overlap(slow_a, slow_b, far, far + int(50 * rarity)) is None


def series(start: str, end: str, cycle: str, zone: str | None, **rule: Any) -> Session:
    """Build a series whose occurrences start and end on the same day."""
    fields = {"startDateTime": start, "endDateTime": start[:11] + end + start[-6:], "repeatCycleType": cycle}
    return {**fields, "timeZone": zone, **rule}


BERLIN = "Europe/Berlin"
LEAP_DAY = series("2028-02-29T09:00:00+01:00", "10:00:00", "YEARLY", BERLIN)
ONCE_A_CENTURY = series("1952-02-29T09:00:00+01:00", "10:00:00", "YEARLY", BERLIN, repeatInterval=100)
THURSDAYS = series("1953-01-01T09:30:00+01:00", "09:45:00", "WEEKLY", BERLIN)


@pytest.mark.parametrize(
    ("a", "b", "start"),
    [
        pytest.param(
            series("2026-01-05T02:45:00+01:00", "03:40:00", "DAILY", BERLIN),
            series("2026-01-05T04:10:00+01:00", "04:30:00", "DAILY", BERLIN),
            "2026-03-29T03:45:00+02:00",
            id="a clock change moves the start from 02:45 to 03:45, and the occurrence keeps its length of 55 minutes",
        ),
        pytest.param(
            LEAP_DAY,
            series("2026-01-05T09:30:00+01:00", "09:45:00", "WEEKLY", BERLIN),
            "2044-02-29T09:00:00+01:00",
            id="after 2026, the first 29 February on a Monday is in 2044",
        ),
        pytest.param(
            ONCE_A_CENTURY,
            THURSDAYS,
            "2052-02-29T09:00:00+01:00",
            id="a series with an interval of 100 years overlaps first after a century",
        ),
        pytest.param(
            ONCE_A_CENTURY | {"repeatUntil": "9999-12-31"},
            THURSDAYS,
            "2052-02-29T09:00:00+01:00",
            id="a series with an interval of 100 years until the year 9999 overlaps first after a century",
        ),
        pytest.param(
            ONCE_A_CENTURY | {"repeatUntil": "9999-12-31"},
            THURSDAYS | {"recurringDayOfWeek": "MONDAY"},
            None,
            id="29 February in every 100th year from 1952 on is never a Monday",
        ),
        pytest.param(
            series("2005-01-05T09:00:00+09:00", "09:30:00", "DAILY", "Asia/Pyongyang"),
            series("2005-01-05T00:30:00+00:00", "01:00:00", "DAILY", None),
            "2015-08-15T09:00:00+08:30",
            id="the series overlap only from 2015 to 2018, while Asia/Pyongyang had the offset +08:30",
        ),
    ],
)
def test_two_series_have_the_expected_first_conflict_or_never_conflict(
    a: Session, b: Session, start: str | None
) -> None:
    one, other = schedule(a), schedule(b)
    assert conflict(one, other) is conflict(other, one) is (start is not None)
    found = first_conflict(one, other)
    assert (found and found.start) == (start and parse(start).instant)


@given(sessions(), st.data())
def test_the_layer_and_the_oracle_list_the_same_occurrences_in_a_window(
    session: Session, data: st.DataObject
) -> None:
    times, slow = schedule(session), oracle.Series(session)
    days = int(min(slow.rarity, 3000) * 4) + 1
    low = (slow.first + data.draw(st.one_of(st.integers(-2, days), st.integers(0, 10**6)))) * DAY
    start = low + data.draw(st.integers(0, DAY))
    end = start + data.draw(st.integers(1, days * DAY))
    found = list(occurrences(times, start, end))
    assert found == slow.occurrences_within(start, end)
    for occurrence in found:
        name = local_date(times, occurrence)
        if name:
            assert occurrence_on(times, name) == occurrence


@given(sessions())
def test_the_last_end_is_the_end_of_the_last_occurrence(session: Session) -> None:
    times, slow = schedule(session), oracle.Series(session)
    end = last_end(times)
    if slow.last is None:
        assert end is None
    else:
        assert end == slow.occurrence_on(max(slow.days(slow.first, slow.last)))[1]


def test_the_last_end_ignores_excluded_occurrences() -> None:
    three = series("2026-01-05T09:00:00+01:00", "10:00:00", "DAILY", BERLIN, repeatCount=3)
    excluded = three | {"excludedDates": ["2026-01-07", "2026-01-06"]}
    assert last_end(schedule(three)) == parse("2026-01-07T10:00:00+01:00").instant
    assert last_end(schedule(excluded)) == parse("2026-01-05T10:00:00+01:00").instant


@given(sessions(once=False), st.data())
def test_every_occurrence_is_within_the_times_of_day_of_its_series(
    session: Session, data: st.DataObject
) -> None:
    series, slow = schedule(session), oracle.Series(session)
    assert isinstance(series, Series)
    start, length = times_of_day(series)
    assert 0 <= start < DAY
    assume(length < DAY)
    low = slow.first + data.draw(st.one_of(st.just(0), st.integers(0, 10**6)))
    for day in slow.days(low, low + int(60 * slow.rarity)):
        begin, end = slow.occurrence_on(day)
        assert (begin - start) % DAY + end - begin <= length


@pytest.mark.parametrize(
    ("zone", "start", "expected"),
    [
        ("Europe/Berlin", "2026-01-05T09:00:00+01:00", (7 * HOUR, 2 * HOUR)),
        ("America/New_York", "2026-01-05T09:00:00-05:00", (13 * HOUR, 2 * HOUR)),
        ("Asia/Tokyo", "2026-01-05T09:00:00+09:00", (0, HOUR)),
        ("America/New_York", "9998-01-05T09:00:00-05:00", (13 * HOUR, 2 * HOUR)),
    ],
)
def test_the_times_of_day_of_a_series_include_summer_and_winter_time(
    zone: str, start: str, expected: tuple[int, int]
) -> None:
    end = start.replace("T09", "T10")
    series = schedule(
        {"startDateTime": start, "endDateTime": end, "repeatCycleType": "DAILY", "timeZone": zone}
    )
    assert isinstance(series, Series)
    assert times_of_day(series) == expected


@given(sessions(once=False))
def test_the_oracle_and_dateutil_agree_on_the_days_of_a_rule(session: Session) -> None:
    """Compare the oracle with the package `dateutil`, which implements the recurrence rules of RFC 5545."""
    slow = oracle.Series(session)
    last = slow.first + int(40 * slow.rarity) + 1500
    assume(last < END_OF_TIME // DAY)
    start = datetime.fromordinal(slow.day + 1)
    rule = rrule.rrule(
        getattr(rrule, session["repeatCycleType"]),
        dtstart=datetime.fromordinal(slow.first + 1),
        interval=session.get("repeatInterval") or 1,
        wkst=rrule.MO,
        byweekday=sorted(slow.weekdays) if session["repeatCycleType"] == "WEEKLY" else None,
        count=session.get("repeatCount"),
        until=session.get("repeatUntil") and datetime.fromisoformat(session["repeatUntil"]),
    )
    until = datetime.fromordinal(last + 1)
    named = [found.toordinal() - 1 for found in rule.between(start, until, inc=True)]
    assert list(slow.days(slow.first, last)) == [day for day in named if day not in slow.excluded]


day_rules = st.builds(
    DayRule,
    st.sampled_from([1, 2, 3, 5, 6, 7, 10, 14, 27, 49, 81, 773]),
    st.lists(st.integers(0, 6), min_size=1, max_size=1).map(tuple),
) | st.builds(
    DayRule, st.sampled_from([7, 14, 35, 49]), st.sets(st.integers(0, 6), min_size=2, max_size=3).map(tuple)
)
month_rules = st.builds(
    MonthRule,
    st.sampled_from([1, 2, 7, 9, 12, 13, 84, 125, 128, 250, 999]),
    st.integers(0, 999),
    st.integers(1, 28),
) | st.builds(
    MonthRule, st.sampled_from([1, 3, 7, 12, 84]), st.sampled_from([0, 2, 47, 43]), st.integers(29, 31)
)
rules = day_rules | month_rules
rules_with_common_eras = st.sampled_from(
    [(128, 2), (125, 5), (250, 10), (7, 49), (84, 49), (9, 81), (132, 297), (444, 999)]
).flatmap(
    lambda intervals: st.tuples(
        st.builds(MonthRule, st.just(intervals[0]), st.integers(0, 999), st.integers(1, 28)),
        st.builds(DayRule, st.just(intervals[1]), st.tuples(st.integers(0, 99))),
    )
)
"""Pairs of a month rule and a day rule whose common days may differ between periods of 400 years (eras)."""


def days_apart(rule: Rule) -> int:
    """Return the approximate number of days from one day of a rule to the next day of the rule."""
    return rule.interval * 30 if isinstance(rule, MonthRule) else rule.interval


@given(st.tuples(month_rules, rules) | rules_with_common_eras, st.integers(-2 * DAY, 2 * DAY))
def test_the_shortest_wait_between_two_rules_is_the_minimum_over_all_their_days(
    pair: tuple[Rule, Rule], lag: int
) -> None:
    month_rule, other = pair
    eras = month_rule.eras * other.eras // gcd(month_rule.eras, other.eras)
    rare, often = sorted((month_rule, other), key=days_apart, reverse=True)
    assume(eras * DAYS_IN_ERA // days_apart(rare) < 30_000)
    forth, back = [], []
    day = rare.on_or_after(0)
    while day < eras * DAYS_IN_ERA:
        forth.append((often.on_or_after(day - lag // DAY) - day) * DAY + lag)
        back.append((day - often.on_or_before(day + lag // DAY)) * DAY + lag)
        day = rare.on_or_after(day + 1)
    assert shortest_wait(rare, often, lag) == min(forth)
    assert shortest_wait(often, rare, lag) == min(back)


@given(day_rules, day_rules, st.integers(-9 * DAY, 9 * DAY))
def test_the_shortest_wait_between_two_day_rules_is_the_minimum_over_all_their_days(
    a: DayRule, b: DayRule, lag: int
) -> None:
    first = a.on_or_after(0)
    days = range(first, first + a.interval * b.interval + 7)
    waits = [(b.on_or_after(day - lag // DAY) - day) * DAY + lag for day in days if a.on_or_after(day) == day]
    assert shortest_wait(a, b, lag) == min(waits)


@given(rules_with_common_eras, st.integers(0, DAYS_IN_ERA))
def test_two_days_meet_if_and_only_if_the_two_rules_name_these_days_in_the_same_era(
    pair: tuple[Rule, Rule], day: int
) -> None:
    a, b = pair
    one = a.within_eras(1).on_or_after(day)
    other = one
    for _ in range(12):
        other = b.within_eras(1).on_or_after(other + 1)
        for c, first, second in ((a, one, other), (b, other, one)):
            d = b if c is a else a
            expected = any(
                c.on_or_after(first + moved) == first + moved
                and d.on_or_after(second + moved) == second + moved
                for moved in range(0, a.eras * b.eras * DAYS_IN_ERA, DAYS_IN_ERA)
            )
            assert meet_in_an_era(c, first, d, second) is expected


@given(rules, st.integers(0, 3 * DAYS_IN_ERA))
def test_searches_forwards_and_backwards_find_the_same_days_of_a_rule(rule: Rule, day: int) -> None:
    following = rule.on_or_after(day)
    assert following >= day
    assert rule.on_or_before(following) == rule.on_or_after(following) == following
    assert rule.on_or_before(rule.on_or_after(following + 1) - 1) == following
    assert rule.on_or_after(following + 1) - following >= shortest_step(rule)
    assert rule.nth(day, 1) == following
    assert rule.nth(day, 3) == rule.on_or_after(rule.on_or_after(following + 1) + 1)


def test_days_after_the_year_9999_have_a_month_and_a_day_of_the_month() -> None:
    assert month_of(0) == (0, 1)
    assert month_of(25 * DAYS_IN_ERA + 31) == (25 * 4800 + 1, 1)


@pytest.mark.parametrize("zone", ZONES)
def test_the_layer_and_zoneinfo_agree_on_the_offsets_of_a_zone(zone: str) -> None:
    clock = time_zones.zone_clock(zone)
    for change in clock.changes[:400]:
        before, after = (clock.offset(change - 1), clock.offset(change))
        for around in (-1, 0, 1):
            for local in (change + before + around, change + after + around):
                assert local - clock.instant(local) == oracle.offset(zone, local)
    for local in range(1800 * 365 * DAY, 2500 * 365 * DAY, 367 * DAY + 7 * HOUR):
        assert local - clock.instant(local) == oracle.offset(zone, local)


@pytest.mark.parametrize("zone", ZONES)
def test_no_zone_changes_its_offset_again_soon_after_a_gap_or_a_fold(zone: str) -> None:
    """In a gap, the clocks skip local times. In a fold, the clocks show local times twice.

    `Offsets` assumes a minimum time until the next offset change: twice the length of a gap, or the length of a fold.
    """
    clock = time_zones.zone_clock(zone)
    for number, (change, following) in enumerate(pairwise(clock.changes)):
        gained = clock.offsets[number + 1] - clock.offsets[number]
        assert following >= change + (2 * gained if gained > 0 else -gained)
    assert all(abs(after - before) <= DAY for before, after in pairwise(clock.offsets))


def test_any_44_years_contain_every_kind_of_three_successive_years() -> None:
    """If both rules name the same days in years of the same kind, `recurrence` searches only 44 years for overlaps.

    Two years are of the same kind if they begin on the same weekday and have the same length.
    """
    kinds = [
        ((first := date(2001 + year % 400, 1, 1)).weekday(), (date(2001 + year % 400, 12, 31) - first).days)
        for year in range(800)
    ]
    everywhere = {tuple(kinds[year : year + 3]) for year in range(400)}
    assert len(everywhere) == 28
    for first in range(400):
        assert {tuple(kinds[year : year + 3]) for year in range(first, first + 42)} == everywhere


def test_a_series_without_a_time_zone_starts_at_the_same_utc_time_all_year() -> None:
    session = {"startDateTime": "2026-01-05T09:00:00+01:00", "repeatCycleType": "DAILY"}
    times = schedule(session)
    assert isinstance(times, Series)
    assert times_of_day(times) == (8 * HOUR, 1)
    assert isinstance(schedule(session | {"repeatCycleType": None}), Once)


def test_an_unknown_zone_name_raises_a_key_error() -> None:
    with pytest.raises(KeyError):
        time_zones.zone_clock("Europe/../Europe/Berlin")


@pytest.mark.parametrize(
    ("rule", "expected"),
    [("<-03>3", []), ("EST5", [])],
)
def test_a_zone_without_daylight_saving_time_never_changes_its_offset(
    rule: str, expected: list[object]
) -> None:
    assert build_clock(rule).changes == expected


def build_clock(rule: str) -> time_zones.Clock:
    """Return the clock of a time zone file (TZif) that has one offset and the given POSIX rule."""
    block = (
        b"TZif2"
        + bytes(15)
        + b"".join(n.to_bytes(4, "big") for n in (0, 0, 0, 0, 1, 4))
        + bytes(6)
        + b"UTC\0"
    )
    return time_zones.read_tzif(block + block + f"\n{rule}\n".encode())


def test_a_posix_rule_may_count_or_skip_29_february() -> None:
    for rule in ("XXX0YYY,J60/0,J70/0", "XXX0YYY,59/0,J70/0"):
        clock = build_clock(rule)
        dates = {instants.utc_text(change)[5:10] for change in clock.changes[::2]}
        assert dates == ({"03-01"} if "J60" in rule else {"03-01", "02-29"})


def test_a_posix_rule_for_permanent_daylight_saving_time_never_changes_back() -> None:
    clock = build_clock("XXX3EDT4,0/0,J365/23")
    assert {
        clock.offset(parse(f"{year}-{month:02}-01T00:00:00Z").instant)
        for year in (1975, 2026, 9000)
        for month in (1, 7)
    } == {-4 * HOUR}


def test_an_invalid_posix_rule_is_refused() -> None:
    with pytest.raises(ValueError, match="POSIX TZ rule"):
        build_clock("nonsense")


def test_the_time_zone_database_has_a_version() -> None:
    assert time_zones.database_version()[:2] == "20"


def test_an_ambiguous_local_time_means_the_earlier_instant() -> None:
    clock = time_zones.zone_clock("Europe/Berlin")
    local = parse("2026-10-25T02:30:00Z").instant
    assert clock.instant(local) == parse("2026-10-25T02:30:00+02:00").instant
    assert (
        clock.instant(local) + timedelta(hours=1) // timedelta(microseconds=1)
        == parse("2026-10-25T02:30:00+01:00").instant
    )


def test_sessions_without_a_time_zone_load_no_time_zone_data() -> None:
    """Run a new interpreter, because other tests load time zones."""
    program = (
        "import sys\n"
        "from scheduling.domain.recurrence import conflict, occurrences, schedule\n"
        "from scheduling.domain.schedule_validation import faults\n"
        "from functions.get_session import handler\n"
        "handler.lambda_handler({}, None)\n"
        "fields = {'startDateTime': '2026-01-05T09:00:00+01:00', 'repeatCycleType': 'DAILY', 'type': 'RECURRING'}\n"
        "made = schedule(fields)\n"
        "assert conflict(made, made) and not list(faults(fields)) and list(occurrences(made, 0, 10**17))\n"
        "assert not sys.modules.keys() & {'tzdata', 'zoneinfo'}\n"
        "schedule(fields | {'timeZone': 'Europe/Berlin'})\n"
        "assert sys.modules.keys() & {'tzdata', 'zoneinfo'} == {'tzdata'}\n"
    )
    path = {"PYTHONPATH": f"{ROOT}:{ROOT / 'layers/scheduling'}"}
    ran = subprocess.run([sys.executable, "-B", "-c", program], env=path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
