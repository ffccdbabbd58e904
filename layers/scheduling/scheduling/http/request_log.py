"""One line of JSON a request, which CloudWatch also reads metrics from (its embedded metric format).

No token, no header, no body goes into it. A name with line breaks cannot forge a line: JSON escapes them.
"""

import json
import logging
from functools import lru_cache
from itertools import count
from typing import Any, NamedTuple

from aws_lambda_powertools.logging import Logger

from scheduling.errors import ApiError, RetriesExhausted, SchedulingConflict, Throttled

_LATENCY = {"Name": "Latency", "Unit": "Milliseconds"}
_DIMENSIONS = [["service"], ["service", "route"]]
_to_json = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, separators=(",", ":"), default=str
).encode
_requests = count()

# Nobody asks which line of code logged, in which thread of which process: logging need not find out. These switches
# are from its how-to, "Optimization".
logging._srcfile = None
logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


class Outcome(NamedTuple):
    """How a request ended."""

    request_id: str
    route: str
    principal_id: str | None
    status: int
    milliseconds: float
    retries: int
    error: Exception | None
    now_milliseconds: int


def report(outcome: Outcome) -> None:
    """Write the line of a request: at ERROR, with the trace, where the fault is ours.

    What did not happen is not counted: a zero would make each line twice as long, and a metric to pay for.
    """
    error = outcome.error
    ours = outcome.status >= 500
    counts = {
        "Conflicts": isinstance(error, SchedulingConflict),
        "ConflictRetries": outcome.retries,
        "ConflictRetriesExhausted": isinstance(error, RetriesExhausted),
        "Throttles": isinstance(error, Throttled),
        "ServerErrors": ours,
    }
    counted = {name: int(number) for name, number in counts.items() if number}
    metrics = [_LATENCY, *({"Name": name, "Unit": "Count"} for name in counted)]
    line: dict[str, Any] = {
        "request_id": outcome.request_id,
        "route": outcome.route,
        "principal_id": outcome.principal_id,
        "status": outcome.status,
        "cold_start": next(_requests) == 0,
        **({"code": error.code} if isinstance(error, ApiError) else {}),
        "Latency": round(outcome.milliseconds, 3),
        "ConflictRetries": outcome.retries,
        **counted,
        "_aws": {
            "Timestamp": outcome.now_milliseconds,
            "CloudWatchMetrics": [{"Namespace": "Sessions", "Dimensions": _DIMENSIONS, "Metrics": metrics}],
        },
    }
    if ours:
        _logger().error("request failed", extra=line, exc_info=error)
    else:
        _logger().info("request", extra=line)


@lru_cache
def _logger() -> Logger:
    # Encoder and decoder are made once; left to itself, the Logger makes an encoder for each line, and tries whether
    # each message is JSON.
    return Logger(location=None, json_serializer=_to_json, json_deserializer=str)
