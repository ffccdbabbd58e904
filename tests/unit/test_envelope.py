"""The bodies of success and of every failure."""

from http import HTTPStatus

import pytest

from scheduling import errors
from scheduling.errors import ApiError, BadRequest, Fault, SchedulingConflict, Unauthorized
from scheduling.http.envelope import etag, failure, success

CLASH = {"sessionId": "a", "name": "Yoga", "startDateTime": "2023-12-01T09:00:00Z", "endDateTime": None}
FAILURES: list[tuple[ApiError, int, str]] = [
    (BadRequest(Fault("name", "Is too long.")), 400, "VALIDATION_FAILED"),
    (errors.InvalidTimeline(), 400, "INVALID_TIMELINE"),
    (Unauthorized(), 401, "UNAUTHORIZED"),
    (errors.Forbidden(), 403, "FORBIDDEN"),
    (errors.NotFound(), 404, "NOT_FOUND"),
    (SchedulingConflict([CLASH]), 409, "SCHEDULING_CONFLICT"),
    (errors.TimelineNotEmpty(), 409, "TIMELINE_NOT_EMPTY"),
    (errors.PreconditionFailed(), 412, "PRECONDITION_FAILED"),
    (errors.IdempotencyKeyReused(), 422, "IDEMPOTENCY_KEY_REUSED"),
    (errors.InternalError(), 500, "INTERNAL_ERROR"),
    (errors.ServiceUnavailable(), 503, "SERVICE_UNAVAILABLE"),
    (errors.Throttled(), 503, "SERVICE_UNAVAILABLE"),
    (errors.RetriesExhausted(), 503, "SERVICE_UNAVAILABLE"),
]


def test_one_thing_is_a_page_of_one() -> None:
    assert success({"id": "a"}) == {
        "data": {"id": "a"},
        "meta": {"message": "success", "meta": {"skip": 0, "take": 1, "count": 1}},
    }


def test_a_list_says_which_part_of_how_many_it_is() -> None:
    assert success([], skip=20, take=10, count=12)["meta"]["meta"] == {"skip": 20, "take": 10, "count": 12}


@pytest.mark.parametrize(("error", "status", "code"), FAILURES, ids=lambda part: type(part).__name__)
def test_every_failure_has_the_one_shape(error: ApiError, status: int, code: str) -> None:
    body = failure(error, "request-1")
    assert list(body) == ["statusCode", "error", "code", "message", "details", "requestId"]
    assert (body["statusCode"], body["code"], body["requestId"]) == (status, code, "request-1")
    assert body["error"] in (HTTPStatus(status).phrase, "Unprocessable Content")
    assert body["message"].endswith(".")


def test_no_kind_of_failure_is_left_out_here() -> None:
    def kinds(kind: type[ApiError]) -> set[type[ApiError]]:
        return {kind}.union(*map(kinds, kind.__subclasses__()))

    assert {type(error) for error, _, _ in FAILURES} == kinds(ApiError) - {ApiError}


def test_a_fault_names_its_field() -> None:
    error = BadRequest(Fault("name", "Is too long."), Fault("type", "Is needed."))
    assert failure(error, "")["details"] == [
        {"field": "name", "message": "Is too long."},
        {"field": "type", "message": "Is needed."},
    ]


def test_a_conflict_tells_what_is_in_the_way() -> None:
    assert failure(SchedulingConflict([CLASH]), "")["details"] == [CLASH]


def test_a_token_that_does_not_hold_is_challenged_with_the_code_of_rfc_6750() -> None:
    expected = {"WWW-Authenticate": 'Bearer realm="sessions", error="invalid_token"'}
    assert Unauthorized("invalid_token").headers == expected


def test_who_finds_the_service_busy_is_told_when_to_come_again() -> None:
    assert errors.RetriesExhausted().headers == {"Retry-After": "1"}
    assert errors.NotFound().headers == {}


def test_an_entity_tag_is_strong_and_moves_with_the_version() -> None:
    assert etag({"version": 1}) == '"1"'
    assert etag({"version": 2}) == '"2"'
