"""Changes of series through the handlers: cancel or change an occurrence, split a series, restore a session."""

from datetime import date, timedelta
from typing import Any

import pytest

from scheduling.store import client
from tests.functional.conftest import ADMIN, ANNA, BERT, MANAGER, RunBeforeNext, RunBeforeReads, one_time
from tests.support.api import Answer, Caller, handler
from tests.support.invariants import breaches, heads, live_sessions, scan, scan_all

FRIDAYS = {
    "type": "RECURRING",
    "name": "Yoga",
    "startDateTime": "2023-12-01T09:00:00Z",
    "endDateTime": "2023-12-01T10:00:00Z",
    "repeatCycleType": "WEEKLY",
}
CHANGES = ("delete_occurrence", "update_occurrence", "split_session")


@pytest.fixture(autouse=True)
def _check_invariants(tables: Any) -> Any:
    yield
    assert breaches(tables) == []


@pytest.fixture
def series(timeline: str) -> dict[str, Any]:
    """Create a series of the owner Anna on Fridays at 09:00."""
    return create(timeline)


def create(timeline: str, **fields: Any) -> dict[str, Any]:
    created: dict[str, Any] = ANNA.call(
        "create_session", body={**FRIDAYS, "timelineId": timeline, **fields}
    ).data
    return created


def book(timeline: str, day: int, hour: int = 9, **fields: Any) -> Answer:
    """Create a session of one hour on a day in December 2023; return the response."""
    times = {
        "startDateTime": f"2023-12-{day:02}T{hour:02}:00:00Z",
        "endDateTime": f"2023-12-{day:02}T{hour + 1:02}:00:00Z",
    }
    return ANNA.call("create_session", body=one_time(timeline, **times, **fields))


def cancel(id: str, date: str, caller: Caller = ANNA, **more: Any) -> Answer:
    return caller.call("delete_occurrence", id=f"{id}/{date}", **more)


def change(id: str, date: str, caller: Caller = ANNA, **more: Any) -> Answer:
    return caller.call("update_occurrence", id=f"{id}/{date}", **{"body": {}, **more})


def split(id: str, date: str, caller: Caller = ANNA, fields: Any = None, **more: Any) -> Answer:
    return caller.call("split_session", id=id, body={"date": date, **(fields or {})}, **more)


def send_change(function: str, id: str, date: str, caller: Caller = ANNA, **more: Any) -> Answer:
    """Call one of the three functions that change a series."""
    return {"delete_occurrence": cancel, "update_occurrence": change, "split_session": split}[function](
        id, date, caller, **more
    )


def get(id: str) -> dict[str, Any]:
    found: dict[str, Any] = ANNA.call("get_session", id=id).data
    return found


# --- Cancel


def test_the_time_of_a_cancelled_occurrence_is_free_at_once(timeline: str, series: dict[str, Any]) -> None:
    assert book(timeline, 8).status == 409
    answer = cancel(series["id"], "2023-12-08")
    assert answer.data == series | {"excludedDates": ["2023-12-08"], "updatedAt": answer.data["updatedAt"]}
    assert answer.headers["ETag"] == '"2"'
    assert answer.data == get(series["id"])
    assert book(timeline, 8).status == 200
    assert book(timeline, 15).status == 409


def test_a_second_cancellation_of_an_occurrence_changes_nothing(tables: Any, series: dict[str, Any]) -> None:
    first = cancel(series["id"], "2023-12-08")
    before = scan_all(tables)
    assert cancel(series["id"], "2023-12-08").body == first.body
    assert scan_all(tables) == before


def test_a_cancellation_does_not_change_the_version_of_the_calendar(
    tables: Any, timeline: str, series: dict[str, Any]
) -> None:
    before = heads(tables)
    cancel(series["id"], "2023-12-08")
    ending = create(timeline, startDateTime="2023-12-02T09:00:00Z", endDateTime=None, repeatCount=2)
    after = heads(tables)
    assert cancel(ending["id"], "2023-12-09").status == 200
    assert heads(tables) == after != before


