"""Sessions through their handlers: requests, responses and stored items."""

import json
import re
from typing import Any
from uuid import UUID

import pytest

from scheduling.store import client as store
from tests.functional.conftest import ADMIN, ANNA, BERT, RunBeforeNext, new_session, one_time
from tests.support import api
from tests.support.api import new_timeline
from tests.support.invariants import breaches, scan, scan_all

YOGA = {
    "type": "RECURRING",
    "name": "Weekly Yoga Class",
    "startDateTime": "2023-12-01T09:00:00Z",
    "endDateTime": "2023-12-01T10:00:00Z",
    "repeatCycleType": "WEEKLY",
    "recurringDayOfWeek": "FRIDAY",
    "description": "Weekly yoga session for intermediate level",
}
NEW_FIELDS = (
    "timeZone",
    "repeatInterval",
    "recurringDaysOfWeek",
    "repeatUntil",
    "repeatCount",
    "excludedDates",
    "seriesId",
    "originalDate",
)
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def test_the_response_to_a_post_has_all_fields_of_the_session(timeline: str) -> None:
    answer = ANNA.call("create_session", body=YOGA | {"timelineId": timeline})
    session = answer.data
    assert session == {
        **YOGA,
        **dict.fromkeys(NEW_FIELDS),
        "id": session["id"],
        "timelineId": timeline,
        "createdAt": session["createdAt"],
        "updatedAt": session["createdAt"],
        "removedAt": None,
    }
    assert UUID(session["id"]).version == 4
    assert STAMP.fullmatch(session["createdAt"])
    assert answer.body["meta"] == {"message": "success", "meta": {"skip": 0, "take": 1, "count": 1}}
    assert answer.headers == {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "X-Request-Id": answer.headers["X-Request-Id"],
        "ETag": '"1"',
        "Location": f"/sessions/{session['id']}",
    }


def test_the_location_header_begins_with_the_base_path_of_the_request(timeline: str) -> None:
    """With a named stage or a base path of a custom domain, the path in the event begins with this part."""
    event = ANNA.event("create_session", "", one_time(timeline), {}, {}) | {"rawPath": "/v1/sessions"}
    response = api.handler("create_session")(event, None)
    assert response["headers"]["Location"] == f"/v1/sessions/{json.loads(response['body'])['data']['id']}"


def test_a_get_returns_the_created_session_unchanged(timeline: str) -> None:
    created = new_session(ANNA, timeline)
    assert ANNA.call("get_session", id=created["id"]).data == created


def test_a_session_needs_only_type_timeline_and_name(timeline: str) -> None:
    session = ANNA.call(
        "create_session", body={"type": "RECURRING", "timelineId": timeline, "name": " x "}
    ).data
    assert session["name"] == "x"
    unset = (
        "startDateTime",
        "endDateTime",
        "repeatCycleType",
        "recurringDayOfWeek",
        "description",
        "removedAt",
    )
    assert [session[field] for field in unset] == [None] * 6


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2023-12-15T14:00:00+09:00", "2023-12-15T07:00:00.000001Z"),
        ("2023-12-15T14:00Z", "2023-12-15T14:30-0500"),
        ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"),
        ("9999-12-31T23:59:59.999999Z", None),
    ],
)
def test_the_start_and_the_end_of_a_session_without_a_time_zone_are_returned_unchanged(
    timeline: str, start: str, end: str | None
) -> None:
    session = new_session(ANNA, timeline, startDateTime=start, endDateTime=end)
    assert (session["startDateTime"], session["endDateTime"]) == (start, end)
    found = ANNA.call("list_sessions", query={"startDateTimeFrom": start}).data
    assert [one["id"] for one in found] == [session["id"]]


@pytest.mark.parametrize("name", ["x", "x" * 200, "\U0001f9d8" * 200, "line\nbreak", " trimmed "])
def test_a_name_has_1_to_200_characters_after_trimming(timeline: str, name: str) -> None:
    assert new_session(ANNA, timeline, name=name)["name"] == name.strip()


def test_the_session_in_a_response_can_be_the_body_of_a_patch_or_a_post(timeline: str) -> None:
    session = new_session(ANNA, timeline)
    answer = ANNA.call("update_session", id=session["id"], body=session)
    assert answer.data == session
    copy = ANNA.call("create_session", body=session | {"startDateTime": None, "endDateTime": None}).data
    assert copy["id"] != session["id"]


