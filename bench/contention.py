"""Many concurrent writers on one calendar: `python -m bench.contention`.

Each DynamoDB call takes 20 ms, and a transaction holds its items for 10 to 20 ms, as on AWS. Each writer creates one
session. No two sessions overlap.
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from io import StringIO
from threading import Barrier, local
from typing import NamedTuple

from bench.store import OWNER, create_database
from bench.table import table
from scheduling.store.client import client
from tests.support.transaction_conflicts import HeldItems

WRITERS = (1, 4, 16, 32, 64)


class Outcome(NamedTuple):
    """The result of one POST."""

    status: int
    seconds: float
    transactions: int


def create_sessions_at_once(writers: int) -> list[Outcome]:
    """Run a number of writers at once, each of which creates one session in the same calendar."""
    timeline = OWNER.call("create_timeline", body={"name": "Routine"}).data["id"]
    start, counts = Barrier(writers), local()

    def count_transaction(**_: object) -> None:
        counts.transactions = getattr(counts, "transactions", 0) + 1

    def create_session(number: int) -> Outcome:
        day, hour = divmod(number, 20)
        times = {
            "startDateTime": f"2023-12-{day + 1:02}T{hour:02}:00:00Z",
            "endDateTime": f"2023-12-{day + 1:02}T{hour:02}:45:00Z",
        }
        body = {"type": "ONE_TIME", "timelineId": timeline, "name": "Yoga", **times}
        start.wait()
        counts.transactions, began = 0, time.perf_counter()
        answer = OWNER.call("create_session", body=body)
        return Outcome(answer.status, time.perf_counter() - began, counts.transactions)

    events, event = client().meta.events, "before-call.dynamodb.TransactWriteItems"
    events.register(event, count_transaction)
    try:
        with HeldItems().install(), ThreadPoolExecutor(writers) as pool:
            return list(pool.map(create_session, range(writers)))
    finally:
        events.unregister(event, count_transaction)


def main() -> int:
    """Print the table. Return 1 if a target is missed."""
    rows, met = [], True
    for writers in WRITERS:
        create_database(f"contention{writers}").use()
        with redirect_stdout(StringIO()):
            outcomes = create_sessions_at_once(writers)
        failed = [each for each in outcomes if each.status != 200]
        seconds = sorted(each.seconds for each in outcomes)
        transactions = [each.transactions for each in outcomes]
        rows.append(
            [
                f"{writers}",
                f"{len(failed)}",
                f"{seconds[len(seconds) // 2]:.2f}",
                f"{seconds[-1]:.2f}",
                f"{sum(transactions) / writers:.1f}",
                f"{max(transactions)}",
            ]
        )
        met &= len(failed) <= writers * 0.05 and max(transactions) <= 10
        met &= writers > 16 or (not failed and seconds[-1] < 5)
    print("\nWriters on one calendar at once, 20 ms a call\n")
    print(table(["writers", "503", "median s", "longest s", "transactions each", "most transactions"], rows))
    print(f"\n{'met   ' if met else 'MISSED'} 16: no 503, under 5 s; 64: at most 5 % 503, 10 transactions")
    return int(not met)


if __name__ == "__main__":
    sys.exit(main())
