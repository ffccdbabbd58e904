"""Cost of the decision whether a new session fits a calendar of 100 series: `python -m bench.decision`.

The CPU of everything between the reads and the write: the new session's slot, and every stored slot parsed and
compared with it.
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
"""The minute of the day at which the last series ends."""
_FREE = _BUSY + 130
"""Two hours later, so that series in different time zones do not overlap."""
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
"""The most expensive known pair: they could overlap in two hours of each year, but never do."""


def main() -> int:
    """Print the figures; return the number of missed targets."""
    missed = _decisions("without time zones, intervals and ends", False, TARGET_MICROSECONDS)
    missed += _decisions(
        "with time zones, intervals, ends and exclusions", True, TARGET_MICROSECONDS_WITH_ZONES
    )
    worst = microseconds(_worst_pair, rounds=5)
    print(f"\nThe worst pair of series known: {worst / 1000:,.0f} ms")
    return missed


def _decisions(title: str, with_rules: bool, target: int) -> int:
    slots = [stored(number, with_rules) for number in range(SERIES)]
    missed = 0
    rows = []
    for cycle in _CYCLES:
        free = session("new", cycle, "2026-01-30", _FREE, _FREE + 60)
        taken = session("new", cycle, "2026-01-30", 0, _BUSY)
        if with_rules:
            for each in (free, taken):
                in_zone(each, "Europe/Berlin")
        assert not decide(free, slots)
        assert decide(taken, slots)
        again = microseconds(partial(decide, free, slots))
        first = microseconds(partial(decide, free, slots), _forget)
        refused = microseconds(partial(decide, taken, slots))
        missed += again >= target
        rows.append([cycle or "ONE_TIME", *(f"{number:,.0f}" for number in (again, first, refused))])
    print(
        f"\nA new session against {SERIES} series {title}: microseconds of CPU with parsing, median of {ROUNDS}\n"
    )
    print(table(["new session", "it fits", "it fits, first time", "it conflicts"], rows))
    print(f"\nTarget: it fits in less than {target:,}: {'missed' if missed else 'met'}")
    return missed


def _worst_pair() -> None:
    a, b = recurrence.schedule(_EIGHTH_NIGHTS), recurrence.schedule(_SIX_DAYS_OF_EIGHT)
    assert a
    assert b
    assert not recurrence.conflict(a, b)


def _forget() -> None:
    """Clear what an earlier decision has cached."""
    for module in (recurrence, recurrence_rules, time_zones):
        for function in vars(module).values():
            if hasattr(function, "cache_clear"):
                function.cache_clear()


def decide(new: Session, slots: list[Slot]) -> list[Conflict]:
    """Return the conflicts of a new session, as the store asks the pure code for them."""
    wanted = slot(new)
    assert wanted
    return list(find_conflicts(wanted, slots))


def stored(number: int, with_rules: bool = False) -> Slot:
    """Return one of the series. Each has ten minutes of the day; cycles and offsets or zones alternate."""
    cycle = recurrence.CYCLES[number % len(recurrence.CYCLES)]
    day = f"2025-{number % 12 + 1:02}-{number % 28 + 1:02}"
    made = session(str(number), cycle, day, number * 10, number * 10 + 9, _OFFSETS[number % len(_OFFSETS)])
    if with_rules:
        made |= _RULES[number // 4 % len(_RULES)]
        if zone := _ZONES[number % len(_ZONES)]:
            in_zone(made, zone)
    stored_slot = slot(made)
    assert stored_slot
    return stored_slot


def in_zone(made: Session, zone: str) -> None:
    """Set the time zone of a session without moving its instants."""
    clock = time_zones.zone_clock(zone)
    for field in ("startDateTime", "endDateTime"):
        instant = instants.parse(made[field]).instant
        made[field] = instants.local_text(instant, clock.offset(instant))
    made["timeZone"] = zone


def session(id: str, cycle: str | None, day: str, start: int, end: int, offset: int = 0) -> Session:
    """Return a session between two minutes of the day in UTC, written with an offset of so many minutes."""
    midnight = instants.parse(f"{day}T00:00:00Z").instant
    schedule = {
        field: instants.local_text(midnight + minute * instants.MINUTE, offset * instants.MINUTE)
        for field, minute in (("startDateTime", start), ("endDateTime", end))
    }
    fields = {"type": "RECURRING", "timelineId": "t", "name": "Yoga", "repeatCycleType": cycle, **schedule}
    return create(fields, id, "owner", "2026-01-01T00:00:00.000Z")


def microseconds(
    decision: Callable[[], object], before: Callable[[], object] = lambda: None, rounds: int = ROUNDS
) -> float:
    """Return the median CPU of a decision."""
    times = []
    for _ in range(rounds):
        before()
        started = time.process_time_ns()
        decision()
        times.append(time.process_time_ns() - started)
    return statistics.median(times) / 1000


if __name__ == "__main__":
    sys.exit(main())
