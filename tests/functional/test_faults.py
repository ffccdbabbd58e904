"""Failures of the service: a 500 without internal details, a 503 at the deadline, and the request log."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO, StringIO
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from scheduling.domain.time_zones import database_version
from scheduling.errors import ApiError, RetriesExhausted, SchedulingConflict, Throttled
from scheduling.http import request_log
from scheduling.http.endpoint import endpoint
from scheduling.http.event import read_event
from scheduling.services.request import Request
from scheduling.services.results import EntityResult
from scheduling.store import client as store
from scheduling.telemetry import telemetry
from tests.functional.conftest import ANNA, RunBeforeNext, new_session, one_time
from tests.support.api import handler, load_event
from tests.support.invariants import live_sessions

REQUEST_ID = load_event("create_session")["requestContext"]["requestId"]


class Context:
    """Lambda context of a function that Lambda stops after `seconds`."""

    function_name, function_version, aws_request_id = "stack-UpdateSession", "7", "8f0c"

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        """Return the time until Lambda stops the function."""
        return self._seconds * 1000


class Log(StringIO):
    """Stream that receives the lines of the request log."""

    def lines(self) -> list[dict[str, Any]]:
        """Return the lines that were written since the last call."""
        lines = [json.loads(line) for line in self.getvalue().splitlines()]
        self.truncate(0)
        self.seek(0)
        return lines


@pytest.fixture
def log(timeline: str, monkeypatch: pytest.MonkeyPatch) -> Log:
    """Record the request log."""
    stream = Log()
    monkeypatch.setattr(request_log.logger().registered_handler, "stream", stream)
    return stream


class Page(BytesIO):
    """Response body with the method `stream`, because botocore reads a body by this method."""

    def stream(self) -> Iterator[bytes]:
        """Yield the body."""
        yield self.read()


def test_a_502_from_a_proxy_between_the_function_and_dynamodb_causes_a_503(
    tables: Any, timeline: str
) -> None:
    """The proxy sends an HTML page, which contains no error code of DynamoDB."""
    events = store.client().meta.events

    def send_page(request: Any, **_: object) -> AWSResponse:
        return AWSResponse(request.url, 502, {"Content-Type": "text/html"}, Page(b"<html>Bad Gateway</html>"))

    events.register_first("before-send.dynamodb.GetItem", send_page)
    try:
        response = ANNA.call("get_timeline", id=timeline)
    finally:
        events.unregister("before-send.dynamodb.GetItem", send_page)
    assert (response.status, response.body["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert response.headers["Retry-After"] == "1"


def test_an_unexpected_error_causes_a_500_without_internal_details_and_a_log_line_with_its_traceback(
    tables: Any, timeline: str, run_before_next: RunBeforeNext, log: Log
) -> None:
    def fail() -> None:
        raise ZeroDivisionError("inside")

    run_before_next("TransactWriteItems", fail)
    answer = ANNA.call("create_session", body=one_time(timeline))
    assert answer.status == 500
    assert answer.body == {
        "statusCode": 500,
        "error": "Internal Server Error",
        "code": "INTERNAL_ERROR",
        "message": "Something went wrong on our side. Contact support and quote the requestId.",
        "details": [],
        "requestId": REQUEST_ID,
    }
    assert live_sessions(tables) == []
    (line,) = log.lines()
    assert (line["level"], line["status"], line["request_id"]) == ("ERROR", 500, REQUEST_ID)
    assert line["code"] == "INTERNAL_ERROR"
    assert "ZeroDivisionError" in line["exception"]
    assert line["ServerErrors"] == 1


def test_a_missing_setting_causes_a_500_and_the_log_names_the_setting(
    tables: Any, environment: pytest.MonkeyPatch, log: Log
) -> None:
    environment.delenv("TIMELINES_TABLE")
    assert ANNA.call("list_timelines").status == 500
    assert "MissingSetting: TIMELINES_TABLE" in log.lines()[-1]["exception"]


def test_a_request_writes_one_log_line_without_token_and_body(timeline: str, log: Log) -> None:
    name = 'forged"}\n{"level":"ERROR","message":"all is lost'
    headers = {"authorization": "Bearer eyJhbGciOi"}
    ANNA.call("create_session", body=one_time(timeline, name=name), headers=headers)
    ANNA.call("create_session", body=one_time(timeline, name=name), headers=headers)
    output = log.getvalue()
    created, refused = (json.loads(line) for line in output.splitlines())
    assert "eyJ" not in output
    assert "forged" not in output
    assert created["route"] == "POST /sessions"
    assert created["principal_id"] == "anna"
    assert (created["level"], created["status"]) == ("INFO", 200)
    assert (refused["level"], refused["status"], refused["code"], refused["Conflicts"]) == (
        *("INFO", 409, "SCHEDULING_CONFLICT", 1),
    )


def test_a_log_line_is_a_valid_metrics_document(timeline: str, log: Log) -> None:
    """In CloudWatch's embedded metric format, a dimension names a text field and a metric names a number field."""
    for _ in range(2):
        ANNA.call("create_session", body=one_time(timeline))
    counted = []
    for line in log.lines():
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "Sessions"
        assert directive["Dimensions"] == [["service"], ["service", "route"]]
        assert all(
            isinstance(line[name], str) for dimensions in directive["Dimensions"] for name in dimensions
        )
        counted.append({metric["Name"]: metric["Unit"] for metric in directive["Metrics"]})
        assert all(type(line[name]) in (int, float) for name in counted[-1])
        assert line["ConflictRetries"] == 0
    assert counted == [
        {"Latency": "Milliseconds"},
        {"Latency": "Milliseconds", "Conflicts": "Count"},
    ]


