"""What is wrong is refused with every fault named, and nothing is written."""

import base64
import json
from typing import Any

import pytest

from tests.functional.conftest import ADMIN, ANNA, new_session, one_time
from tests.support.api import Caller, handler
from tests.support.invariants import scan

TABLES = ("SessionsTable", "TimelinesTable", "CalendarTable", "IdempotencyTable")


def everything(tables: Any) -> list[Any]:
    """All that is stored."""
    return [scan(tables, table) for table in TABLES]


def refused(function: str, caller: Caller = ANNA, *, raw: Any = None, **call: Any) -> list[str]:
    """The fields that a 400 names. `raw` is the body as it arrives, instead of JSON."""
    if raw is None:
        answer = caller.call(function, **call)
        status, body = answer.status, answer.body
    else:
        event = caller.event(function, call.get("id", ""), None, {}, {}) | raw
        response = handler(function)(event, None)
        status, body = response["statusCode"], json.loads(response["body"])
    assert (status, body["error"], body["code"]) == (400, "Bad Request", "VALIDATION_FAILED")
    assert set(body) == {"statusCode", "error", "code", "message", "details", "requestId"}
    assert all(detail["message"].endswith(".") for detail in body["details"])
    return [detail["field"] for detail in body["details"]]


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"body": None},
        {"body": ""},
        {"body": "{"},
        {"body": "[]"},
        {"body": '"text"'},
        {"body": "null"},
        {"body": "17"},
        {"body": "NaN"},
        {"body": '{"name": NaN}'},
        {"body": '{"name": "x", "description": -Infinity}'},
        {"body": "[" * 100_000},
        {"body": "1" * 5000},
        {"body": "not base64!", "isBase64Encoded": True},
        {"body": base64.b64encode(b"\xff\xfe").decode(), "isBase64Encoded": True},
    ],
    ids=lambda raw: json.dumps(raw)[:40],
)
@pytest.mark.parametrize(
    "function", ["create_session", "update_session", "create_timeline", "update_timeline"]
)
def test_a_body_must_be_a_json_object(tables: Any, timeline: str, function: str, raw: dict[str, Any]) -> None:
    before = everything(tables)
    assert refused(function, raw=raw or {"headers": {}}, id=timeline) == ["body"]
    assert everything(tables) == before


def test_a_base64_body_is_read(timeline: str) -> None:
    body = base64.b64encode(json.dumps(one_time(timeline)).encode()).decode()
    event = ANNA.event("create_session", "", None, {}, {}) | {"body": body, "isBase64Encoded": True}
    assert handler("create_session")(event, None)["statusCode"] == 200


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"type": None}, ["type"]),
        ({"type": "DAILY"}, ["type"]),
        ({"type": "one_time"}, ["type"]),
        ({"type": 1}, ["type"]),
        ({"name": None}, ["name"]),
        ({"name": ""}, ["name"]),
        ({"name": " \t\n"}, ["name"]),
        ({"name": "x" * 201}, ["name"]),
        ({"name": 5}, ["name"]),
        ({"name": ["x"]}, ["name"]),
        ({"name": "\ud800"}, ["name"]),
        ({"description": "x" * 4001}, ["description"]),
        ({"description": 1.5}, ["description"]),
        ({"timelineId": ""}, ["timelineId"]),
        ({"timelineId": "x" * 65}, ["timelineId"]),
        ({"timelineId": "COUNTS#1"}, ["timelineId"]),
        ({"timelineId": "a b"}, ["timelineId"]),
        ({"timelineId": "a\n"}, ["timelineId"]),
        ({"startDateTime": "2023-12-01"}, ["startDateTime"]),
        ({"startDateTime": "2023-12-01T09:00:00"}, ["startDateTime"]),
        ({"startDateTime": "2023-12-01 09:00:00Z"}, ["startDateTime"]),
        ({"startDateTime": "2023-12-01T24:00:00Z"}, ["startDateTime"]),
        ({"startDateTime": "2023-02-30T09:00:00Z"}, ["startDateTime"]),
        ({"startDateTime": "2023-12-01T09:00:00.1234567Z"}, ["startDateTime"]),
        ({"startDateTime": "0000-12-01T09:00:00Z"}, ["startDateTime"]),
        ({"startDateTime": "0001-01-01T00:00:00+00:01"}, ["startDateTime"]),
        ({"startDateTime": 1701421200}, ["startDateTime"]),
        ({"startDateTime": "\u0662023-12-01T09:00:00Z"}, ["startDateTime"]),
        ({"endDateTime": "9999-12-31T23:59:59-00:01"}, ["endDateTime"]),
        ({"endDateTime": "9999-12-31T23:59:59-23:59"}, ["endDateTime"]),
        ({"endDateTime": "2023-12-15T14:00:00Z"}, ["endDateTime"]),
        ({"endDateTime": "2023-12-15T23:00:00+09:00"}, ["endDateTime"]),
        ({"startDateTime": None}, ["startDateTime"]),
        ({"repeatCycleType": "DAILY"}, ["repeatCycleType"]),
        ({"repeatCycleType": "HOURLY", "type": "RECURRING"}, ["repeatCycleType"]),
        ({"recurringDayOfWeek": "FRIDAY"}, ["recurringDayOfWeek"]),
        ({"recurringDayOfWeek": "FRIDAY", "type": "RECURRING"}, ["recurringDayOfWeek"]),
        (
            {"recurringDayOfWeek": "FUNDAY", "repeatCycleType": "WEEKLY", "type": "RECURRING"},
            ["recurringDayOfWeek"],
        ),
        (
            {"type": "RECURRING", "repeatCycleType": "DAILY", "endDateTime": "2023-12-16T14:00:01Z"},
            ["endDateTime"],
        ),
        ({"ownerId": "bert"}, ["ownerId"]),
        ({"version": 7}, ["version"]),
        ({"startKey": "~"}, ["startKey"]),
        ({"__proto__": {}}, ["__proto__"]),
        (
            {"type": "DAILY", "name": " ", "colour": "red", "endDateTime": "2023-12-01T00:00:00Z"},
            ["type", "name", "colour", "endDateTime"],
        ),
    ],
    ids=lambda value: json.dumps(value)[:60],
)
def test_every_fault_of_a_session_is_named(
    tables: Any, timeline: str, change: dict[str, Any], fields: list[str]
) -> None:
    before = everything(tables)
    assert refused("create_session", body=one_time(timeline) | change) == fields
    assert everything(tables) == before