def test_a_request_for_a_date_without_an_occurrence_gets_a_404(timeline: str, series: dict[str, Any]) -> None:
    single = book(timeline, 20).data["id"]
    for id, day in (
        (series["id"], "2023-12-09"),
        (series["id"], "2023-11-24"),
        (series["id"], "2023-02-30"),
        (series["id"], "friday"),
        (single, "2023-12-20"),
        ("unknown", "2023-12-08"),
    ):
        for function in ("delete_occurrence", "update_occurrence"):
            answer = send_change(function, id, day)
            assert (answer.status, answer.body["code"]) == (404, "NOT_FOUND"), (function, day)
    assert split(series["id"], "2023-12-09").status == 404
    assert split(single, "2023-12-20").status == 404
    assert split("unknown", "2023-12-08").status == 404


def test_cancelling_or_changing_the_last_occurrence_gets_a_409(timeline: str) -> None:
    ending = create(timeline, repeatCount=2)["id"]
    assert cancel(ending, "2023-12-01").status == 200
    for function in ("delete_occurrence", "update_occurrence"):
        answer = send_change(function, ending, "2023-12-08")
        assert (answer.status, answer.body["code"]) == (409, "LAST_OCCURRENCE")
        assert "Delete" in answer.body["message"]
    assert cancel(ending, "2023-12-01").status == 200


def test_excluding_a_367th_date_gets_a_409(timeline: str) -> None:
    dates = [str(date(2030, 1, 1) + timedelta(days=number)) for number in range(365)]
    id = create(timeline, excludedDates=dates)["id"]
    full = cancel(id, "2023-12-08").data
    assert ANNA.call("update_session", id=id, body=full).data == full
    for function in ("delete_occurrence", "update_occurrence"):
        answer = send_change(function, id, "2023-12-15")
        assert (answer.status, answer.body["code"]) == (409, "TOO_MANY_EXCLUDED_DATES")


# --- Change


def test_a_changed_occurrence_is_stored_as_a_new_session(timeline: str, series: dict[str, Any]) -> None:
    times = {"startDateTime": "2023-12-08T11:00:00Z", "endDateTime": "2023-12-08T12:30:00Z"}
    answer = change(series["id"], "2023-12-08", body=times)
    new = answer.data
    assert new == series | times | {
        "id": new["id"],
        "type": "ONE_TIME",
        "repeatCycleType": None,
        "seriesId": series["id"],
        "originalDate": "2023-12-08",
        "createdAt": new["createdAt"],
        "updatedAt": new["updatedAt"],
    }
    assert (answer.headers["ETag"], answer.headers["Location"]) == ('"1"', f"/sessions/{new['id']}")
    assert get(new["id"]) == new
    assert get(series["id"])["excludedDates"] == ["2023-12-08"]
    assert book(timeline, 8, 9).status == 200
    assert book(timeline, 8, 12).status == 409
    assert book(timeline, 15).status == 409


def test_a_changed_occurrence_may_overlap_its_original_time_but_no_other_occurrence(
    tables: Any, timeline: str, series: dict[str, Any]
) -> None:
    other = book(timeline, 8, 11).data
    before = scan_all(tables)
    conflict = change(series["id"], "2023-12-08", body={"endDateTime": "2023-12-08T11:30:00Z"})
    assert [each["sessionId"] for each in conflict.body["details"]] == [other["id"]]
    moved = {"startDateTime": "2023-12-15T09:30:00Z", "endDateTime": "2023-12-15T09:45:00Z"}
    conflict = change(series["id"], "2023-12-08", body=moved)
    assert conflict.body["details"] == [
        {
            "sessionId": series["id"],
            "timelineId": timeline,
            "type": "RECURRING",
            "name": "Yoga",
            "startDateTime": "2023-12-15T09:00:00Z",
            "endDateTime": "2023-12-15T10:00:00Z",
        }
    ]
    assert scan_all(tables) == before
    assert change(series["id"], "2023-12-08", body={"endDateTime": "2023-12-08T10:30:00Z"}).status == 200


