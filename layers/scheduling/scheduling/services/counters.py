"""Use case of `update_counters`: count sessions and timelines by time."""

import time
from collections.abc import Sequence
from itertools import islice

from scheduling.errors import RetriesExhausted
from scheduling.store import counters
from scheduling.store.client import WriteConflict, backoff_pauses

_ATTEMPTS = 10


def count_changes(stream: str, shard: str, records: Sequence[counters.Record], now: int) -> None:
    """Count the changes in the records of one shard. Retry after a write conflict."""
    for pause in islice(backoff_pauses(), _ATTEMPTS):
        try:
            return counters.count_changes(stream, shard, records, now)
        except WriteConflict:
            time.sleep(pause)
    raise RetriesExhausted
