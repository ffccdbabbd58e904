"""One line of JSON a request, which CloudWatch also reads metrics from (its embedded metric format).

No token, no header, no body goes into it. A name with line breaks cannot forge a line: JSON escapes them.

Fields and variables are named as Powertools' Logger names them. It is not used: for a line a request its
machinery takes a tenth of a read's instructions, and its import a twenty-fifth of a cold start.
"""

import json
from datetime import UTC, datetime
from itertools import count
from typing import Any, NamedTuple

from scheduling.errors import ApiError, RetriesExhausted, SchedulingConflict, Throttled
from scheduling.settings import optional_setting

_SILENT_AT = {"WARNING", "ERROR", "CRITICAL"}
"""Levels at which a request that went well, or failed by the client's own fault, leaves no line."""

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
    cold_start = next(_requests) == 0
    if not ours and optional_setting("POWERTOOLS_LOG_LEVEL") in _SILENT_AT:
        return
    line: dict[str, Any] = {
        "level": "ERROR" if ours else "INFO",
        "message": "request failed" if ours else "request",
        "timestamp": datetime.fromtimestamp(outcome.now_milliseconds / 1000, UTC).isoformat(),
        "service": optional_setting("POWERTOOLS_SERVICE_NAME"),
        "request_id": outcome.request_id,
        "route": outcome.route,
        "principal_id": outcome.principal_id,
        "status": outcome.status,
        "cold_start": cold_start,
        **({"code": error.code} if isinstance(error, ApiError) else {}),
        "Latency": round(outcome.milliseconds, 3),
        "Conflicts": int(isinstance(error, SchedulingConflict)),
        "ConflictRetries": outcome.retries,
        "ConflictRetriesExhausted": int(isinstance(error, RetriesExhausted)),
        "Throttles": int(isinstance(error, Throttled)),
        "ServerErrors": int(ours),
        "_aws": {"Timestamp": outcome.now_milliseconds, "CloudWatchMetrics": [_METRICS]},
    }
    if ours and error:
        line |= {"exception_name": type(error).__name__, "exception": _trace(error)}
    print(json.dumps(line), flush=True)


def _trace(error: Exception) -> str:
    from traceback import format_exception  # only here: most requests do not fail

    return "".join(format_exception(error))
