"""What it takes to decide whether a new session fits a calendar of 100 series: `python -m bench.decision`.

The CPU of everything between the reads and the write: the new session's slot, and every stored slot read
from its text and held against it.
"""

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from bench.table import table
from scheduling.domain import conflicts, instants, recurrence

SERIES = 100
ROUNDS = 200
TARGET_MICROSECONDS = 1000

_BUSY = SERIES * 10
"""The minute of the day at which the last series ends."""
_CYCLES: tuple[str | None, ...] = (None, *recurrence.CYCLES)
_OFFSETS = (0, 9 * 60, -5 * 60 - 30)


def main() -> int:
    """The command."""
    slots = [stored(number) for number in range(SERIES)]
    missed = 0
    rows = []
    for cycle in _CYCLES:
        free = session("new", cycle, "2026-01-30", _BUSY, _BUSY + 60)
        taken = session("new", cycle, "2026-01-30", 0, _BUSY)
        assert not decide(free, slots)
        assert decide(taken, slots)
        again = microseconds(partial(decide, free, slots))
        first = microseconds(partial(decide, free, slots), recurrence._shortest_gap.cache_clear)
        refused = microseconds(partial(decide, taken, slots))
        missed += again >= TARGET_MICROSECONDS
        rows.append([cycle or "ONE_TIME", *(f"{number:,.0f}" for number in (again, first, refused))])
    print(f"\nA new session against {SERIES} series: microseconds of CPU with parsing, median of {ROUNDS}\n")
    print(table(["new session", "it fits", "it fits, first time", "it clashes"], rows))
    print(f"\nTarget: it fits in less than {TARGET_MICROSECONDS:,}: {'missed' if missed else 'met'}")
    return missed


def decide(new: dict[str, Any], slots: list[conflicts.Slot]) -> list[conflicts.Clash]:
    """What the store asks of the pure code."""
    wanted = conflicts.slot(new)
    assert wanted
    return conflicts.clashes(wanted, slots)


def stored(number: int) -> conflicts.Slot:
    """One of the series: ten minutes of the day each, all cycles and several offsets in turn."""
    cycle = recurrence.CYCLES[number % len(recurrence.CYCLES)]
    day = f"2025-{number % 12 + 1:02}-{number % 28 + 1:02}"
    offset = _OFFSETS[number % len(_OFFSETS)]
    slot = conflicts.slot(session(str(number), cycle, day, number * 10, number * 10 + 9, offset))
    assert slot
    return slot


def session(id: str, cycle: str | None, day: str, start: int, end: int, offset: int = 0) -> dict[str, Any]:
    """A session between two minutes of the day in UTC, written down with an offset of so many minutes."""
    midnight = instants.parse(f"{day}T00:00:00Z").instant
    schedule = {
        field: instants.local_text(midnight + minute * instants.MINUTE, offset * instants.MINUTE)
        for field, minute in (("startDateTime", start), ("endDateTime", end))
    }
    return {"id": id, "ownerId": "owner", "repeatCycleType": cycle, **schedule}


def microseconds(decision: Callable[[], object], before: Callable[[], object] = lambda: None) -> float:
    """The CPU of a decision."""
    times = []
    for _ in range(ROUNDS):
        before()
        started = time.process_time_ns()
        decision()
        times.append(time.process_time_ns() - started)
    return statistics.median(times) / 1000


if __name__ == "__main__":
    sys.exit(main())
