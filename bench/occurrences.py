"""Cost of a week of occurrences: `python -m bench.occurrences`, or with sizes `… 10,1000 10,100`.

An owner has past sessions, which must not matter, and live series, which must be read. Items and units are counted
by DynamoDB Local. Instructions are those of a warm function, counted by valgrind over the recorded answers.
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
"""A week after all single sessions, which end in 2025."""
MOST_UNITS = 20
"""The target for a week of 100 live series."""
COUNTED_CALLS = 10


def main(past_sizes: tuple[int, ...] = SINGLE_SIZES, series_sizes: tuple[int, ...] = SERIES_SIZES) -> int:
    """Run the command; return how many targets were missed."""
    authority = CertificateAuthority("bench")
    layer = build_layer(authority.root)
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
        answer, cost = request(OWNER, "list_occurrences", query=query)
        assert live <= answer.count <= live + 1, "one may end in the week and start in it again"
        costs[past, live] = cost
        millions = count_instructions(query, authority, layer)
        numbers = [str(cost.calls), f"{cost.items:,}", f"{cost.read_units:g}", f"{millions:.1f}"]
        rows.append([f"{past:,}", f"{live:,}", *numbers])
    print("\nOccurrences: what a week takes\n")
    header = ["past sessions", "live series", "calls", "items read", "read units", "M instructions"]
    print(table(header, rows))
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


def count_instructions(query: dict[str, Any], authority: CertificateAuthority, layer: Path) -> float:
    """Return the millions of instructions of one request to a warm function; 0 without valgrind."""
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
    """Yield sessions whose ids are apart from those of the series, which are made of the same numbers."""
    for each in sessions:
        yield {**each, "id": "5" + each["id"][1:-1] + "e"}


def _parse_sizes(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(",")))


if __name__ == "__main__":
    sys.exit(min(1, main(*map(_parse_sizes, sys.argv[1:]))))