def test_a_changed_occurrence_can_be_patched_and_the_series_no_longer_contains_the_occurrence(
    series: dict[str, Any],
) -> None:
    new = change(series["id"], "2023-12-08", body={"name": "Pilates"}).data
    assert ANNA.call("update_session", id=new["id"], body=new).data == new
    assert change(series["id"], "2023-12-08").status == 404
    assert cancel(series["id"], "2023-12-08").status == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"startDateTime": None}, "startDateTime"),
        ({"name": None}, "name"),
        ({"type": "RECURRING"}, "type"),
        ({"timelineId": "a"}, "timelineId"),
        ({"endDateTime": "2023-12-08T08:00:00Z"}, "endDateTime"),
        ({"startDateTime": "2023-12-08T12:00:00Z", "endDateTime": "2023-12-08T11:00:00Z"}, "endDateTime"),
    ],
)
def test_an_invalid_change_of_an_occurrence_gets_a_400(
    series: dict[str, Any], body: dict[str, Any], field: str
) -> None:
    answer = change(series["id"], "2023-12-08", body=body)
    assert (answer.status, [each["field"] for each in answer.body["details"]]) == (400, [field])


# --- Split


def test_a_split_creates_a_new_series_with_the_later_occurrences(timeline: str) -> None:
    series = create(timeline, repeatCount=8, excludedDates=["2023-12-08", "2024-01-05"])
    fields = {
        "startDateTime": "2023-12-22T10:00:00Z",
        "endDateTime": "2023-12-22T11:00:00Z",
        "name": "Pilates",
    }
    answer = split(series["id"], "2023-12-22", fields=fields)
    new = answer.data
    assert new == series | fields | {
        "id": new["id"],
        "repeatCount": 5,
        "excludedDates": ["2024-01-05"],
        "createdAt": new["createdAt"],
        "updatedAt": new["updatedAt"],
    }
    assert (answer.headers["ETag"], answer.headers["Location"]) == ('"1"', f"/sessions/{new['id']}")
    assert get(new["id"]) == new
    ended = get(series["id"])
    assert (ended["repeatUntil"], ended["repeatCount"]) == ("2023-12-21", None)
    assert ended["excludedDates"] == ["2023-12-08"]
    assert [book(timeline, 15, hour).status for hour in (9, 10)] == [409, 200]
    assert [book(timeline, 22, hour).status for hour in (9, 10)] == [200, 409]


def test_a_split_conflicts_with_other_sessions_and_with_the_earlier_part_of_the_series(
    tables: Any, timeline: str, series: dict[str, Any]
) -> None:
    other = book(timeline, 29, 10).data
    before = scan_all(tables)
    later = {"startDateTime": "2023-12-22T10:00:00Z", "endDateTime": "2023-12-22T11:00:00Z"}
    conflict = split(series["id"], "2023-12-22", fields=later)
    assert [each["sessionId"] for each in conflict.body["details"]] == [other["id"]]
    earlier = {"startDateTime": "2023-12-08T09:30:00Z", "endDateTime": "2023-12-08T10:30:00Z"}
    conflict = split(series["id"], "2023-12-22", fields=earlier)
    assert conflict.body["details"][0]["sessionId"] == series["id"]
    assert scan_all(tables) == before


