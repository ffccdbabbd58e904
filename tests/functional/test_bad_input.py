"""Invalid requests, which get a 4xx and write nothing."""

import base64
import json
from typing import Any, get_args

import pytest

from scheduling.errors import FaultCode
from tests.functional.conftest import ADMIN, ANNA, new_session, one_time
from tests.support.api import Caller, handler
from tests.support.invariants import scan_all


def invalid_fields(function: str, caller: Caller = ANNA, *, raw: Any = None, **call: Any) -> list[str]:
    """Call a function with invalid input; return the fields that the error names. `raw` replaces parts of the event."""
    if raw is None:
        answer = caller.call(function, **call)
        status, body = answer.status, answer.body
    else:
        event = caller.event(function, call.get("id", ""), None, {}, {}) | raw
        response = handler(function)(event, None)
        status, body = response["statusCode"], json.loads(response["body"])
    assert (status, body["error"], body["code"]) == (400, "Bad Request", "VALIDATION_FAILED")
    assert set(body) == {"statusCode", "error", "code", "message", "details", "requestId"}
    assert all(set(detail) == {"field", "code", "message"} for detail in body["details"])
    assert all(detail["message"].endswith(".") for detail in body["details"])
    assert all(detail["code"] in get_args(FaultCode) for detail in body["details"])
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
        {"body": "[" * 60_000},
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
    before = scan_all(tables)
    assert invalid_fields(function, raw=raw or {"headers": {}}, id=timeline) == ["body"]
    assert scan_all(tables) == before


def test_a_body_in_base64_is_decoded(timeline: str) -> None:
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
def test_a_400_names_every_invalid_field_of_a_session(
    tables: Any, timeline: str, change: dict[str, Any], fields: list[str]
) -> None:
    before = scan_all(tables)
    assert invalid_fields("create_session", body=one_time(timeline) | change) == fields
    assert scan_all(tables) == before


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        ({"color": "red"}, "UNKNOWN_FIELD", "Is not a known field. Check the spelling."),
        ({"type": "DAILY"}, "UNKNOWN_VALUE", "Must be 'ONE_TIME' or 'RECURRING'."),
        ({"name": 5}, "WRONG_TYPE", "Must be a string."),
        ({"name": " "}, "TOO_SHORT", "Must not be empty."),
        ({"name": "x" * 201}, "TOO_LONG", "Must have at most 200 characters."),
        ({"description": "x" * 4001}, "TOO_LONG", "Must have at most 4,000 characters."),
        ({"description": "\ud800"}, "INVALID_FORMAT", "Must be valid Unicode text."),
        ({"timelineId": "a b"}, "INVALID_FORMAT", "Must match the pattern ^[0-9A-Za-z-]{1,64}$."),
        ({"startDateTime": "2023-02-30T09:00:00Z"}, "INVALID_DATE_TIME", "Must be a date that exists."),
        ({"startDateTime": "tomorrow"}, "INVALID_DATE_TIME", None),
        ({"startDateTime": "2023-12-01"}, "MISSING_OFFSET", None),
        ({"startDateTime": "2023-12-01T09:00"}, "MISSING_OFFSET", None),
        ({"startDateTime": "2023-12-01T09:00:00.000"}, "MISSING_OFFSET", None),
    ],
    ids=lambda value: json.dumps(value)[:40],
)
def test_each_fault_of_a_body_has_a_code_and_a_message(
    timeline: str, change: dict[str, Any], code: str, text: str | None
) -> None:
    (fault,) = ANNA.call("create_session", body=one_time(timeline) | {"endDateTime": None} | change).body[
        "details"
    ]
    assert fault["code"] == code
    assert text is None or fault["message"] == text
    assert ("new Date(value).toISOString()" in fault["message"]) == (code == "MISSING_OFFSET")


@pytest.mark.parametrize(
    ("query", "code", "text"),
    [
        ("skip=x", "WRONG_TYPE", "Must be a whole number."),
        ("skip=-1", "WRONG_TYPE", "Must be a whole number."),
        ("take=0", "TOO_SMALL", "Must be at least 1."),
        ("take=101", "TOO_LARGE", "Must be at most 100."),
        ("skip=1&skip=2", "DUPLICATE", "Must be given only once."),
        ("etags=yes", "WRONG_TYPE", "Must be true or false."),
    ],
)
def test_each_fault_of_a_query_has_a_code_and_a_message(
    tables: Any, query: str, code: str, text: str
) -> None:
    event = ANNA.event("list_sessions", "", None, {}, {}) | {"rawQueryString": query}
    (fault,) = json.loads(handler("list_sessions")(event, None)["body"])["details"]
    assert (fault["code"], fault["message"]) == (code, text)


def test_a_body_over_64_kilobytes_gets_a_413(tables: Any, timeline: str) -> None:
    before = scan_all(tables)
    padded = json.dumps(one_time(timeline)).ljust(64 * 1024)
    for raw in (
        {"body": padded + " "},
        {"body": "[" * 500_000},
        {"body": json.dumps({"description": "ä" * 40_000}, ensure_ascii=False)},
        {"body": base64.b64encode((padded + " ").encode()).decode(), "isBase64Encoded": True},
        {"body": "!" * 500_000, "isBase64Encoded": True},
    ):
        event = ANNA.event("create_session", "", None, {}, {}) | raw
        response = handler("create_session")(event, None)
        assert response["statusCode"] == 413
        assert json.loads(response["body"])["code"] == "PAYLOAD_TOO_LARGE"
    assert scan_all(tables) == before
    for raw in (
        {"body": padded},
        {"body": base64.b64encode(padded.encode()).decode(), "isBase64Encoded": True},
    ):
        event = ANNA.event("create_session", "", None, {}, {}) | raw
        assert handler("create_session")(event, None)["statusCode"] in (200, 409)