# PATCH


def test_a_patch_changes_the_named_fields_and_updated_at(timeline: str) -> None:
    session = new_session(ANNA, timeline, description="old")
    changed = ANNA.call("update_session", id=session["id"], body={"name": "New", "description": None}).data
    assert changed == session | {"name": "New", "description": None, "updatedAt": changed["updatedAt"]}
    assert changed["updatedAt"] >= session["updatedAt"]


def test_an_empty_patch_changes_nothing(tables: Any, timeline: str) -> None:
    session = new_session(ANNA, timeline)
    before = scan(tables, "SessionsTable")
    answer = ANNA.call("update_session", id=session["id"], body={})
    assert (answer.data, answer.headers["ETag"]) == (session, '"1"')
    assert scan(tables, "SessionsTable") == before


def test_a_patch_to_the_type_one_time_clears_the_repeat_cycle_and_the_weekday(timeline: str) -> None:
    session = ANNA.call("create_session", body=YOGA | {"timelineId": timeline}).data
    changed = ANNA.call("update_session", id=session["id"], body={"type": "ONE_TIME"}).data
    assert (changed["repeatCycleType"], changed["recurringDayOfWeek"]) == (None, None)


def test_a_weekly_series_without_a_day_repeats_on_the_weekday_of_its_start(timeline: str) -> None:
    series = ANNA.call(
        "create_session", body=YOGA | {"timelineId": timeline, "recurringDayOfWeek": None}
    ).data
    moved = {"startDateTime": "2023-12-04T09:00:00Z", "endDateTime": "2023-12-04T10:00:00Z"}
    assert ANNA.call("update_session", id=series["id"], body=moved).status == 200
    friday = {"startDateTime": "2023-12-08T09:00:00Z", "endDateTime": "2023-12-08T10:00:00Z"}
    monday = {"startDateTime": "2023-12-11T09:00:00Z", "endDateTime": "2023-12-11T10:00:00Z"}
    assert ANNA.call("create_session", body=one_time(timeline, **friday)).status == 200
    assert ANNA.call("create_session", body=one_time(timeline, **monday)).status == 409


@pytest.mark.parametrize(
    ("stored", "patch", "field"),
    [
        ({}, {"startDateTime": None}, "startDateTime"),
        ({}, {"endDateTime": "2023-12-15T14:00:00Z"}, "endDateTime"),
        ({}, {"startDateTime": "2023-12-15T16:00:00Z"}, "endDateTime"),
        ({}, {"repeatCycleType": "DAILY"}, "repeatCycleType"),
        ({}, {"recurringDayOfWeek": "FRIDAY"}, "recurringDayOfWeek"),
        ({}, {"type": "RECURRING", "recurringDayOfWeek": "FRIDAY"}, "recurringDayOfWeek"),
        (
            {},
            {"type": "RECURRING", "repeatCycleType": "DAILY", "endDateTime": "2023-12-17T00:00:00Z"},
            "endDateTime",
        ),
        (YOGA, {"repeatCycleType": "MONTHLY", "recurringDayOfWeek": "FRIDAY"}, "recurringDayOfWeek"),
        (YOGA, {"repeatCycleType": None, "recurringDayOfWeek": "FRIDAY"}, "recurringDayOfWeek"),
    ],
)
def test_a_patch_whose_fields_break_a_rule_together_with_stored_fields_gets_a_400(
    tables: Any, timeline: str, stored: dict[str, Any], patch: dict[str, Any], field: str
) -> None:
    session = new_session(ANNA, timeline, **stored)
    before = scan(tables, "SessionsTable")
    answer = ANNA.call("update_session", id=session["id"], body=patch)
    assert answer.status == 400
    assert [detail["field"] for detail in answer.body["details"]] == [field]
    assert scan(tables, "SessionsTable") == before


@pytest.mark.parametrize("field", ["type", "timelineId", "name"])
def test_null_for_a_required_field_gets_a_400(timeline: str, field: str) -> None:
    session = new_session(ANNA, timeline)
    answer = ANNA.call("update_session", id=session["id"], body={field: None})
    assert (answer.status, answer.body["details"][0]["field"]) == (400, field)