@pytest.mark.parametrize("field", ["type", "timelineId", "name"])
def test_what_a_session_needs_cannot_be_left_out(timeline: str, field: str) -> None:
    body = one_time(timeline)
    del body[field]
    assert refused("create_session", body=body) == [field]


def test_all_that_is_missing_is_named_at_once(tables: Any) -> None:
    assert refused("create_session", body={}) == ["type", "timelineId", "name"]
    assert refused("create_timeline", body={"nam": "x", "description": 1}) == ["name", "description", "nam"]


def test_no_value_is_echoed(timeline: str) -> None:
    answer = ANNA.call("create_session", body=one_time(timeline, name="secret" * 50, startDateTime="secret"))
    assert "secret" not in json.dumps(answer.body)


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("skip=-1", ["skip"]),
        ("skip=1.5", ["skip"]),
        ("skip=", ["skip"]),
        ("skip=1&skip=2", ["skip"]),
        ("skip=" + "9" * 5000, ["skip"]),
        ("skip=%D9%A1", ["skip"]),
        ("take=0", ["take"]),
        ("take=101", ["take"]),
        ("take=ten", ["take"]),
        ("take=99999999999999999999", ["take"]),
        ("startDateTimeSortOrder=asc", ["startDateTimeSortOrder"]),
        ("startDateTimeSortOrder=", ["startDateTimeSortOrder"]),
        ("timelineId=", ["timelineId"]),
        ("timelineId=a%23b", ["timelineId"]),
        ("startDateTimeFrom=2023-12-01", ["startDateTimeFrom"]),
        ("startDateTimeTo=tomorrow", ["startDateTimeTo"]),
        ("page=2", ["page"]),
        ("take=0&skip=x&page=2", ["skip", "take", "page"]),
    ],
    ids=lambda value: str(value)[:60],
)
def test_every_fault_of_a_query_is_named(tables: Any, query: str, fields: list[str]) -> None:
    assert refused("list_sessions", raw={"rawQueryString": query}) == fields


@pytest.mark.parametrize("function", ["get_session", "delete_session", "get_timeline", "delete_timeline"])
def test_what_takes_no_query_refuses_one(timeline: str, function: str) -> None:
    assert refused(function, id=timeline, query={"verbose": "true"}) == ["verbose"]


def test_a_huge_skip_is_an_empty_page(timeline: str) -> None:
    new_session(ANNA, timeline)
    answer = ANNA.call("list_sessions", query={"skip": "9" * 18})
    assert (answer.data, answer.count) == ([], 1)


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "ä", "a\n"])
def test_an_idempotency_key_is_visible_ascii(tables: Any, timeline: str, key: str) -> None:
    before = everything(tables)
    headers = {"idempotency-key": key}
    assert refused("create_session", body=one_time(timeline), headers=headers) == ["Idempotency-Key"]
    assert everything(tables) == before


def test_the_order_of_checks_is_input_existence_permission_conflict(timeline: str) -> None:
    session = new_session(ANNA, timeline)
    stranger = Caller("eve")
    assert stranger.call("update_session", id="unknown", body={"name": 1}).status == 400
    assert stranger.call("update_session", id="unknown", body={"name": "x"}).status == 404
    assert stranger.call("update_session", id=session["id"], body={"name": "x"}).status == 403
    assert stranger.call("create_session", body=one_time(timeline)).status == 403
    assert ADMIN.call("create_session", body=one_time(timeline)).status == 409
