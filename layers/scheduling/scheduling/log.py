"""One line of JSON a request, which CloudWatch also reads metrics from (its embedded metric format).

No token, no header, no body goes into it. A name with line breaks cannot forge a line: JSON escapes them.
"""

from functools import lru_cache
from itertools import count
from typing import Any, NamedTuple

from aws_lambda_powertools.logging import Logger

from scheduling.errors import ApiError, RetriesExhausted, SchedulingConflict, Throttled

_COUNTS = ("Conflicts", "ConflictRetries", "ConflictRetriesExhausted", "Throttles", "ServerErrors")
_METRICS = {
    "Namespace": "Sessions",
    "Dimensions": [["service"], ["service", "route"]],
    "Metrics": [
        {"Name": "Latency", "Unit": "Milliseconds"},
        *({"Name": name, "Unit": "Count"} for name in _COUNTS),
    ],
}
_requests = count()


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
    """Write the line of a request: at ERROR, with the trace, where the fault is ours."""
    error = outcome.error
    ours = outcome.status >= 500
    line: dict[str, Any] = {
        "request_id": outcome.request_id,
        "route": outcome.route,
        "principal_id": outcome.principal_id,
        "status": outcome.status,
        "cold_start": next(_requests) == 0,
        **({"code": error.code} if isinstance(error, ApiError) else {}),
        "Latency": round(outcome.milliseconds, 3),
        "Conflicts": int(isinstance(error, SchedulingConflict)),
        "ConflictRetries": outcome.retries,
        "ConflictRetriesExhausted": int(isinstance(error, RetriesExhausted)),
        "Throttles": int(isinstance(error, Throttled)),
        "ServerErrors": int(ours),
        "_aws": {"Timestamp": outcome.now_milliseconds, "CloudWatchMetrics": [_METRICS]},
    }
    if ours:
        _logger().error("request failed", extra=line, exc_info=error)
    else:
        _logger().info("request", extra=line)


@lru_cache
def _logger() -> Logger:
    return Logger(location=None)