def test_a_session_can_move_to_another_timeline(tables: Any, timeline: str) -> None:
    session, other = new_session(ANNA, timeline), new_timeline(ANNA)
    assert (
        ANNA.call("update_session", id=session["id"], body={"timelineId": other}).data["timelineId"] == other
    )
    assert ANNA.call("list_sessions", query={"timelineId": timeline}).count == 0
    assert ANNA.call("list_sessions", query={"timelineId": other}).count == 1
    assert breaches(tables) == []


def test_a_session_moved_to_another_owner_releases_the_time_of_the_former_owner(
    tables: Any, timeline: str
) -> None:
    session, other = new_session(ANNA, timeline), new_timeline(BERT)
    assert ADMIN.call("update_session", id=session["id"], body={"timelineId": other}).status == 200
    assert ANNA.call("create_session", body=one_time(timeline)).status == 200
    assert BERT.call("create_session", body=one_time(other)).status == 409
    assert breaches(tables) == []


# DELETE


def test_a_deleted_session_has_a_removal_time_and_is_not_found_afterwards(tables: Any, timeline: str) -> None:
    session = new_session(ANNA, timeline)
    removed = ANNA.call("delete_session", id=session["id"]).data
    assert removed == session | {"removedAt": removed["removedAt"], "updatedAt": removed["removedAt"]}
    assert STAMP.fullmatch(removed["removedAt"])
    assert ANNA.call("get_session", id=session["id"]).status == 404
    assert ANNA.call("update_session", id=session["id"], body={"name": "x"}).status == 404
    assert ANNA.call("delete_session", id=session["id"]).status == 404
    assert ANNA.call("list_sessions").body["data"] == []
    assert ANNA.call("create_session", body=one_time(timeline)).status == 200
    (item,) = [item for item in scan(tables, "SessionsTable") if item["id"] == session["id"]]
    assert item["expiresAt"] > 30 * 24 * 3600
    assert breaches(tables) == []


# Ids


@pytest.mark.parametrize(
    "id", ["0f5c2a6e-8f1d-4c3b-9a7e-2d4b6c8e0f12", "x", "COUNTS#0", "ä", "x" * 3000, ".."]
)
@pytest.mark.parametrize("function", ["get_session", "update_session", "delete_session"])
def test_an_unknown_or_malformed_id_gets_a_404(tables: Any, function: str, id: str) -> None:
    body = {} if function == "update_session" else None
    answer = ANNA.call(function, id=id, body=body)
    assert (answer.status, answer.body["code"]) == (404, "NOT_FOUND")


def test_a_body_with_an_unknown_timeline_gets_a_400_and_a_query_returns_an_empty_list(timeline: str) -> None:
    answer = ANNA.call("create_session", body=one_time("no-such-timeline"))
    assert (answer.status, answer.body["code"]) == (400, "INVALID_TIMELINE")
    fault = {"code": "NOT_FOUND", "message": "Must be the id of an existing timeline."}
    assert answer.body["details"] == [{"field": "timelineId", **fault}]
    session = new_session(ANNA, timeline)
    answer = ANNA.call("update_session", id=session["id"], body={"timelineId": "no-such-timeline"})
    assert answer.body["code"] == "INVALID_TIMELINE"
    listed = ANNA.call("list_sessions", query={"timelineId": "no-such-timeline"})
    assert (listed.data, listed.count) == ([], 0)


# Conflicts: the main cases


def book(timeline: str, start: str, end: str | None, **fields: Any) -> int:
    """Create another session; return the status of the response."""
    body = one_time(timeline, startDateTime=start, endDateTime=end, name="Another", **fields)
    return ANNA.call("create_session", body=body).status


def new_series(timeline: str, cycle: str, start: str, end: str, **fields: Any) -> dict[str, Any]:
    """Create a series."""
    return new_session(
        ANNA,
        timeline,
        type="RECURRING",
        repeatCycleType=cycle,
        startDateTime=start,
        endDateTime=end,
        **fields,
    )


def test_touching_sessions_do_not_conflict(timeline: str) -> None:
    new_session(ANNA, timeline)
    assert book(timeline, "2023-12-15T16:00:00Z", "2023-12-15T17:00:00Z") == 200
    assert book(timeline, "2023-12-15T13:00:00Z", "2023-12-15T14:00:00Z") == 200


def test_sessions_with_different_utc_offsets_conflict_at_the_same_instant(timeline: str) -> None:
    new_session(ANNA, timeline)
    assert book(timeline, "2023-12-15T23:00:00+09:00", "2023-12-16T00:30:00+09:00") == 409