def test_an_answer_lists_at_most_100_faults(tables: Any) -> None:
    answer = ANNA.call("create_session", body={f"{number}": 1 for number in range(5_000)})
    assert (answer.status, len(answer.body["details"]), answer.body["hasMore"]) == (400, 100, True)
    event = ANNA.event("list_sessions", "", None, {}, {}) | {
        "rawQueryString": "&".join(f"a{number}=1" for number in range(1_000))
    }
    body = json.loads(handler("list_sessions")(event, None)["body"])
    assert (len(body["details"]), body["hasMore"]) == (100, True)
    event |= {"rawQueryString": "&".join("a=1" for number in range(100_000))}
    response = handler("list_sessions")(event, None)
    assert len(response["body"]) < 1_000
    assert json.loads(response["body"])["details"][0]["code"] == "TOO_LONG"


def test_a_field_name_with_a_lone_surrogate_gets_a_400(timeline: str) -> None:
    answer = ANNA.call("create_session", body=one_time(timeline) | {"\ud800": 1})
    (fault,) = answer.body["details"]
    assert (fault["field"], fault["code"]) == ("body", "INVALID_FORMAT")


MALFORMED_EVENTS: list[Any] = [
    None,
    [],
    "event",
    7,
    {},
    {"requestContext": None},
    {"requestContext": []},
    {"headers": None, "requestContext": {"authorizer": "x", "http": None}},
    {"headers": {"authorization": 7, "x": None}},
    {"headers": ["authorization"], "pathParameters": [], "rawQueryString": 7, "body": {}, "rawPath": None},
]


@pytest.mark.parametrize("function", ["create_session", "get_session", "list_sessions", "delete_timeline"])
@pytest.mark.parametrize("event", MALFORMED_EVENTS, ids=str)
def test_a_malformed_event_gets_a_401(tables: Any, function: str, event: Any) -> None:
    response = handler(function)(event, None)
    assert response["statusCode"] == 401
    assert json.loads(response["body"])["code"] == "UNAUTHORIZED"


@pytest.mark.parametrize(
    "parts",
    [
        {"rawPath": None, "rawQueryString": None, "headers": None, "pathParameters": None},
        {"body": 7},
        {"body": "\ud800"},
        {"isBase64Encoded": "yes"},
        {"pathParameters": {"sessionId": None}},
        {"routeKey": 7, "version": None},
    ],
    ids=str,
)
@pytest.mark.parametrize("function", ["create_session", "get_session", "list_sessions", "update_timeline"])
def test_an_event_with_malformed_parts_never_gets_a_500(
    timeline: str, function: str, parts: dict[str, Any]
) -> None:
    event = ANNA.event(function, timeline, None, {}, {}) | parts
    assert handler(function)(event, None)["statusCode"] in (200, 400, 404)


def test_the_response_to_a_post_event_without_a_path_has_a_location_header(timeline: str) -> None:
    event = ANNA.event("create_session", "", one_time(timeline), {}, {})
    del event["rawPath"]
    response = handler("create_session")(event, None)
    id = json.loads(response["body"])["data"]["id"]
    assert response["headers"]["Location"] == f"/sessions/{id}"


def test_the_request_id_of_an_error_is_the_same_in_header_and_body(timeline: str) -> None:
    answer = ANNA.call("get_session", id="unknown")
    assert answer.headers["X-Request-Id"] == answer.body["requestId"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("field", ["type", "timelineId", "name"])
def test_a_400_names_a_missing_required_field(timeline: str, field: str) -> None:
    body = one_time(timeline)
    del body[field]
    assert invalid_fields("create_session", body=body) == [field]


def test_a_400_names_all_missing_fields(tables: Any) -> None:
    assert invalid_fields("create_session", body={}) == ["type", "timelineId", "name"]
    assert invalid_fields("create_timeline", body={"nam": "x", "description": 1}) == [
        "name",
        "description",
        "nam",
    ]


def test_a_400_never_contains_the_invalid_value(timeline: str) -> None:
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
def test_a_400_names_every_invalid_query_parameter(tables: Any, query: str, fields: list[str]) -> None:
    assert invalid_fields("list_sessions", raw={"rawQueryString": query}) == fields


@pytest.mark.parametrize("function", ["get_session", "delete_session", "get_timeline", "delete_timeline"])
def test_an_endpoint_without_query_parameters_rejects_a_query_parameter(timeline: str, function: str) -> None:
    assert invalid_fields(function, id=timeline, query={"verbose": "true"}) == ["verbose"]


def test_a_huge_skip_returns_an_empty_page(timeline: str) -> None:
    new_session(ANNA, timeline)
    answer = ANNA.call("list_sessions", query={"skip": "9" * 18})
    assert (answer.data, answer.count) == ([], 1)


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "ä", "a\n"])
def test_an_idempotency_key_must_have_1_to_255_visible_ascii_characters(
    tables: Any, timeline: str, key: str
) -> None:
    before = scan_all(tables)
    headers = {"idempotency-key": key}
    assert invalid_fields("create_session", body=one_time(timeline), headers=headers) == ["Idempotency-Key"]
    assert scan_all(tables) == before


def test_if_several_errors_apply_400_precedes_404_then_403_then_409(timeline: str) -> None:
    session = new_session(ANNA, timeline)
    stranger = Caller("eve")
    assert stranger.call("update_session", id="unknown", body={"name": 1}).status == 400
    assert stranger.call("update_session", id="unknown", body={"name": "x"}).status == 404
    assert stranger.call("update_session", id=session["id"], body={"name": "x"}).status == 403
    assert stranger.call("create_session", body=one_time(timeline)).status == 403
    assert ADMIN.call("create_session", body=one_time(timeline)).status == 409
