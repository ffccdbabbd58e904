"""Bodies of successful responses and of all failures, headers of failures, and entity tags."""

from http import HTTPStatus

import pytest

from scheduling import errors
from scheduling.errors import ApiError, BadRequest, Fault, SchedulingConflict, Unauthorized
from scheduling.http.envelope import etag, failure, success

CONFLICT = {"sessionId": "a", "name": "Yoga", "startDateTime": "2023-12-01T09:00:00Z", "endDateTime": None}
FAILURES: list[tuple[ApiError, int, str]] = [
    (BadRequest(Fault("name", "Is too long.")), 400, "VALIDATION_FAILED"),
    (errors.InvalidTimeline(), 400, "INVALID_TIMELINE"),
    (Unauthorized(), 401, "UNAUTHORIZED"),
    (errors.InvalidSubject(), 401, "UNAUTHORIZED"),
    (errors.Forbidden(), 403, "FORBIDDEN"),
    (errors.NotFound(), 404, "NOT_FOUND"),
    (SchedulingConflict([CONFLICT]), 409, "SCHEDULING_CONFLICT"),
    (errors.TimelineNotEmpty(), 409, "TIMELINE_NOT_EMPTY"),
    (errors.NoOccurrence(), 404, "NOT_FOUND"),
    (errors.LastOccurrence(), 409, "LAST_OCCURRENCE"),
    (errors.FirstOccurrence(), 409, "FIRST_OCCURRENCE"),
    (errors.TooManyExcludedDates(), 409, "TOO_MANY_EXCLUDED_DATES"),
    (errors.PreconditionFailed(), 412, "PRECONDITION_FAILED"),
    (errors.PayloadTooLarge(), 413, "PAYLOAD_TOO_LARGE"),
    (errors.IdempotencyKeyReused(), 422, "IDEMPOTENCY_KEY_REUSED"),
    (errors.InternalError(), 500, "INTERNAL_ERROR"),
    (errors.ServiceUnavailable(), 503, "SERVICE_UNAVAILABLE"),
    (errors.Throttled(), 503, "SERVICE_UNAVAILABLE"),
    (errors.RetriesExhausted(), 503, "SERVICE_UNAVAILABLE"),
    (errors.DecisionTooLong(), 503, "SERVICE_UNAVAILABLE"),
]


def test_a_single_entity_has_the_meta_of_a_page_with_one_item() -> None:
    assert success({"id": "a"}) == {
        "data": {"id": "a"},
        "meta": {"message": "success", "meta": {"skip": 0, "take": 1, "count": 1}},
    }


def test_a_list_has_skip_take_and_count() -> None:
    assert success([], skip=20, take=10, count=12)["meta"]["meta"] == {"skip": 20, "take": 10, "count": 12}


@pytest.mark.parametrize(("error", "status", "code"), FAILURES, ids=lambda part: type(part).__name__)
def test_every_failure_has_the_same_fields(error: ApiError, status: int, code: str) -> None:
    body = failure(error, "request-1")
    assert list(body) == ["statusCode", "error", "code", "message", "details", "requestId"]
    assert (body["statusCode"], body["code"], body["requestId"]) == (status, code, "request-1")
    assert body["error"] in (HTTPStatus(status).phrase, "Content Too Large", "Unprocessable Content")
    assert body["message"].endswith(".")


def test_every_error_class_is_tested_here() -> None:
    def subclasses(kind: type[ApiError]) -> set[type[ApiError]]:
        return {kind}.union(*map(subclasses, kind.__subclasses__()))

    assert {type(error) for error, _, _ in FAILURES} == subclasses(ApiError) - {ApiError}


def test_a_fault_names_its_field_and_its_reason() -> None:
    error = BadRequest(Fault("name", "Is too long.", "TOO_LONG"), Fault("type", "Is needed."))
    assert failure(error, "")["details"] == [
        {"field": "name", "code": "TOO_LONG", "message": "Is too long."},
        {"field": "type", "code": "INVALID_VALUE", "message": "Is needed."},
    ]


def test_a_failure_lists_100_faults_and_sets_has_more_if_there_are_more() -> None:
    body = failure(BadRequest(*(Fault(str(number), "Is unknown.") for number in range(101))), "")
    assert [fault["field"] for fault in body["details"]] == [str(number) for number in range(100)]
    assert body["hasMore"] is True
    assert "hasMore" not in failure(BadRequest(*[Fault("a", "Is unknown.")] * 100), "")


def test_a_long_field_name_is_shortened_and_an_invalid_character_is_replaced() -> None:
    body = failure(BadRequest(Fault("x" * 60_000, "Is unknown."), Fault("\ud800", "Is unknown.")), "")
    assert [fault["field"] for fault in body["details"]] == ["x" * 100, "?"]


def test_a_conflict_lists_its_sessions_and_sets_has_more_if_there_are_more() -> None:
    assert failure(SchedulingConflict([CONFLICT]), "")["details"] == [CONFLICT]
    assert "hasMore" not in failure(SchedulingConflict([CONFLICT]), "")
    assert failure(SchedulingConflict([CONFLICT], has_more=True), "")["hasMore"] is True


def test_an_invalid_token_gets_the_error_code_of_rfc_6750() -> None:
    expected = {"WWW-Authenticate": 'Bearer realm="sessions", error="invalid_token"'}
    assert Unauthorized("invalid_token").headers == expected


def test_a_503_has_a_retry_after_header() -> None:
    assert errors.RetriesExhausted().headers == {"Retry-After": "1"}
    assert errors.NotFound().headers == {}


def test_the_meta_of_a_list_contains_the_given_entity_tags() -> None:
    page = success([{"id": "a"}, {"id": "b"}], 0, 10, 2, ['"1"', '"7"'])["meta"]["meta"]
    assert page == {"skip": 0, "take": 10, "count": 2, "etags": ['"1"', '"7"']}


def test_an_entity_tag_is_strong_and_contains_the_version() -> None:
    assert etag({"version": 1}) == '"1"'
    assert etag({"version": 2}) == '"2"'