def test_sessions_on_two_timelines_of_one_owner_conflict(timeline: str) -> None:
    new_session(ANNA, timeline)
    assert book(new_timeline(ANNA), "2023-12-15T15:00:00Z", "2023-12-15T15:30:00Z") == 409


def test_sessions_of_two_owners_do_not_conflict(timeline: str) -> None:
    new_session(ANNA, timeline)
    assert new_session(BERT, new_timeline(BERT))


def test_a_session_does_not_conflict_with_its_own_former_time(timeline: str) -> None:
    session = new_session(ANNA, timeline)
    later = {"startDateTime": "2023-12-15T14:15:00Z", "endDateTime": "2023-12-15T16:15:00Z"}
    assert ANNA.call("update_session", id=session["id"], body=later).status == 200


def test_a_session_with_a_new_name_does_not_conflict_with_itself(tables: Any, timeline: str) -> None:
    first = new_session(ANNA, timeline)
    assert ANNA.call("update_session", id=first["id"], body={"name": "Other"}).status == 200


def test_a_new_series_conflicts_if_only_its_500th_occurrence_overlaps_a_session(timeline: str) -> None:
    new_session(ANNA, timeline, startDateTime="2025-04-13T09:30:00Z", endDateTime="2025-04-13T09:45:00Z")
    body = {"startDateTime": "2023-12-01T09:00:00Z", "endDateTime": "2023-12-01T10:00:00Z"}
    answer = ANNA.call(
        "create_session", body=one_time(timeline, type="RECURRING", repeatCycleType="DAILY", **body)
    )
    assert answer.status == 409
    assert [detail["startDateTime"] for detail in answer.body["details"]] == ["2025-04-13T09:30:00Z"]


def test_a_yearly_series_conflicts_with_a_session_in_the_year_9998(timeline: str) -> None:
    new_series(timeline, "YEARLY", "2023-12-25T09:00:00Z", "2023-12-25T12:00:00Z")
    assert book(timeline, "9998-12-25T11:00:00Z", "9998-12-25T13:00:00Z") == 409
    assert book(timeline, "9998-12-25T12:00:00Z", "9998-12-25T13:00:00Z") == 200


def test_an_occurrence_over_midnight_conflicts_on_the_next_day(timeline: str) -> None:
    new_series(timeline, "DAILY", "2023-12-01T23:30:00Z", "2023-12-02T00:30:00Z")
    assert book(timeline, "2023-12-05T00:00:00Z", "2023-12-05T00:15:00Z") == 409


def test_a_monthly_series_on_the_31st_skips_shorter_months(timeline: str) -> None:
    new_series(timeline, "MONTHLY", "2024-01-31T09:00:00Z", "2024-01-31T10:00:00Z")
    for day in ("2024-04-30", "2024-05-01", "2024-02-29", "2024-03-01"):
        assert book(timeline, f"{day}T09:00:00Z", f"{day}T10:00:00Z") == 200
    assert book(timeline, "2024-05-31T09:00:00Z", "2024-05-31T10:00:00Z") == 409


def test_a_yearly_series_on_29_february_skips_the_year_2100(timeline: str) -> None:
    new_series(timeline, "YEARLY", "2096-02-29T09:00:00Z", "2096-02-29T10:00:00Z")
    assert book(timeline, "2100-02-28T00:00:00Z", "2100-03-02T00:00:00Z") == 200
    assert book(timeline, "2104-02-29T09:59:00Z", "2104-02-29T10:59:00Z") == 409


def test_a_friday_series_that_starts_on_a_saturday_leaves_the_saturday_free(timeline: str) -> None:
    new_series(
        timeline, "WEEKLY", "2023-12-02T09:00:00Z", "2023-12-02T10:00:00Z", recurringDayOfWeek="FRIDAY"
    )
    assert book(timeline, "2023-12-02T09:00:00Z", "2023-12-02T10:00:00Z") == 200
    assert book(timeline, "2023-12-08T09:00:00Z", "2023-12-08T10:00:00Z") == 409


def test_a_series_changed_to_one_time_releases_later_weeks_and_conflicts_when_changed_back(
    timeline: str,
) -> None:
    weekly = new_series(timeline, "WEEKLY", "2023-12-01T09:00:00Z", "2023-12-01T10:00:00Z")
    assert ANNA.call("update_session", id=weekly["id"], body={"type": "ONE_TIME"}).status == 200
    assert book(timeline, "2023-12-08T09:00:00Z", "2023-12-08T10:00:00Z") == 200
    back = {"type": "RECURRING", "repeatCycleType": "WEEKLY"}
    assert ANNA.call("update_session", id=weekly["id"], body=back).status == 409


