"""Consumer of the streams of the Sessions and Timelines tables: updates the counts in the Counters table."""

import time
from typing import Any

from scheduling.services import counters


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Add the changes of one shard to the counts.

    Lambda sends `shardId` only when the event source mapping has a tumbling window. The function keeps no state
    between the calls of a window, so the returned state is empty.
    """
    if records := event["Records"]:  # the last call of a window has no records
        counters.count_changes(records[0]["eventSourceARN"], event["shardId"], records, int(time.time()))
    return {"state": {}}
