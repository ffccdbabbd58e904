"""Simulation of concurrent writers on AWS, in a former design and in the present design: `python -m bench.simulation`.

Requests arrive at random times. Each request creates a session, and does not wait for other requests. Assumptions:

- A read takes 5 to 8 ms.
- A transaction locks its items for 10 to 20 ms, even if one of its conditions fails. DynamoDB cancels other
  transactions that need one of these items during this time.
- A partition accepts 1,000 write units a second, and a table accepts 40,000. Unused units expire after one second. (On
  AWS, a partition's unused units expire after up to 300 seconds.)
- A transaction that needs a locked item consumes write units of the tables, but no write units of the index of all
  sessions. A transaction with a failed condition consumes write units of the tables and of the index.
- botocore sends a throttled transaction up to three times. The first pause between two attempts takes at most one
  second, and the second pause at most two seconds.

The present design uses the retries and the deadline of the layer. In the former design, each transaction also updated
one of 16 shared items with counts. The former design retried after short pauses, for at most 8 seconds.
"""

import random
import statistics
import sys
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping
from heapq import heapify, heappop, heappush
from itertools import count
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from bench.chart import Panel, svg
from bench.table import table
from scheduling.http.endpoint import LONGEST_REQUEST_SECONDS
from scheduling.services.retries import ATTEMPTS, FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS
from scheduling.store.client import backoff_pauses

PLOT = Path(__file__).parent.parent / "docs" / "writers.svg"
HELD_SECONDS = (0.010, 0.020)
PARTITION_UNITS, TABLE_UNITS = 1_000, 40_000
SENT_AT_MOST = 3
OWNERS = 100_000
WARM_UP = 10
"""The length of the warm-up in seconds. The figures do not include requests that arrive during the warm-up."""


class Design(NamedTuple):
    """The parameters of a design that determine the write conflicts, retries and throttling."""

    name: str
    shared_items: int = 0
    first_pause: float = FIRST_PAUSE_SECONDS
    longest_pause: float = LONGEST_PAUSE_SECONDS
    attempts: float = ATTEMPTS
    deadline: float = LONGEST_REQUEST_SECONDS
    years: int = 1
    """The number of years in which the new sessions start. The index of all sessions has a partition for each year."""
    call_seconds: tuple[float, float] = (0.005, 0.008)


NOW = Design("now: no shared items")
SPREAD = NOW._replace(name="now, sessions spread over ten years", years=10)
BEFORE = Design("before: 16 shared items", 16, 0.02, 0.4, float("inf"), 8)


class Outcome(NamedTuple):
    """The result of one request."""

    arrived: float
    seconds: float
    transactions: int
    result: str
    """`written` for a 200. For a 503, the cause: `conflict` or `throttled`."""


class Simulation:
    """A database and its concurrent requests, in simulated time."""

    def __init__(self, design: Design, seed: int = 1) -> None:
        random.seed(seed)  # also makes the random pauses of `backoff_pauses` repeatable
        self.design, self.now = design, 0.0
        self.versions: Counter[str] = Counter()
        """The version of each owner's head."""
        self.holds: list[tuple[str, float, float]] = []
        """Every item that a transaction locked, with the times at which the lock begins and ends."""
        self.outcomes: list[Outcome] = []
        self._held: set[str] = set()
        self._unused: dict[str, tuple[float, float]] = {}
        """The unused write units of each partition and table, with the time at which this number last changed."""

    def run(self, arrivals: Iterable[tuple[float, str]]) -> list[Outcome]:
        """Simulate one request for each arrival time and owner. Return the outcomes."""
        queue = [(at, number, self._simulate_post(owner)) for number, (at, owner) in enumerate(arrivals)]
        heapify(queue)
        while queue:
            self.now, number, request = heappop(queue)
            if (pause := next(request, None)) is not None:
                heappush(queue, (self.now + pause, number, request))
        return self.outcomes

    def _simulate_post(self, owner: str) -> Iterator[float]:
        arrived, result = self.now, ""
        pauses = backoff_pauses(self.design.first_pause, self.design.longest_pause)
        for transactions in count(1):
            head = self._draw_call_seconds()
            # The request reads the timeline, then the head, then the slots. In the middle of the second call, DynamoDB
            # reads the version of the head.
            yield self._draw_call_seconds() + head / 2
            version = self.versions[owner]
            yield head / 2 + self._draw_call_seconds()
            result = yield from self._simulate_transaction(owner, version)
            pause = next(pauses)
            late = self.now + pause > arrived + self.design.deadline
            if result != "conflict" or transactions == self.design.attempts or late:
                break
            yield pause
        self.outcomes.append(Outcome(arrived, self.now - arrived, transactions, result))

    def _simulate_transaction(self, owner: str, version: int) -> Generator[float, None, str]:
        items, seconds = [f"head {owner}", f"timeline {owner}"], self._draw_call_seconds()
        index = {f"year {random.randrange(self.design.years)}": 1}
        units = {f"calendar {owner}": 4, "calendar table": 4}
        if self.design.shared_items:
            shared = f"counts {crc32(owner.encode()) % self.design.shared_items}"
            items.append(shared)
            units[shared] = 4
        for sent in range(SENT_AT_MOST):
            if self._consume_units(units):
                if self._held.intersection(items):
                    yield seconds
                    return "conflict"
                if self._consume_units(index):
                    break
            last = sent == SENT_AT_MOST - 1
            yield seconds if last else seconds + random.uniform(0, 2**sent)
        else:
            return "throttled"
        self._held.update(items)
        held = random.uniform(*HELD_SECONDS)
        self.holds += [(item, self.now, self.now + held) for item in items]
        yield held
        self._held.difference_update(items)
        written = self.versions[owner] == version
        self.versions[owner] += written
        yield max(0, seconds - held)
        return "written" if written else "conflict"

    def _consume_units(self, units: Mapping[str, int]) -> bool:
        """Consume write units of partitions and tables, and return True.

        If any of these partitions or tables has too few units left, consume nothing, and return False.
        """
        left = {}
        for name, needed in units.items():
            limit = TABLE_UNITS if name.endswith("table") else PARTITION_UNITS
            unused, since = self._unused.get(name, (limit, self.now))
            left[name] = min(limit, unused + limit * (self.now - since)) - needed, self.now
        if min(left.values())[0] < 0:
            return False
        self._unused |= left
        return True

    def _draw_call_seconds(self) -> float:
        return random.uniform(*self.design.call_seconds)