def test_a_patch_that_gets_a_409_changes_no_field(tables: Any, timeline: str) -> None:
    new_session(ANNA, timeline)
    other = new_session(
        ANNA, timeline, startDateTime="2023-12-15T16:00:00Z", endDateTime="2023-12-15T17:00:00Z"
    )
    before = scan_all(tables)
    refused = ANNA.call(
        "update_session", id=other["id"], body={"startDateTime": "2023-12-15T15:59:00Z", "name": "x"}
    )
    assert refused.status == 409
    assert scan_all(tables) == before


def test_the_time_of_a_deleted_session_can_be_booked_again(timeline: str) -> None:
    session = new_session(ANNA, timeline)
    ANNA.call("delete_session", id=session["id"])
    assert ADMIN.call("create_session", body=one_time(timeline)).status == 200


def test_a_session_without_an_end_occupies_only_its_start(timeline: str) -> None:
    new_session(ANNA, timeline, endDateTime=None)
    assert book(timeline, "2023-12-15T14:00:00Z", None) == 409
    assert book(timeline, "2023-12-15T13:00:00Z", "2023-12-15T14:00:00Z") == 200
    assert book(timeline, "2023-12-15T14:00:00.000001Z", "2023-12-15T14:01:00Z") == 200


def test_a_409_names_up_to_ten_conflicting_sessions_in_order_of_time(timeline: str) -> None:
    for day in range(1, 13):
        times = {
            "startDateTime": f"2023-12-{day:02}T09:00:00+09:00",
            "endDateTime": f"2023-12-{day:02}T01:00:00Z",
        }
        new_session(ANNA, timeline, name=f"Day {day}", **times)
    times = {"startDateTime": "2023-11-01T00:30:00Z", "endDateTime": "2023-11-01T00:45:00Z"}
    answer = ANNA.call(
        "create_session", body=one_time(timeline, type="RECURRING", repeatCycleType="DAILY", **times)
    )
    assert answer.status == 409
    assert [detail["name"] for detail in answer.body["details"]] == [f"Day {day}" for day in range(1, 11)]
    assert answer.body["hasMore"] is True
    assert answer.body["details"][0] | {"sessionId": ""} == {
        "sessionId": "",
        "timelineId": timeline,
        "type": "ONE_TIME",
        "name": "Day 1",
        "startDateTime": "2023-12-01T09:00:00+09:00",
        "endDateTime": "2023-12-01T01:00:00Z",
    }


def test_a_409_names_the_first_conflicting_occurrence_of_a_series(timeline: str) -> None:
    weekly = new_series(timeline, "WEEKLY", "2023-12-01T18:00:00+09:00", "2023-12-01T10:00:00Z", name="Yoga")
    times = {"startDateTime": "2033-12-01T00:00:00Z", "endDateTime": "2033-12-31T00:00:00Z"}
    answer = ANNA.call("create_session", body=one_time(timeline, **times))
    assert answer.body["details"] == [
        {
            "sessionId": weekly["id"],
            "timelineId": timeline,
            "type": "RECURRING",
            "name": "Yoga",
            "startDateTime": "2033-12-02T18:00:00+09:00",
            "endDateTime": "2033-12-02T10:00:00Z",
        }
    ]


def test_sessions_can_be_created_and_moved_after_the_newest_session_was_deleted(
    tables: Any, timeline: str
) -> None:
    """The head of the calendar still names the slot of the deleted session.

    So the next transaction has a condition that this slot does not exist.
    """
    first = new_session(ANNA, timeline)
    for change in ("create", "move"):
        last = new_session(ANNA, timeline, startDateTime="2024-01-01T09:00:00Z", endDateTime=None)
        ANNA.call("delete_session", id=last["id"])
        if change == "create":
            new_session(ANNA, timeline, startDateTime="2024-02-01T09:00:00Z", endDateTime=None)
        else:
            moved = {"startDateTime": "2024-03-01T09:00:00Z", "endDateTime": None}
            assert ANNA.call("update_session", id=first["id"], body=moved).status == 200
    assert breaches(tables) == []


