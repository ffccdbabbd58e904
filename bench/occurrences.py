"""Read cost of the occurrences of a week: `python -m bench.occurrences [PAST_SIZES SERIES_SIZES]`.

The owner has past sessions, which must not change the cost, and live series, which must be read. Sizes are lists of
numbers, such as `10,1000 10,100`.
"""

import sys
import time
from collections.abc import Iterable, Iterator
from itertools import chain

from bench.store import (
    OWNER,
    SINGLE_SIZES,
    TIMELINE_ID,
    Cost,
    build_series,
    build_singles,
    create_database,
    request,
)
from bench.table import table
from scheduling.domain.session import Session

SERIES_SIZES = (10, 100, 1_000)
WEEK = {"from": "2026-06-01T00:00:00Z", "to": "2026-06-08T00:00:00Z", "take": 1000}
"""A week after all single sessions, which end in 2025."""
MOST_UNITS = 20
"""The largest number of read units for a week of 100 live series."""


def main(past_sizes: tuple[int, ...] = SINGLE_SIZES, series_sizes: tuple[int, ...] = SERIES_SIZES) -> int:
    """Run the command. Return the number of missed targets."""
    costs: dict[tuple[int, int], Cost] = {}
    rows = []
    # Only some combinations are measured, because filling a database takes longer than measuring.
    sizes = [(past, series_sizes[0]) for past in past_sizes] + [
        (past_sizes[0], live) for live in series_sizes[1:]
    ]
    for past, live in sizes:
        database = create_database(f"occurrences{past}x{live}")
        database.fill(chain(build_series(live), _change_ids(build_singles(past))), past + live)
        database.use()
        query = {**WEEK, "timelineId": TIMELINE_ID}
        request(OWNER, "list_occurrences", query=query)
        started = time.perf_counter()
        answer, cost = request(OWNER, "list_occurrences", query=query)
        milliseconds = (time.perf_counter() - started) * 1000
        assert live <= answer.count <= live + 1, "a series may have two occurrences that overlap the week"
        costs[past, live] = cost
        numbers = [str(cost.calls), f"{cost.items:,}", f"{cost.read_units:g}", f"{milliseconds:.0f}"]
        rows.append([f"{past:,}", f"{live:,}", *numbers])
    print("\nOccurrences: cost of a week\n")
    print(table(["past sessions", "live series", "calls", "items read", "read units", "ms"], rows))
    few, many = costs[past_sizes[0], series_sizes[0]], costs[past_sizes[-1], series_sizes[0]]
    verdicts = {
        f"a week costs the same after {past_sizes[0]:,} and after {past_sizes[-1]:,} past sessions": few
        == many
    }
    if (units := costs.get((past_sizes[0], 100))) is not None:
        verdicts[f"100 live series cost {units.read_units:g} units (at most {MOST_UNITS})"] = (
            units.read_units <= MOST_UNITS
        )
    print()
    for sentence, met in verdicts.items():
        print(f"{'met   ' if met else 'MISSED'} {sentence}")
    return sum(not met for met in verdicts.values())


def _change_ids(sessions: Iterable[Session]) -> Iterator[Session]:
    """Yield the sessions with other ids, because the series are built with the same ids."""
    for each in sessions:
        yield {**each, "id": "5" + each["id"][1:-1] + "e"}


def _parse_sizes(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(",")))


if __name__ == "__main__":
    sys.exit(min(1, main(*map(_parse_sizes, sys.argv[1:]))))
