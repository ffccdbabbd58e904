"""Repeated and concurrent requests: Idempotency-Key, ETag, If-Match, If-None-Match."""

from typing import Any

import pytest

from tests.functional.conftest import ADMIN, ANNA, BERT, RunBeforeNext, new_session, one_time
from tests.support.api import Caller, new_timeline
from tests.support.invariants import breaches, live_sessions, scan

KEY = {"Idempotency-Key": "8c6b1c3e"}


def test_a_repeated_request_with_an_idempotency_key_gets_the_first_response(
    tables: Any, timeline: str
) -> None:
    first = ANNA.call("create_session", body=one_time(timeline), headers=KEY)
    again = ANNA.call("create_session", body=one_time(timeline), headers=KEY)
    assert again.body == first.body
    assert again.headers == first.headers | {"Idempotency-Replayed": "true"}
    assert len(live_sessions(tables)) == 1


def test_three_posts_with_one_idempotency_key_create_one_timeline(tables: Any) -> None:
    answers = [ANNA.call("create_timeline", body={"name": "x"}, headers=KEY) for _ in range(3)]
    assert len({answer.data["id"] for answer in answers}) == 1
    assert ANNA.call("list_timelines").count == 1


def test_an_idempotency_key_is_valid_for_one_principal_and_one_route(timeline: str) -> None:
    assert ANNA.call("create_session", body=one_time(timeline), headers=KEY).status == 200
    other = ANNA.call("create_timeline", body={"name": "x"}, headers=KEY)
    assert "Idempotency-Replayed" not in other.headers
    mine = BERT.call("create_session", body=one_time(new_timeline(BERT)), headers=KEY)
    assert "Idempotency-Replayed" not in mine.headers


