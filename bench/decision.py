"""What it takes to decide whether a new session fits a calendar of 100 series: `python -m bench.decision`.

The CPU of everything between the reads and the write: the new session's slot, and every stored slot read
from its text and held against it.
"""

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial

from bench.table import table
from scheduling.domain import instants, recurrence
from scheduling.domain.conflicts import Conflict, find_conflicts
from scheduling.domain.session import Session, create
from scheduling.domain.slots import Slot, slot

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
    print(table(["new session", "it fits", "it fits, first time", "it conflicts"], rows))
    print(f"\nTarget: it fits in less than {TARGET_MICROSECONDS:,}: {'missed' if missed else 'met'}")
    return missed


def decide(new: Session, slots: list[Slot]) -> list[Conflict]:
    """Return the conflicts of a new session, as the store asks for them."""
    wanted = slot(new)
    assert wanted
    return list(find_conflicts(wanted, slots))


def stored(number: int) -> Slot:
    """Return one of the series: ten minutes of the day each, all cycles and several offsets in turn."""
    cycle = recurrence.CYCLES[number % len(recurrence.CYCLES)]
    day = f"2025-{number % 12 + 1:02}-{number % 28 + 1:02}"
    offset = _OFFSETS[number % len(_OFFSETS)]
    made = slot(session(str(number), cycle, day, number * 10, number * 10 + 9, offset))
    assert made
    return made


def session(id: str, cycle: str | None, day: str, start: int, end: int, offset: int = 0) -> Session:
    """A session between two minutes of the day in UTC, written down with an offset of so many minutes."""
    midnight = instants.parse(f"{day}T00:00:00Z").instant
    schedule = {
        field: instants.local_text(midnight + minute * instants.MINUTE, offset * instants.MINUTE)
        for field, minute in (("startDateTime", start), ("endDateTime", end))
    }
    fields = {"type": "RECURRING", "timelineId": "t", "name": "Yoga", "repeatCycleType": cycle, **schedule}
    return create(fields, id, "owner", "2026-01-01T00:00:00.000Z")


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
