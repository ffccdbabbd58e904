"""CPU time of the conflict check of a new session against a calendar of 100 series: `python -m bench.decision`.

A request makes the check after its reads and before its write. The check builds the slot of the new session, parses
every stored slot, and compares each stored slot with the new slot.
"""

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from bench.table import table
from scheduling.domain import instants, recurrence, recurrence_rules, time_zones
from scheduling.domain.conflicts import Conflict, find_conflicts
from scheduling.domain.session import Session, create
from scheduling.domain.slots import Slot, slot

SERIES = 100
ROUNDS = 200
TARGET_MICROSECONDS = 1000
TARGET_MICROSECONDS_WITH_ZONES = 2000

_BUSY = SERIES * 10
"""The minute of the UTC day before which all series without a time zone end."""
_FREE = _BUSY + 130
"""The minute of the UTC day at which a new session without conflicts starts. This minute is more than two hours after
`_BUSY`, because clock changes may move a stored series one hour later, and the new session one hour earlier.
"""
_CYCLES: tuple[str | None, ...] = (None, *recurrence.CYCLES)
_OFFSETS = (0, 9 * 60, -5 * 60 - 30)
_ZONES = ("Europe/Berlin", "America/New_York", None)
_RULES: tuple[dict[str, Any], ...] = (
    {},
    {"repeatInterval": 2},
    {"repeatUntil": "2030-06-30", "excludedDates": [f"2026-12-{day}" for day in range(20, 30)]},
    {"repeatCount": 500},
)
_EIGHTH_NIGHTS = {
    "startDateTime": "2026-02-14T03:14:59.999999+01:00",
    "endDateTime": "2026-02-14T03:44:59.999999+01:00",
    "timeZone": "Europe/Berlin",
    "repeatCycleType": "DAILY",
    "repeatInterval": 8,
}
_SIX_DAYS_OF_EIGHT = {
    "startDateTime": "2024-07-26T03:00:00.000001+01:00",
    "endDateTime": "2024-08-01T03:05:00.000001+01:00",
    "timeZone": "Europe/London",
    "repeatCycleType": "DAILY",
    "repeatInterval": 8,
}
"""`_EIGHTH_NIGHTS` and `_SIX_DAYS_OF_EIGHT` are the most expensive known pair of series. The check can exclude an
overlap in all but two hours of each year. The check must search these hours, and finds no overlap.
"""


def main() -> int:
    """Print the tables. Return the number of missed targets."""
    missed = _measure_checks("without time zones, intervals and ends", False, TARGET_MICROSECONDS)
    missed += _measure_checks(
        "with time zones, intervals, ends and exclusions", True, TARGET_MICROSECONDS_WITH_ZONES
    )
    worst = measure_microseconds(_compare_worst_pair, rounds=5)
    print(f"\nThe most expensive known pair of series: {worst / 1000:,.0f} ms")
    return missed


def _measure_checks(title: str, with_rules: bool, target: int) -> int:
    slots = [build_slot(number, with_rules) for number in range(SERIES)]
    missed = 0
    rows = []
    for cycle in _CYCLES:
        free = build_session("new", cycle, "2026-01-30", _FREE, _FREE + 60)
        taken = build_session("new", cycle, "2026-01-30", 0, _BUSY)
        if with_rules:
            for each in (free, taken):
                set_zone(each, "Europe/Berlin")
        assert not check_conflicts(free, slots)
        assert check_conflicts(taken, slots)
        again = measure_microseconds(partial(check_conflicts, free, slots))
        first = measure_microseconds(partial(check_conflicts, free, slots), _clear_caches)
        refused = measure_microseconds(partial(check_conflicts, taken, slots))
        missed += again >= target
        rows.append([cycle or "ONE_TIME", *(f"{number:,.0f}" for number in (again, first, refused))])
    print(
        f"\nConflict check of a new session against {SERIES} series {title}: "
        f"microseconds of CPU time, median of {ROUNDS} checks\n"
    )
    print(table(["new session", "no conflict", "no conflict, empty caches", "conflict"], rows))
    print(f"\nTarget: less than {target:,} microseconds without a conflict: {'missed' if missed else 'met'}")
    return missed


def _compare_worst_pair() -> None:
    a, b = recurrence.schedule(_EIGHTH_NIGHTS), recurrence.schedule(_SIX_DAYS_OF_EIGHT)
    assert a
    assert b
    assert not recurrence.conflict(a, b)


def _clear_caches() -> None:
    """Clear the caches of schedules, rules and time zones, which earlier conflict checks have filled."""
    for module in (recurrence, recurrence_rules, time_zones):
        for function in vars(module).values():
            if hasattr(function, "cache_clear"):
                function.cache_clear()


def check_conflicts(new: Session, slots: list[Slot]) -> list[Conflict]:
    """Return the slots that conflict with a new session. `store.calendars` calls the same `find_conflicts`."""
    wanted = slot(new)
    assert wanted
    return list(find_conflicts(wanted, slots))


def build_slot(number: int, with_rules: bool = False) -> Slot:
    """Return the slot of a series.

    The first occurrence lasts from minute `10 * number` to minute `10 * number + 9` of a UTC day. Series with
    successive numbers have different cycles, and different UTC offsets or time zones.
    """
    cycle = recurrence.CYCLES[number % len(recurrence.CYCLES)]
    day = f"2025-{number % 12 + 1:02}-{number % 28 + 1:02}"
    made = build_session(
        str(number), cycle, day, number * 10, number * 10 + 9, _OFFSETS[number % len(_OFFSETS)]
    )
    if with_rules:
        made |= _RULES[number // 4 % len(_RULES)]
        if zone := _ZONES[number % len(_ZONES)]:
            set_zone(made, zone)
    stored_slot = slot(made)
    assert stored_slot
    return stored_slot


def set_zone(made: Session, zone: str) -> None:
    """Set the time zone of a session. Write the same start and end in the local time of the zone."""
    clock = time_zones.zone_clock(zone)
    for field in ("startDateTime", "endDateTime"):
        instant = instants.parse(made[field]).instant
        made[field] = instants.local_text(instant, clock.offset(instant))
    made["timeZone"] = zone


def build_session(id: str, cycle: str | None, day: str, start: int, end: int, offset: int = 0) -> Session:
    """Return a session that starts and ends on one UTC day.

    Args:
        cycle: the `repeatCycleType`; None for a session that does not repeat.
        start: the minute of the day at which the session starts.
        end: the minute of the day at which the session ends.
        offset: the UTC offset of `startDateTime` and `endDateTime`, in minutes.
    """
    midnight = instants.parse(f"{day}T00:00:00Z").instant
    schedule = {
        field: instants.local_text(midnight + minute * instants.MINUTE, offset * instants.MINUTE)
        for field, minute in (("startDateTime", start), ("endDateTime", end))
    }
    fields = {"type": "RECURRING", "timelineId": "t", "name": "Yoga", "repeatCycleType": cycle, **schedule}
    return create(fields, id, "owner", "2026-01-01T00:00:00.000Z")


def measure_microseconds(
    check: Callable[[], object], before: Callable[[], object] = lambda: None, rounds: int = ROUNDS
) -> float:
    """Return the median CPU time of `check` in microseconds. Call `before` before each check."""
    times = []
    for _ in range(rounds):
        before()
        started = time.process_time_ns()
        check()
        times.append(time.process_time_ns() - started)
    return statistics.median(times) / 1000


if __name__ == "__main__":
    sys.exit(main())