def test_an_idempotency_key_reused_with_another_body_gets_a_422(tables: Any, timeline: str) -> None:
    ANNA.call("create_session", body=one_time(timeline), headers=KEY)
    answer = ANNA.call("create_session", body=one_time(timeline, name="Other"), headers=KEY)
    assert (answer.status, answer.body["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert len(live_sessions(tables)) == 1


def test_a_failed_request_stores_no_idempotency_key_and_a_retry_with_the_same_key_can_succeed(
    tables: Any, timeline: str
) -> None:
    blocking = new_session(ANNA, timeline)
    assert ANNA.call("create_session", body=one_time(timeline), headers=KEY).status == 409
    assert scan(tables, "IdempotencyTable") == []
    ANNA.call("delete_session", id=blocking["id"])
    assert ANNA.call("create_session", body=one_time(timeline), headers=KEY).status == 200


def test_an_expired_idempotency_record_is_ignored(tables: Any, timeline: str) -> None:
    """DynamoDB may delete an expired record several days late. So the API checks `expiresAt` itself."""
    session = ANNA.call("create_session", body=one_time(timeline), headers=KEY).data
    (record,) = scan(tables, "IdempotencyTable")
    tables.update_item(
        TableName="IdempotencyTable",
        Key={"id": {"S": record["id"]}},
        UpdateExpression="SET expiresAt = :past",
        ExpressionAttributeValues={":past": {"N": "1"}},
    )
    ANNA.call("delete_session", id=session["id"])
    again = ANNA.call("create_session", body=one_time(timeline), headers=KEY)
    assert (again.status, again.data["id"] != session["id"]) == (200, True)


def test_a_request_that_conflicts_with_an_earlier_copy_of_itself_gets_the_response_to_the_copy(
    timeline: str, run_before_next: RunBeforeNext
) -> None:
    """A client sends the same request twice at the same time: copy A and copy B.

    Copy B reads the key and the head of the calendar. Then copy A creates the session. Then copy B reads the slots.
    """
    first: list[Any] = []
    run_before_next(
        "Query", lambda: first.append(ANNA.call("create_session", body=one_time(timeline), headers=KEY))
    )
    second = ANNA.call("create_session", body=one_time(timeline), headers=KEY)
    assert second.body == first[0].body
    assert second.headers["Idempotency-Replayed"] == "true"


def test_a_repeated_post_gets_the_first_response_after_the_session_and_the_timeline_were_deleted(
    timeline: str,
) -> None:
    first = ANNA.call("create_session", body=one_time(timeline), headers=KEY)
    ANNA.call("delete_session", id=first.data["id"])
    ANNA.call("delete_timeline", id=timeline)
    again = ANNA.call("create_session", body=one_time(timeline), headers=KEY)
    assert (again.status, again.body) == (200, first.body)


@pytest.mark.parametrize("function", ["create_session", "create_timeline"])
def test_a_repeated_post_gets_a_403_if_the_caller_may_no_longer_read_the_timeline(
    timeline: str, function: str
) -> None:
    body = one_time(timeline) if function == "create_session" else {"name": "x", "ownerId": "anna"}
    assert ADMIN.call(function, body=body, headers=KEY).status == 200
    former_admin = Caller(ADMIN.id)
    assert former_admin.call(function, body=body, headers=KEY).status == 403


def test_each_change_of_a_session_changes_its_etag(timeline: str) -> None:
    id = new_session(ANNA, timeline)["id"]
    tags = [ANNA.call("get_session", id=id).headers["ETag"]]
    for name in ("a", "b"):
        tags.append(ANNA.call("update_session", id=id, body={"name": name}).headers["ETag"])
        assert ANNA.call("get_session", id=id).headers["ETag"] == tags[-1]
    tags.append(ANNA.call("delete_session", id=id).headers["ETag"])
    assert len(set(tags)) == 4


@pytest.mark.parametrize(
    "if_match", ["1", "", '"1', "W/1", '"1" "2"', '"1",', '"1", *', '"a b"', '"1",' * 500]
)
@pytest.mark.parametrize("function", ["update_session", "delete_timeline"])
def test_a_malformed_if_match_header_gets_a_400_that_names_the_header(
    timeline: str, function: str, if_match: str
) -> None:
    id = timeline if function.endswith("timeline") else new_session(ANNA, timeline)["id"]
    body = {"name": "New"} if function.startswith("update") else None
    answer = ANNA.call(function, id=id, body=body, headers={"if-match": if_match})
    assert answer.status == 400
    (fault,) = answer.body["details"]
    assert fault["field"] == "If-Match"
    assert "double quotes" in fault["message"] or fault["code"] == "TOO_LONG"


@pytest.mark.parametrize(
    ("if_match", "status"),
    [('"1"', 200), ("*", 200), ('"0", "1"', 200), ('"2"', 412), ('W/"1"', 412), ('"x"', 412)],
)
@pytest.mark.parametrize(
    "function", ["update_session", "delete_session", "update_timeline", "delete_timeline"]
)
def test_the_if_match_header_allows_changes_of_the_current_version_only(
    tables: Any, timeline: str, function: str, if_match: str, status: int
) -> None:
    id = timeline if function.endswith("timeline") else new_session(ANNA, timeline)["id"]
    body = {"name": "New"} if function.startswith("update") else None
    before = [scan(tables, table) for table in ("SessionsTable", "TimelinesTable")]
    answer = ANNA.call(function, id=id, body=body, headers={"If-Match": if_match})
    assert answer.status == status
    if status == 412:
        assert answer.body["code"] == "PRECONDITION_FAILED"
        assert [scan(tables, table) for table in ("SessionsTable", "TimelinesTable")] == before
    assert breaches(tables) == []


@pytest.mark.parametrize(
    ("if_none_match", "status"), [('"1"', 304), ('W/"1"', 304), ("*", 304), ('"7", "1"', 304), ('"2"', 200)]
)
def test_a_get_with_the_current_etag_in_if_none_match_gets_a_304(
    timeline: str, if_none_match: str, status: int
) -> None:
    id = new_session(ANNA, timeline)["id"]
    for function, one in (("get_session", id), ("get_timeline", timeline)):
        answer = ANNA.call(function, id=one, headers={"If-None-Match": if_none_match})
        assert (answer.status, answer.headers["ETag"]) == (status, '"1"')
        assert (answer.body is None) == (status == 304)


def test_two_concurrent_changes_of_different_fields_both_take_effect(
    timeline: str, run_before_next: RunBeforeNext
) -> None:
    """A PATCH of the name reads the session.

    Before this PATCH writes the session, another PATCH changes the description.
    """
    id = new_session(ANNA, timeline)["id"]
    run_before_next(
        "TransactWriteItems",
        lambda: ANNA.call("update_session", id=id, body={"description": "by another"}),
    )
    changed = ANNA.call("update_session", id=id, body={"name": "New"}).data
    assert (changed["name"], changed["description"]) == ("New", "by another")