def draw_arrivals(rate: float, owners: int, seconds: float) -> Iterator[tuple[float, str]]:
    """Yield the arrival time and a random owner of each request. On average, `rate` requests arrive each second."""
    at = random.expovariate(rate)
    while at < seconds:
        yield at, f"owner {random.randrange(owners)}"
        at += random.expovariate(rate)


class Figures(NamedTuple):
    """The figures of one simulation. Times are in seconds."""

    refused: float
    """The percentage of requests that got a 503."""
    retries: float
    """The mean number of retries of a request."""
    median: float
    p99: float


def simulate(design: Design, rate: float, owners: int, seconds: float) -> Figures:
    """Simulate `rate` requests a second. Return the figures of the requests that arrived after WARM_UP seconds."""
    outcomes = Simulation(design).run(draw_arrivals(rate, owners, seconds))
    outcomes = [each for each in outcomes if each.arrived >= WARM_UP]
    cuts = statistics.quantiles((each.seconds for each in outcomes), n=100)
    refused = sum(each.result != "written" for each in outcomes) / len(outcomes)
    retries = statistics.mean(each.transactions - 1 for each in outcomes)
    return Figures(100 * refused, retries, cuts[49], cuts[98])


def write_at_once(writers: int) -> list[Outcome]:
    """Simulate the writers of `bench.contention`, which create sessions in one calendar at the same time.

    A simulated call takes 45 ms, including the computation between two calls. A POST makes four such calls. So the POST
    of a single simulated writer takes about as long as the POST of a single writer in `bench.contention`.
    """
    return Simulation(NOW._replace(call_seconds=(0.045, 0.045))).run((0.0, "owner") for _ in range(writers))


CASES = (
    ("Many owners", OWNERS, 20, (100, 200, 400, 600, 800, 1_000, 1_600), (BEFORE, NOW, SPREAD)),
    ("One calendar", 1, 200, (2, 5, 10, 15, 20, 30, 40), (BEFORE, NOW)),
)


def main() -> int:
    """Print the tables, and write the plot. Return 0, because this benchmark has no targets."""
    panels = []
    for title, owners, seconds, rates, designs in CASES:
        found = {
            design.name: [(rate, simulate(design, rate, owners, seconds)) for rate in rates]
            for design in designs
        }
        rows = [
            [
                name,
                f"{rate:,}",
                f"{each.refused:.1f}",
                f"{each.retries:.2f}",
                f"{each.median:.2f}",
                f"{each.p99:.2f}",
            ]
            for name, line in found.items()
            for rate, each in line
        ]
        print(f"\n{title}\n")
        print(table(["design", "writes a second", "503 %", "retries a write", "median s", "p99 s"], rows))
        for up, top, value in (("503, % of the requests", 60, "refused"), ("retries a write", 8, "retries")):
            lines = {
                name: [(rate, getattr(each, value)) for rate, each in line] for name, line in found.items()
            }
            panels.append(Panel(title, "offered writes a second", up, top, lines))
    PLOT.write_text(svg(panels), "utf-8")
    rows = []
    for writers in (1, 4, 16, 32, 64):
        outcomes = write_at_once(writers)
        seconds = sorted(each.seconds for each in outcomes)
        transactions = [each.transactions for each in outcomes]
        refused = sum(each.result != "written" for each in outcomes)
        rows.append(
            [
                *(f"{writers}", f"{refused}", f"{seconds[len(seconds) // 2]:.2f}", f"{seconds[-1]:.2f}"),
                *(f"{sum(transactions) / writers:.1f}", f"{max(transactions)}"),
            ]
        )
    print("\nConcurrent writers on one calendar, for comparison with `bench.contention`\n")
    print(table(["writers", "503", "median s", "longest s", "transactions each", "most transactions"], rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
