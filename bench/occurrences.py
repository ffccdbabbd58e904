"""Cost of listing a week of occurrences: `python -m bench.occurrences [PAST_SIZES [SERIES_SIZES]]`.

For example, `python -m bench.occurrences 10,1000 10,100` measures calendars with 10 and 1,000 past sessions, and with
10 and 100 live series. A live series is an endless weekly series. A measured request reads all live series, but only
the last of the past sessions.

DynamoDB Local counts items and read units. valgrind counts the instructions of a warm function. While valgrind counts,
a stub replaces DynamoDB Local and sends its recorded answers.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout
from io import StringIO
from itertools import chain
from pathlib import Path
from typing import Any

from bench.cold import ROOT, Bench, Program, build_layer
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
from bench.stub import Recording, Stub
from bench.table import table
from scheduling.domain.session import Session
from scheduling.store.client import client
from tests.support.certificates import CertificateAuthority

SERIES_SIZES = (10, 100, 1_000)
WEEK = {"from": "2026-06-01T00:00:00Z", "to": "2026-06-08T00:00:00Z", "take": 1000}
"""A week in 2026. All one-time sessions end before 2026."""
MOST_UNITS = 20
"""The largest permitted number of read units for a week with 100 live series."""
COUNTED_CALLS = 10


def main(past_sizes: tuple[int, ...] = SINGLE_SIZES, series_sizes: tuple[int, ...] = SERIES_SIZES) -> int:
    """Measure calendars of these sizes, and print the table. Return the number of missed targets."""
    authority = CertificateAuthority("bench")
    layer = build_layer(authority.root)
    costs: dict[tuple[int, int], Cost] = {}
    rows = []
    # Measure only some combinations of sizes, because filling a database is slow.
    sizes = [(past, series_sizes[0]) for past in past_sizes] + [
        (past_sizes[0], live) for live in series_sizes[1:]
    ]
    for past, live in sizes:
        database = create_database(f"occurrences{past}x{live}")
        database.fill(chain(build_series(live), _change_ids(build_singles(past))), past + live)
        database.use()
        query = {**WEEK, "timelineId": TIMELINE_ID}
        answer, cost = request(OWNER, "list_occurrences", query=query)
        assert live <= answer.count <= live + 1, "only one series may have two occurrences in the week"
        costs[past, live] = cost
        millions = count_instructions(query, authority, layer)
        numbers = [str(cost.calls), f"{cost.items:,}", f"{cost.read_units:g}", f"{millions:.1f}"]
        rows.append([f"{past:,}", f"{live:,}", *numbers])
    print("\nCost of listing a week of occurrences\n")
    header = ["past sessions", "live series", "calls", "items read", "read units", "M instructions"]
    print(table(header, rows))
    few, many = costs[past_sizes[0], series_sizes[0]], costs[past_sizes[-1], series_sizes[0]]
    verdicts = {
        f"a week costs the same after {past_sizes[0]:,} past sessions and after {past_sizes[-1]:,}": few
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


def count_instructions(query: dict[str, Any], authority: CertificateAuthority, layer: Path) -> float:
    """Return millions of instructions of one request to a warm function. Return 0 if valgrind is not installed."""
    if not shutil.which("valgrind"):
        return 0
    recording = Recording()
    with recording.record(client()), redirect_stdout(StringIO()):
        OWNER.call("list_occurrences", query=query)
    with (
        tempfile.TemporaryDirectory() as folder,
        Stub(authority.server_context(Path(folder)), recording.answer) as stub,
    ):
        handler = ROOT / "functions" / "list_occurrences" / "handler.py"
        event = OWNER.event("list_occurrences", "", None, query, {})
        program = Program("week", handler, (layer,), (event,))
        [(_, warm)] = Bench(stub, Path(folder), authority.root).count_instructions(program, COUNTED_CALLS)
        return warm


def _change_ids(sessions: Iterable[Session]) -> Iterator[Session]:
    """Yield the sessions with changed ids.

    With unchanged ids, the n-th one-time session would have the same id as the n-th series.
    """
    for each in sessions:
        yield {**each, "id": "5" + each["id"][1:-1] + "e"}


def _parse_sizes(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(",")))


if __name__ == "__main__":
    sys.exit(min(1, main(*map(_parse_sizes, sys.argv[1:]))))
