"""Request log: one line of JSON for each request that `http.endpoint` handles.

CloudWatch also reads metrics from the line (embedded metric format). The line has ids, codes and measurements. The line
never has tokens, headers or text that users typed.
"""

import json
import logging
import os
import re
import sys
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from scheduling.domain.permissions import Principal
from scheduling.errors import (
    ApiError,
    BadRequest,
    InternalError,
    RetriesExhausted,
    SchedulingConflict,
    Throttled,
)
from scheduling.http.event import HttpEvent
from scheduling.services.request import Request
from scheduling.telemetry import telemetry

_DIMENSIONS = [["service"], ["service", "route"]]
_MAX_NAMES = 20
_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
_encode_json = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, separators=(",", ":"), default=str
).encode


class Outcome(NamedTuple):
    """A request and its result."""

    event: HttpEvent
    context: Any
    """Lambda's context object; None in most tests."""
    principal: Principal | None
    request: Request | None
    """The validated request; None when the authentication or the validation failed."""
    status: int
    milliseconds: float
    error: Exception | None
    now: datetime


def report(outcome: Outcome) -> None:
    """Write the log line of a request. For a status of 500 or more, the line has the level ERROR and a stack trace."""
    is_our_fault = outcome.status >= 500
    metrics = _count_events(outcome)
    line = {
        **_identify_request(outcome),
        **_explain_error(outcome.error),
        **_measure_database(),
        **_name_time_zone_database(),
        "Latency": round(outcome.milliseconds, 3),
        "ConflictRetries": telemetry.retries,
        **metrics,
        "_aws": _describe_metrics(metrics, outcome.now),
    }
    if is_our_fault:
        logger().error("request failed", extra=line, exc_info=outcome.error)
    else:
        logger().info("request", extra={"line": line})


def _identify_request(outcome: Outcome) -> dict[str, Any]:
    """Return the fields that identify the request, the function and its version."""
    event, context = outcome.event, outcome.context
    path = {name: id for name, id in event.path_parameters.items() if _ID.fullmatch(id)}
    fields: Mapping[str, Any] = outcome.request.fields if outcome.request else {}
    found = {
        "principal_id": outcome.principal.id if outcome.principal else None,
        "request_id": event.request_id,
        "function_request_id": getattr(context, "aws_request_id", None),
        "function_name": getattr(context, "function_name", None),
        "function_version": getattr(context, "function_version", None),
        "session_id": path.get("sessionId"),
        "timeline_id": path.get("timelineId") or fields.get("timelineId"),
    }
    return {
        "route": event.route,
        "status": outcome.status,
        **{name: value for name, value in found.items() if value},
    }


def _explain_error(error: Exception | None) -> dict[str, Any]:
    """Return the code of a failure, and the names of the faulty fields or the ids of the conflicting sessions."""
    if error is None:
        return {}
    found: dict[str, Any] = {"code": error.code if isinstance(error, ApiError) else InternalError.code}
    if isinstance(error, BadRequest):
        # The client chose the name of an unknown field. The name may contain any text, so the log does not show it.
        names = {"unknown" if fault.code == "UNKNOWN_FIELD" else fault.field for fault in error.faults}
        found["faulty_fields"] = sorted(names)[:_MAX_NAMES]
    if isinstance(error, SchedulingConflict):
        ids = (conflict.get("sessionId") for conflict in error.conflicts)
        found["conflicting_sessions"] = [id for id in ids if id]
    return found


def _measure_database() -> dict[str, Any]:
    if not telemetry.calls:
        return {}
    return {
        "dynamodb_calls": telemetry.calls,
        "dynamodb_milliseconds": round(telemetry.milliseconds, 3),
        "dynamodb_retries": telemetry.call_retries,
        "dynamodb_slowest": telemetry.slowest_operation,
        "dynamodb_slowest_milliseconds": round(telemetry.slowest_milliseconds, 3),
    }


def _name_time_zone_database() -> dict[str, str]:
    """Return the release of the time zone database, once for each instance of the function that uses time zones."""
    if telemetry.named_time_zone_database or "tzdata" not in sys.modules:
        return {}
    # Imported here, because only an instance that has used a time zone needs this function.
    from scheduling.domain.time_zones import database_version

    telemetry.named_time_zone_database = True
    return {"time_zone_database": database_version()}


def _count_events(outcome: Outcome) -> dict[str, int]:
    """Return the metrics that are not zero. CloudWatch would charge for a zero as much as for any other number."""
    error = outcome.error
    counts = {
        "ColdStart": telemetry.requests == 1,
        "Conflicts": isinstance(error, SchedulingConflict),
        "ConflictRetries": telemetry.retries,
        "ConflictRetriesExhausted": isinstance(error, RetriesExhausted),
        "Throttles": isinstance(error, Throttled),
        "ServerErrors": outcome.status >= 500,
    }
    return {name: int(number) for name, number in counts.items() if number}


def _describe_metrics(counts: Mapping[str, int], now: datetime) -> dict[str, Any]:
    metrics = [{"Name": "Latency", "Unit": "Milliseconds"}]
    metrics += [{"Name": name, "Unit": "Count"} for name in counts]
    directive = {"Namespace": "Sessions", "Dimensions": _DIMENSIONS, "Metrics": metrics}
    return {"Timestamp": int(now.timestamp() * 1000), "CloudWatchMetrics": [directive]}


class RequestFormatter(LambdaPowertoolsFormatter):
    """Powertools' formatter, with a faster path for a record whose attribute `line` has the fields of a request.

    Powertools searches all attributes of a record for the fields of a line. The result of both paths is the same.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the JSON of a record."""
        fields: Mapping[str, Any] | None = getattr(record, "line", None)
        if fields is None:
            return super().format(record)
        trace = os.environ.get("_X_AMZN_TRACE_ID")
        return self.serialize(
            {
                "level": record.levelname,
                "message": record.getMessage(),
                "timestamp": self.formatTime(record),
                "service": self.get_current_keys()["service"],
                **fields,
                **({"xray_trace_id": trace.split(";")[0].replace("Root=", "")} if trace else {}),
            }
        )


@lru_cache
def logger() -> Logger:
    """Return the logger of the request log. The first call creates the logger."""
    # All lines share one encoder. By default, the Logger builds an encoder for each line and parses each message.
    formatter = RequestFormatter(json_serializer=_encode_json, json_deserializer=str)
    return Logger(location=None, logger_formatter=formatter)