@pytest.mark.parametrize(
    ("error", "retries", "counts"),
    [
        (None, 3, {"ConflictRetries": 3}),
        (SchedulingConflict([]), 1, {"ConflictRetries": 1, "Conflicts": 1}),
        (RetriesExhausted(), 9, {"ConflictRetries": 9, "ConflictRetriesExhausted": 1, "ServerErrors": 1}),
        (Throttled("put_item"), 0, {"Throttles": 1, "ServerErrors": 1}),
        (ZeroDivisionError(), 0, {"ServerErrors": 1}),
    ],
)
def test_a_log_line_has_metrics_for_the_retries_conflicts_and_errors_of_the_request(
    error: Exception | None, retries: int, counts: dict[str, int], log: Log
) -> None:
    telemetry.reset()
    for _ in range(retries):
        telemetry.record_retry()
    status = 200 if error is None else error.status if isinstance(error, ApiError) else 500
    event, now = read_event({}), datetime.now(UTC)
    request_log.report(request_log.Outcome(event, None, None, None, status, 1.5, error, now))
    (line,) = log.lines()
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    names = [metric["Name"] for metric in directive["Metrics"]]
    assert {name: line[name] for name in names} == {"Latency": 1.5, **counts}


def test_only_the_first_request_of_a_function_instance_is_logged_as_a_cold_start(
    timeline: str, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telemetry, "requests", 0)
    for _ in range(3):
        ANNA.call("get_timeline", id=timeline)
    lines = log.lines()
    assert [line.get("ColdStart") for line in lines] == [1, None, None]
    assert {"Name": "ColdStart", "Unit": "Count"} in lines[0]["_aws"]["CloudWatchMetrics"][0]["Metrics"]


def test_a_log_line_names_the_function_the_session_and_the_timeline(timeline: str, log: Log) -> None:
    session = new_session(ANNA, timeline)
    log.lines()
    event = ANNA.event("update_session", session["id"], {"timelineId": timeline}, {}, {})
    handler("update_session")(event, Context(29))
    (line,) = log.lines()
    assert (line["function_name"], line["function_version"]) == ("stack-UpdateSession", "7")
    assert (line["request_id"], line["function_request_id"]) == (REQUEST_ID, "8f0c")
    assert (line["session_id"], line["timeline_id"]) == (session["id"], timeline)
    assert (line["dynamodb_calls"], line["dynamodb_retries"]) == (2, 0)
    assert 0 < line["dynamodb_slowest_milliseconds"] <= line["dynamodb_milliseconds"]
    assert line["dynamodb_slowest"] in ("get_item", "put_item")


