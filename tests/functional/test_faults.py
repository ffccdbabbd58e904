"""Faults of ours: a 500 that says nothing, a log line that says what is needed, and nothing half written."""

import json
from io import StringIO
from itertools import count
from typing import Any

import pytest

from scheduling import log
from scheduling.errors import ApiError, RetriesExhausted, SchedulingConflict, Throttled
from scheduling.store import schedule
from tests.functional.conftest import ANNA, one_time
from tests.support.invariants import live
from tests.support.template import ROOT

REQUEST_ID = json.loads((ROOT / "events" / "create_session.json").read_text("utf-8"))["requestContext"][
    "requestId"
]


class Log(StringIO):
    """What was logged."""

    def lines(self) -> list[dict[str, Any]]:
        """The lines since the last look."""
        lines = [json.loads(line) for line in self.getvalue().splitlines()]
        self.truncate(0)
        self.seek(0)
        return lines


@pytest.fixture
def logged(timeline: str, monkeypatch: pytest.MonkeyPatch) -> Log:
    """What is logged from here on."""
    stream = Log()
    monkeypatch.setattr(log._logger().registered_handler, "stream", stream)
    return stream


def test_an_unexpected_error_is_a_500_that_leaks_nothing_and_is_logged_with_its_trace(
    tables: Any, timeline: str, monkeypatch: pytest.MonkeyPatch, logged: Log
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("inside")

    monkeypatch.setattr(schedule, "write", broken)
    answer = ANNA.call("create_session", body=one_time(timeline))
    assert answer.status == 500
    assert answer.body == {
        "statusCode": 500,
        "error": "Internal Server Error",
        "code": "INTERNAL_ERROR",
        "message": "Something went wrong on our side. Tell us the requestId.",
        "details": [],
        "requestId": REQUEST_ID,
    }
    assert live(tables) == []
    (line,) = logged.lines()
    assert (line["level"], line["status"], line["request_id"]) == ("ERROR", 500, REQUEST_ID)
    assert "ZeroDivisionError" in line["exception"]
    assert line["ServerErrors"] == 1


def test_a_missing_setting_is_a_500_and_its_name_is_logged(
    tables: Any, environment: pytest.MonkeyPatch, logged: Log
) -> None:
    environment.delenv("TIMELINES_TABLE")
    assert ANNA.call("list_timelines").status == 500
    assert "MissingSetting: TIMELINES_TABLE" in logged.lines()[-1]["exception"]


def test_a_request_is_one_line_with_what_an_operator_needs_and_no_token_or_body(
    timeline: str, logged: Log
) -> None:
    name = 'forged"}\n{"level":"ERROR","message":"all is lost'
    headers = {"authorization": "Bearer eyJhbGciOi"}
    ANNA.call("create_session", body=one_time(timeline, name=name), headers=headers)
    ANNA.call("create_session", body=one_time(timeline, name=name), headers=headers)
    output = logged.getvalue()
    created, refused = (json.loads(line) for line in output.splitlines())
    assert "eyJ" not in output
    assert "forged" not in output
    assert created["route"] == "POST /sessions"
    assert created["principal_id"] == "anna"
    assert (created["level"], created["status"]) == ("INFO", 200)
    assert (refused["level"], refused["status"], refused["code"], refused["Conflicts"]) == (
        *("INFO", 409, "SCHEDULING_CONFLICT", 1),
    )


def test_the_line_is_also_a_metric(timeline: str, logged: Log) -> None:
    """CloudWatch's embedded metric format: what the directive names must be there, metrics as numbers."""
    for _ in range(2):
        ANNA.call("create_session", body=one_time(timeline))
    counted = []
    for line in logged.lines():
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
def test_what_happened_is_counted(
    error: Exception | None, retries: int, counts: dict[str, int], logged: Log
) -> None:
    status = 200 if error is None else error.status if isinstance(error, ApiError) else 500
    log.report(log.Outcome("id", "GET /", "anna", status, 1.5, retries, error, 0))
    (line,) = logged.lines()
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    names = [metric["Name"] for metric in directive["Metrics"]]
    assert {name: line[name] for name in names} == {"Latency": 1.5, **counts}


def test_only_the_first_request_of_a_function_is_a_cold_start(
    timeline: str, logged: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "_requests", count())
    for _ in range(3):
        ANNA.call("get_timeline", id=timeline)
    assert [line["cold_start"] for line in logged.lines()] == [True, False, False]
