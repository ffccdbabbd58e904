"""Retries and waiting times of many concurrent writers on one calendar: `python -m bench.contention`.

Each writer creates one session, and no two of these sessions overlap. DynamoDB Local is slowed down to simulate AWS:
each call is delayed by 20 ms, and a transaction locks its items for 10 to 20 ms of this time.
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
    """Start a number of writers at the same time, and return their outcomes.

    Each writer creates one session in the same calendar.
    """
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
    """Measure each number of writers, and print the table. Return 1 if a target was missed, otherwise 0."""
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
    print("\nConcurrent writers on one calendar, with 20 ms for each call\n")
    print(table(["writers", "503", "median s", "longest s", "transactions each", "most transactions"], rows))
    print(
        f"\n{'met   ' if met else 'MISSED'} up to 16 writers: no 503, and less than 5 s; "
        "up to 64 writers: at most 5 % get a 503, and at most 10 transactions each"
    )
    return int(not met)


if __name__ == "__main__":
    sys.exit(main())