def test_a_split_at_the_first_occurrence_gets_a_409(series: dict[str, Any]) -> None:
    answer = split(series["id"], "2023-12-01")
    assert (answer.status, answer.body["code"]) == (409, "FIRST_OCCURRENCE")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"date": "2023-12-32"}, "date"),
        ({"date": None}, "date"),
        ({"type": "ONE_TIME"}, "type"),
        ({"startDateTime": None}, "startDateTime"),
        ({"repeatUntil": "2023-12-01"}, "repeatUntil"),
        ({"repeatUntil": "2024-12-01", "repeatCount": 7}, "repeatCount"),
        ({"endDateTime": "2024-12-01T09:00:00Z"}, "endDateTime"),
    ],
)
def test_an_invalid_split_gets_a_400(series: dict[str, Any], fields: dict[str, Any], field: str) -> None:
    answer = split(series["id"], "2023-12-22", fields=fields)
    assert (answer.status, [each["field"] for each in answer.body["details"]]) == (400, [field])


def test_a_split_needs_a_date(series: dict[str, Any]) -> None:
    answer = ANNA.call("split_session", id=series["id"], body={})
    assert (answer.status, answer.body["details"][0]["code"]) == (400, "REQUIRED")


# --- Cancel, change and split


@pytest.mark.parametrize("function", CHANGES)
def test_an_event_without_path_parameters_gets_a_404(function: str, series: dict[str, Any]) -> None:
    body = {"date": "2023-12-08"} if function == "split_session" else {}
    event = ANNA.event(
        function, f"{series['id']}/2023-12-08" if "occ" in function else series["id"], body, {}, {}
    )
    del event["pathParameters"]
    assert handler(function)(event, None)["statusCode"] == 404


@pytest.mark.parametrize("function", CHANGES)
def test_each_change_of_a_series_needs_the_permission_to_update_the_series(
    function: str, series: dict[str, Any]
) -> None:
    assert send_change(function, series["id"], "2023-12-08", BERT).status == 403
    assert send_change(function, series["id"], "2023-12-08", MANAGER).status == 200
    assert send_change(function, series["id"], "2023-12-01", ADMIN).status in (200, 409)


@pytest.mark.parametrize("function", CHANGES)
def test_the_if_match_header_is_compared_with_the_version_of_the_series(
    function: str, series: dict[str, Any]
) -> None:
    answer = send_change(function, series["id"], "2023-12-08", headers={"if-match": '"2"'})
    assert (answer.status, answer.body["code"]) == (412, "PRECONDITION_FAILED")
    assert send_change(function, series["id"], "2023-12-08", headers={"if-match": '"1"'}).status == 200


@pytest.mark.parametrize("function", ["update_occurrence", "split_session"])
def test_a_dry_run_returns_the_new_session_and_writes_nothing(
    tables: Any, function: str, timeline: str, series: dict[str, Any]
) -> None:
    before = scan_all(tables)
    preview = send_change(function, series["id"], "2023-12-08", query={"dryRun": "true"})
    assert scan_all(tables) == before
    assert "Location" not in preview.headers
    new = send_change(function, series["id"], "2023-12-08").data
    own = {field: new[field] for field in ("id", "createdAt", "updatedAt")}
    assert preview.data | own == new


@pytest.mark.parametrize("function", ["update_occurrence", "split_session"])
def test_a_repeated_request_with_an_idempotency_key_gets_the_first_response(
    tables: Any, function: str, series: dict[str, Any]
) -> None:
    key = {"idempotency-key": "k"}
    first = send_change(function, series["id"], "2023-12-08", headers=key)
    before = scan_all(tables)
    again = send_change(function, series["id"], "2023-12-08", headers=key)
    assert (again.status, again.body) == (200, first.body)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    assert scan_all(tables) == before
    assert send_change(function, series["id"], "2023-12-15", headers=key).status == 422
    ANNA.call("delete_session", id=series["id"])
    assert send_change(function, series["id"], "2023-12-08", headers=key).body == first.body


def test_an_idempotency_key_is_valid_for_one_series_per_endpoint(
    timeline: str, series: dict[str, Any]
) -> None:
    times = {"startDateTime": "2023-12-01T11:00:00Z", "endDateTime": "2023-12-01T12:00:00Z"}
    other, key = create(timeline, **times), {"idempotency-key": "k"}
    assert split(series["id"], "2023-12-08", headers=key).status == 200
    assert split(other["id"], "2023-12-08", headers=key).status == 422
    assert change(other["id"], "2023-12-08", headers=key).status == 200


