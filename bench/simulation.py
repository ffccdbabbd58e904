"""Simulation of writers on AWS, in the former design and in the present one: `python -m bench.simulation`.

Requests arrive at random, each creates a session, and nobody waits for the answer to another request. Assumed:

- A read takes 5 to 8 ms. A transaction holds its items for 10 to 20 ms and cancels transactions that need these items.
- A transaction whose condition fails holds its items as long as another.
- A partition takes 1,000 write units a second, a table 40,000. The reserve of a partition lasts one second.
- A canceled transaction takes units of the tables, but none of the index by year.
- botocore sends a throttled transaction up to three times, after pauses of up to one and two seconds.

Retries and deadline are those of the layer. The former design added one of 16 shared counting items to each
transaction, and retried with short pauses for 8 seconds.
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
"""How many seconds pass before requests count."""


class Design(NamedTuple):
    """The choices that decide how writers meet."""

    name: str
    shared_items: int = 0
    first_pause: float = FIRST_PAUSE_SECONDS
    longest_pause: float = LONGEST_PAUSE_SECONDS
    attempts: float = ATTEMPTS
    deadline: float = LONGEST_REQUEST_SECONDS
    years: int = 1
    """How many years the new sessions start in: an index has one partition for each year."""
    call_seconds: tuple[float, float] = (0.005, 0.008)


NOW = Design("now: no shared items")
SPREAD = NOW._replace(name="now, sessions spread over ten years", years=10)
BEFORE = Design("before: 16 shared items", 16, 0.02, 0.4, float("inf"), 8)


class Outcome(NamedTuple):
    """The end of one request."""

    arrived: float
    seconds: float
    transactions: int
    result: str
    """"written", or why the request got a 503."""


class Simulation:
    """Requests and the database that they meet, in simulated time."""

    def __init__(self, design: Design, seed: int = 1) -> None:
        random.seed(seed)  # of the module, whose jitter `backoff_pauses` takes
        self.design, self.now = design, 0.0
        self.versions: Counter[str] = Counter()
        """The version of each owner's head."""
        self.holds: list[tuple[str, float, float]] = []
        """Every item that a transaction held, from when to when."""
        self.outcomes: list[Outcome] = []
        self._held: set[str] = set()
        self._unused: dict[str, tuple[float, float]] = {}
        """The write units that a partition or table has left, and since when."""

    def run(self, arrivals: Iterable[tuple[float, str]]) -> list[Outcome]:
        """Create a session for each time and owner; return the outcomes."""
        queue = [(at, number, self._post(owner)) for number, (at, owner) in enumerate(arrivals)]
        heapify(queue)
        while queue:
            self.now, number, request = heappop(queue)
            if (pause := next(request, None)) is not None:
                heappush(queue, (self.now + pause, number, request))
        return self.outcomes

    def _post(self, owner: str) -> Iterator[float]:
        arrived, result = self.now, ""
        pauses = backoff_pauses(self.design.first_pause, self.design.longest_pause)
        for transactions in count(1):
            head = self._call_seconds()
            yield self._call_seconds() + head / 2  # the timeline, then the way to the head
            version = self.versions[owner]
            yield head / 2 + self._call_seconds()  # then the slots
            result = yield from self._transact(owner, version)
            pause = next(pauses)
            late = self.now + pause > arrived + self.design.deadline
            if result != "conflict" or transactions == self.design.attempts or late:
                break
            yield pause
        self.outcomes.append(Outcome(arrived, self.now - arrived, transactions, result))

    def _transact(self, owner: str, version: int) -> Generator[float, None, str]:
        items, seconds = [f"head {owner}", f"timeline {owner}"], self._call_seconds()
        index = {f"year {random.randrange(self.design.years)}": 1}
        units = {f"calendar {owner}": 4, "calendar table": 4}
        if self.design.shared_items:
            shared = f"counts {crc32(owner.encode()) % self.design.shared_items}"
            items.append(shared)
            units[shared] = 4
        for sent in range(SENT_AT_MOST):
            if self._charge(units):
                if self._held.intersection(items):
                    yield seconds
                    return "conflict"
                if self._charge(index):
                    break
            yield seconds + random.uniform(0, 2**sent)
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

    def _charge(self, units: Mapping[str, int]) -> bool:
        """Take the write units from partitions and tables. Return False and take none if one of them lacks units."""
        left = {}
        for name, needed in units.items():
            limit = TABLE_UNITS if name.endswith("table") else PARTITION_UNITS
            unused, since = self._unused.get(name, (limit, self.now))
            left[name] = min(limit, unused + limit * (self.now - since)) - needed, self.now
        if min(left.values())[0] < 0:
            return False
        self._unused |= left
        return True

    def _call_seconds(self) -> float:
        return random.uniform(*self.design.call_seconds)


def offered(rate: float, owners: int, seconds: float) -> Iterator[tuple[float, str]]:
    """Yield requests at random times, so many a second, each of a random owner."""
    at = random.expovariate(rate)
    while at < seconds:
        yield at, f"owner {random.randrange(owners)}"
        at += random.expovariate(rate)


class Figures(NamedTuple):
    """What the requests of one simulation met."""

    refused: float
    """The percentage of requests that got a 503."""
    retries: float
    median: float
    p99: float


def simulate(design: Design, rate: float, owners: int, seconds: float) -> Figures:
    """Offer so many requests a second; return what those met that arrived after the start."""
    outcomes = Simulation(design).run(offered(rate, owners, seconds))
    outcomes = [each for each in outcomes if each.arrived >= WARM_UP]
    cuts = statistics.quantiles((each.seconds for each in outcomes), n=100)
    refused = sum(each.result != "written" for each in outcomes) / len(outcomes)
    retries = statistics.mean(each.transactions - 1 for each in outcomes)
    return Figures(100 * refused, retries, cuts[49], cuts[98])


def write_at_once(writers: int) -> list[Outcome]:
    """Run the case of `bench.contention`: that many writers on one calendar.

    A call takes 45 ms, with the computing on the machine that measures, so that a single writer takes as long.
    """
    return Simulation(NOW._replace(call_seconds=(0.045, 0.045))).run((0.0, "owner") for _ in range(writers))


CASES = (
    ("Many owners", OWNERS, 20, (100, 200, 400, 600, 800, 1_000, 1_600), (BEFORE, NOW, SPREAD)),
    ("One calendar", 1, 200, (2, 5, 10, 15, 20, 30, 40), (BEFORE, NOW)),
)


def main() -> int:
    """Print the tables and write the plot. There are no targets to miss."""
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
    print("\nWriters on one calendar at once, as `bench.contention` measures them\n")
    print(table(["writers", "503", "median s", "longest s", "transactions each", "most transactions"], rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