def test_a_409_contains_the_new_name_of_a_renamed_session(timeline: str) -> None:
    session = new_session(ANNA, timeline, name="Old")
    ANNA.call("update_session", id=session["id"], body={"name": "New"})
    (detail,) = ANNA.call("create_session", body=one_time(timeline)).body["details"]
    assert detail["name"] == "New"


def test_a_session_whose_timeline_item_is_lost_can_be_deleted(tables: Any, timeline: str) -> None:
    """A timeline item is lost, for example, if only the other tables are restored from a backup."""
    session = new_session(ANNA, timeline)
    tables.delete_item(TableName="TimelinesTable", Key={"id": {"S": timeline}})
    assert ANNA.call("delete_session", id=session["id"]).status == 200
    assert ANNA.call("get_session", id=session["id"]).status == 404
    assert scan(tables, "TimelinesTable") == []


def test_a_session_whose_calendar_is_lost_can_be_deleted(tables: Any, timeline: str) -> None:
    session = new_session(ANNA, timeline)
    for item in scan(tables, "CalendarTable"):
        tables.delete_item(
            TableName="CalendarTable", Key={"ownerId": {"S": "anna"}, "slot": {"S": item["slot"]}}
        )
    assert ANNA.call("delete_session", id=session["id"]).status == 200
    assert scan(tables, "CalendarTable") == []


def test_sessions_can_be_created_in_a_calendar_without_a_head(tables: Any, timeline: str) -> None:
    tables.delete_item(TableName="CalendarTable", Key={"ownerId": {"S": "anna"}, "slot": {"S": "HEAD"}})
    new_session(ANNA, timeline)
    assert ANNA.call("create_session", body=one_time(timeline)).status == 409


def test_a_409_names_a_conflicting_session_once_if_the_session_moves_during_the_post(
    timeline: str, run_before_next: RunBeforeNext
) -> None:
    """The POST reads both slots of a session that a concurrent PATCH moves: the old slot and the new slot."""
    id = new_session(
        ANNA, timeline, startDateTime="2023-12-15T09:00:00Z", endDateTime="2023-12-15T10:00:00Z"
    )["id"]
    new_session(ANNA, timeline, startDateTime="2023-12-20T09:00:00Z", endDateTime="2023-12-20T10:00:00Z")
    later = {"startDateTime": "2023-12-15T11:00:00Z", "endDateTime": "2023-12-15T12:00:00Z"}
    long = {"startDateTime": "2023-12-15T00:00:00Z", "endDateTime": "2023-12-16T00:00:00Z"}
    run_before_next("Query", lambda: ANNA.call("update_session", id=id, body=later))
    answer = ANNA.call("create_session", body=one_time(timeline, **long))
    assert [detail["sessionId"] for detail in answer.body["details"]] == [id]


@pytest.mark.parametrize("others", [0, 1])
def test_a_series_does_not_conflict_with_a_session_that_is_deleted_during_the_conflict_check(
    timeline: str, others: int
) -> None:
    """The check reads the conflicting slot again, to complete its attributes. Before this read, delete the session."""
    early, late = [
        new_session(
            ANNA, timeline, startDateTime=f"2026-01-0{day}T09:00:00Z", endDateTime=f"2026-01-0{day}T10:00:00Z"
        )
        for day in (6, 7)
    ]
    if not others:
        assert ANNA.call("delete_session", id=late["id"]).status == 200

    def delete_before_the_second_read(params: dict[str, Any], **_: object) -> None:
        values = json.loads(params["body"])["ExpressionAttributeValues"]
        if values[":low"] == values[":high"] and "2026-01-06" in values[":low"]["S"]:
            events.unregister(query, delete_before_the_second_read)
            assert ANNA.call("delete_session", id=early["id"]).status == 200

    query, events = "before-call.dynamodb.Query", store.client().meta.events
    events.register(query, delete_before_the_second_read)
    times = {"startDateTime": "2026-01-05T09:00:00Z", "endDateTime": "2026-01-05T10:00:00Z"}
    body = {"type": "RECURRING", "timelineId": timeline, "name": "x", "repeatCycleType": "DAILY", **times}
    answer = ANNA.call("create_session", body=body)
    if others:
        assert answer.status == 409
        assert [each["sessionId"] for each in answer.body["details"]] == [late["id"]]
    else:
        assert answer.status == 200