@pytest.mark.parametrize("function", ["update_occurrence", "split_session"])
def test_two_concurrent_requests_with_one_idempotency_key_create_one_session(
    tables: Any, function: str, series: dict[str, Any], run_before_next: RunBeforeNext
) -> None:
    key, answers = {"idempotency-key": "k"}, list[Answer]()

    def send() -> None:
        answers.append(send_change(function, series["id"], "2023-12-08", headers=key))

    def send_after_the_first_read(**_: object) -> None:
        events.unregister("before-call.dynamodb.GetItem", send_after_the_first_read)
        run_before_next("GetItem", send)

    events = client.client().meta.events
    events.register("before-call.dynamodb.GetItem", send_after_the_first_read)
    send()
    first, again = answers
    assert again.body == first.body
    assert len(live_sessions(tables)) == 2


def test_the_location_header_begins_with_the_base_path_of_the_request(series: dict[str, Any]) -> None:
    event = ANNA.event("update_occurrence", f"{series['id']}/2023-12-08", {}, {}, {})
    event["rawPath"] = f"/v1{event['rawPath']}"
    response = handler("update_occurrence")(event, None)
    assert response["headers"]["Location"].startswith("/v1/sessions/")
    assert response["headers"]["Location"].count("/") == 3


def test_a_split_after_which_the_series_no_longer_has_the_date_of_another_split_causes_a_404(
    series: dict[str, Any], run_before_reads: RunBeforeReads
) -> None:
    """The later split has read the series, but not yet the calendar, when the earlier split is written."""
    run_before_reads(2, lambda: split(series["id"], "2023-12-15"))
    assert split(series["id"], "2023-12-22").status == 404


# --- Restore


def restore(id: str, caller: Caller = ANNA) -> Answer:
    return caller.call("restore_session", id=id)


@pytest.mark.parametrize("fields", [{}, {"type": "ONE_TIME", "repeatCycleType": None}])
def test_a_restored_session_has_its_former_fields(tables: Any, timeline: str, fields: dict[str, Any]) -> None:
    before = create(timeline, **fields)
    ANNA.call("delete_session", id=before["id"])
    answer = restore(before["id"])
    assert answer.data == before | {"updatedAt": answer.data["updatedAt"]}
    assert answer.headers["ETag"] == '"3"'
    assert get(before["id"]) == answer.data
    assert book(timeline, 1).status == 409
    (stored,) = live_sessions(tables)
    assert "expiresAt" not in stored
    assert restore(before["id"]).body == answer.body, (
        "restoring a session that is not deleted changes nothing"
    )


def test_a_session_without_a_start_can_be_restored(timeline: str) -> None:
    before = ANNA.call("create_session", body={"type": "ONE_TIME", "timelineId": timeline, "name": "x"}).data
    ANNA.call("delete_session", id=before["id"])
    assert restore(before["id"]).status == 200


def test_a_session_whose_time_is_occupied_is_not_restored(
    tables: Any, timeline: str, series: dict[str, Any]
) -> None:
    ANNA.call("delete_session", id=series["id"])
    other = book(timeline, 29).data
    before = scan_all(tables)
    answer = restore(series["id"])
    assert (answer.status, answer.body["details"][0]["sessionId"]) == (409, other["id"])
    assert scan_all(tables) == before


def test_a_session_whose_timeline_was_deleted_is_not_restored(timeline: str, series: dict[str, Any]) -> None:
    ANNA.call("delete_session", id=series["id"])
    assert ANNA.call("delete_timeline", id=timeline).status == 200
    answer = restore(series["id"])
    assert (answer.status, answer.body["code"]) == (400, "INVALID_TIMELINE")