def test_a_log_line_explains_a_failure_without_the_input_of_the_client(timeline: str, log: Log) -> None:
    ANNA.call("create_session", body={**one_time(timeline), "name": 1, "secret": 2, "type": "secret"})
    session = new_session(ANNA, timeline)
    ANNA.call("create_session", body=one_time(timeline))
    ANNA.call("get_session", id="a secret")
    output = log.getvalue()
    invalid, _, conflict, unknown = (json.loads(line) for line in output.splitlines())
    assert "secret" not in output
    assert (invalid["code"], invalid["faulty_fields"]) == ("VALIDATION_FAILED", ["name", "type", "unknown"])
    assert (conflict["code"], conflict["conflicting_sessions"]) == ("SCHEDULING_CONFLICT", [session["id"]])
    assert (unknown["code"], unknown["status"]) == ("NOT_FOUND", 404)


def test_the_deadline_of_a_request_is_at_least_8_seconds_before_the_function_times_out(
    timeline: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deadline is the earlier of two times.

    One time is 20 seconds after the start. The other time is 8 seconds before Lambda stops the function.
    """
    seconds: list[float] = []
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)

    @endpoint(dict)
    def record_deadline(request: Request) -> EntityResult:
        seconds.append(request.deadline - now)
        return EntityResult({"version": 1})

    for context in (None, Context(29), Context(15)):
        assert record_deadline(ANNA.event("list_timelines", "", None, {}, {}), context)["statusCode"] == 200
    assert seconds == [20, 20, 7]


@pytest.mark.parametrize(
    "new",
    [
        {"startDateTime": "2026-01-05T12:00:00Z", "endDateTime": "2026-01-05T13:00:00Z"},
        {
            "type": "RECURRING",
            "startDateTime": "2026-01-05T12:00:00Z",
            "endDateTime": "2026-01-05T13:00:00Z",
            "repeatCycleType": "DAILY",
        },
    ],
    ids=["new one-time session, stored series", "new series, stored one-time session"],
)
def test_a_request_at_the_deadline_gets_a_503_and_writes_nothing(
    tables: Any, timeline: str, new: dict[str, str]
) -> None:
    """The deadline is 8 seconds before Lambda stops the function.

    Here, Lambda stops the function 8 seconds after the start. So the deadline is the start.
    """
    other = {"type": "RECURRING", "repeatCycleType": "DAILY"} if "type" not in new else {}
    new_session(
        ANNA, timeline, startDateTime="2026-01-06T14:00:00Z", endDateTime="2026-01-06T15:00:00Z", **other
    )
    stored = live_sessions(tables)
    event = ANNA.event("create_session", "", one_time(timeline, **new), {}, {})
    response = handler("create_session")(event, Context(8))
    assert (response["statusCode"], response["headers"]["Retry-After"]) == (503, "1")
    assert json.loads(response["body"])["code"] == "SERVICE_UNAVAILABLE"
    assert live_sessions(tables) == stored
    assert handler("create_session")(event, None)["statusCode"] == 200


def test_the_first_request_with_a_time_zone_logs_the_version_of_the_time_zone_database(
    timeline: str, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telemetry, "named_time_zone_database", False)
    for day in ("05", "06"):
        new_session(
            ANNA,
            timeline,
            startDateTime=f"2026-01-{day}T12:00:00+01:00",
            endDateTime=f"2026-01-{day}T13:00:00+01:00",
            timeZone="Europe/Berlin",
        )
    first, second = log.lines()
    assert first["time_zone_database"] == database_version()
    assert "time_zone_database" not in second