def test_a_session_is_not_restored_to_a_timeline_that_is_deleted_at_the_same_time(
    timeline: str, series: dict[str, Any], run_before_next: RunBeforeNext
) -> None:
    ANNA.call("delete_session", id=series["id"])
    run_before_next("TransactWriteItems", lambda: ANNA.call("delete_timeline", id=timeline))
    assert restore(series["id"]).status == 400


def test_restoring_an_expired_session_gets_a_404(tables: Any, series: dict[str, Any]) -> None:
    assert restore("unknown").status == 404
    ANNA.call("delete_session", id=series["id"])
    tables.update_item(
        TableName="SessionsTable",
        Key={"id": {"S": series["id"]}},
        UpdateExpression="SET expiresAt = :past",
        ExpressionAttributeValues={":past": {"N": "1700000000"}},
    )
    assert restore(series["id"]).status == 404


def test_restoring_a_session_needs_the_permission_to_delete_the_session(series: dict[str, Any]) -> None:
    ANNA.call("delete_session", id=series["id"])
    assert restore(series["id"], BERT).status == 403
    assert restore(series["id"], MANAGER).status == 403
    assert restore(series["id"], ADMIN).status == 200


def test_a_changed_occurrence_keeps_its_series_id_when_it_is_restored(series: dict[str, Any]) -> None:
    new = change(series["id"], "2023-12-08").data
    ANNA.call("delete_session", id=new["id"])
    assert restore(new["id"]).data["seriesId"] == series["id"]


@pytest.mark.parametrize("function", ["update_occurrence", "split_session", "restore_session"])
def test_a_series_can_be_changed_or_restored_after_a_newer_session_was_deleted(
    function: str, timeline: str, series: dict[str, Any]
) -> None:
    last = book(timeline, 20).data["id"]
    if function == "restore_session":
        ANNA.call("delete_session", id=series["id"])
    ANNA.call("delete_session", id=last)
    if function == "restore_session":
        assert restore(series["id"]).status == 200
    else:
        assert send_change(function, series["id"], "2023-12-08").status == 200


# --- Slots from an older time zone database


def test_a_slot_is_updated_and_deleted_by_its_stored_key(tables: Any, timeline: str) -> None:
    """The stored key of a slot depends on the time zone database at the time of the write.

    After an update of the database, the layer may compute another key for the same slot.
    """
    times = {"startDateTime": "2023-12-01T09:00:00+01:00", "endDateTime": "2023-12-01T10:00:00+01:00"}
    id = create(timeline, timeZone="Europe/Berlin", **times)["id"]
    (slot,) = [item for item in scan(tables, "CalendarTable") if item["slot"] != "HEAD"]
    older = slot["slot"].replace("#0420#", "#0360#")
    assert older != slot["slot"]
    client_key = {"ownerId": {"S": slot["ownerId"]}, "slot": {"S": slot["slot"]}}
    item = tables.get_item(TableName="CalendarTable", Key=client_key)["Item"]
    tables.delete_item(TableName="CalendarTable", Key=client_key)
    tables.put_item(TableName="CalendarTable", Item=item | {"slot": {"S": older}})
    tables.update_item(
        TableName="SessionsTable",
        Key={"id": {"S": id}},
        UpdateExpression="SET slot = :older",
        ExpressionAttributeValues={":older": {"S": older}},
    )
    version = heads(tables)[0]["version"]
    assert ANNA.call("update_session", id=id, body={"name": "Pilates"}).status == 200
    (slot,) = [item for item in scan(tables, "CalendarTable") if item["slot"] != "HEAD"]
    assert (slot["slot"], slot["name"]) == (older, "Pilates")
    assert heads(tables)[0]["version"] == version, "a new name does not change the version of the calendar"
    assert ANNA.call("delete_session", id=id).status == 200
    assert [item["slot"] for item in scan(tables, "CalendarTable")] == ["HEAD"]
