"""Series with time zones, intervals, ends and excluded dates, created and updated through the handlers."""

import json
from typing import Any

import pytest

from scheduling.domain.instants import parse
from tests.functional.conftest import ANNA, BERLIN
from tests.support.template import ROOT

VECTORS = json.loads((ROOT / "tests/vectors/recurrence.json").read_text("utf-8"))


def body(timeline: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {"name": "x", **fields, "timelineId": timeline}


def one_hour(timeline: str, start: str) -> dict[str, Any]:
    end = start.replace("T09", "T10").replace("T08", "T09")
    return body(timeline, {"type": "ONE_TIME", "startDateTime": start, "endDateTime": end})


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["why"])
def test_each_pair_of_sessions_in_the_test_vectors_conflicts_as_expected(
    timeline: str, case: dict[str, Any]
) -> None:
    stored = ANNA.call("create_session", body=body(timeline, case["a"])).data
    read = ANNA.call("get_session", id=stored["id"]).data
    assert read == stored
    for field in (
        "repeatInterval",
        "recurringDaysOfWeek",
        "repeatUntil",
        "repeatCount",
        "excludedDates",
        "timeZone",
    ):
        assert read[field] == case["a"].get(field)
    created = ANNA.call("create_session", body=body(timeline, case["b"]))
    assert created.status == (409 if case["conflict"] else 200)
    if case["conflict"]:
        (conflict,) = created.body["details"]
        start = conflict["startDateTime"]
        assert (start and parse(start).instant) == (case["firstClash"] and parse(case["firstClash"]).instant)
        free = ANNA.call("create_session", body=body(timeline, {"type": case["b"]["type"]})).data
        moved = ANNA.call("update_session", id=free["id"], body={**case["b"]})
        assert (moved.status, moved.body["details"]) == (409, [conflict])
    else:
        assert ANNA.call("delete_session", id=stored["id"]).status == 200
        again = ANNA.call("create_session", body=body(timeline, {"type": "RECURRING"})).data
        assert ANNA.call("update_session", id=again["id"], body={**case["a"]}).status == 200


def test_the_times_of_a_conflict_have_the_utc_offset_of_the_time_zone_of_the_stored_session(
    timeline: str,
) -> None:
    ANNA.call("create_session", body=body(timeline, BERLIN))
    answer = ANNA.call(
        "create_session",
        body=one_hour(timeline, "2026-07-06T07:30:00Z") | {"endDateTime": "2026-07-06T08:30:00Z"},
    )
    (conflict,) = answer.body["details"]
    assert conflict["startDateTime"] == "2026-07-06T09:00:00+02:00"
    assert conflict["endDateTime"] == "2026-07-06T10:00:00+02:00"


def test_a_utc_time_with_a_time_zone_is_returned_with_the_offset_of_the_zone(timeline: str) -> None:
    utc = {"startDateTime": "2026-01-05T08:00:00Z", "endDateTime": "2026-01-05T09:00:00Z"}
    session = ANNA.call("create_session", body=body(timeline, BERLIN | utc)).data
    assert (session["startDateTime"], session["endDateTime"]) == (
        BERLIN["startDateTime"],
        BERLIN["endDateTime"],
    )
    assert ANNA.call("create_session", body=one_hour(timeline, "2026-07-06T09:00:00+02:00")).status == 409
    assert ANNA.call("create_session", body=one_hour(timeline, "2026-07-06T09:00:00+01:00")).status == 200


def test_an_excluded_date_can_be_booked_and_then_cannot_return_to_the_series(timeline: str) -> None:
    series = ANNA.call("create_session", body=body(timeline, BERLIN)).data
    holiday = one_hour(timeline, "2026-04-06T09:00:00+02:00")
    assert ANNA.call("create_session", body=holiday).status == 409
    excluded = ANNA.call("update_session", id=series["id"], body={"excludedDates": ["2026-04-06"]})
    assert excluded.data["excludedDates"] == ["2026-04-06"]
    assert ANNA.call("create_session", body=holiday).status == 200
    assert ANNA.call("update_session", id=series["id"], body={"excludedDates": None}).status == 409
    assert (
        ANNA.call(
            "update_session", id=series["id"], body={"excludedDates": ["2026-04-06", "2026-04-13"]}
        ).status
        == 200
    )


def test_a_shortened_series_releases_the_time_after_its_new_end(timeline: str) -> None:
    series = ANNA.call("create_session", body=body(timeline, BERLIN)).data
    later = one_hour(timeline, "2026-07-06T09:00:00+02:00")
    assert ANNA.call("create_session", body=later).status == 409
    assert ANNA.call("update_session", id=series["id"], body={"repeatUntil": "2026-06-30"}).status == 200
    assert ANNA.call("create_session", body=later).status == 200
    assert ANNA.call("update_session", id=series["id"], body={"repeatUntil": None}).status == 409
    counted = ANNA.call("update_session", id=series["id"], body={"repeatCount": 10}).data
    assert (counted["repeatCount"], counted["repeatUntil"]) == (10, None)


def test_a_patch_that_excludes_every_occurrence_of_a_series_gets_a_400(timeline: str) -> None:
    series = ANNA.call("create_session", body=body(timeline, BERLIN | {"repeatCount": 1})).data
    answer = ANNA.call("update_session", id=series["id"], body={"excludedDates": ["2026-01-05"]})
    assert (answer.status, [fault["field"] for fault in answer.body["details"]]) == (400, ["excludedDates"])


def test_a_patch_to_the_type_one_time_clears_the_recurrence_rule_but_not_the_time_zone(timeline: str) -> None:
    rule = {
        "repeatInterval": 2,
        "recurringDaysOfWeek": ["MONDAY", "FRIDAY"],
        "repeatCount": 3,
        "excludedDates": [],
    }
    series = ANNA.call("create_session", body=body(timeline, BERLIN | rule)).data
    assert [series[field] for field in rule] == list(rule.values())
    changed = ANNA.call("update_session", id=series["id"], body={"type": "ONE_TIME"}).data
    assert [changed[field] for field in rule] == [None] * 4
    assert (changed["timeZone"], changed["repeatCycleType"]) == ("Europe/Berlin", None)


def test_moving_the_start_of_a_weekly_series_to_another_day_changes_its_recurring_day_of_week(
    timeline: str,
) -> None:
    series = ANNA.call("create_session", body=body(timeline, BERLIN | {"recurringDayOfWeek": "MONDAY"})).data
    tuesday = {"startDateTime": "2026-01-06T09:00:00+01:00", "endDateTime": "2026-01-06T10:00:00+01:00"}
    moved = ANNA.call("update_session", id=series["id"], body=tuesday).data
    assert moved["recurringDayOfWeek"] == "TUESDAY"
    assert ANNA.call("create_session", body=one_hour(timeline, "2026-03-02T09:00:00+01:00")).status == 200
    assert ANNA.call("create_session", body=one_hour(timeline, "2026-03-03T09:00:00+01:00")).status == 409


def test_a_patch_is_validated_with_the_stored_time_zone(timeline: str) -> None:
    """An occurrence of a DAILY series may last one day. In Berlin, 2026-10-25 lasts 25 hours.

    Without the stored time zone, the API would compare these 25 hours with a day of 24 hours, and respond with 400.
    """
    fields = {"repeatCycleType": "DAILY", "startDateTime": "2026-01-05T00:00:00+01:00", "endDateTime": None}
    series = ANNA.call("create_session", body=body(timeline, BERLIN | fields)).data
    night = {"startDateTime": "2026-10-25T00:00:00+02:00", "endDateTime": "2026-10-26T00:00:00+01:00"}
    changed = ANNA.call("update_session", id=series["id"], body={"repeatCycleType": "DAILY", **night})
    assert changed.status == 200


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("timeZone", ""),
        ("timeZone", "Mars/Olympus"),
        ("timeZone", 1),
        ("repeatInterval", 0),
        ("repeatInterval", 1000),
        ("repeatInterval", "2"),
        ("repeatInterval", 1.5),
        ("repeatInterval", True),
        ("repeatCount", 0),
        ("repeatCount", 1000),
        ("repeatUntil", "2026-02-30"),
        ("repeatUntil", "2026-06-30T00:00:00Z"),
        ("repeatUntil", "20260630"),
        ("repeatUntil", 20260630),
        ("excludedDates", "2026-06-30"),
        ("excludedDates", ["2026-06-30", "2026-06-30"]),
        ("excludedDates", ["2026-06-31"]),
        ("excludedDates", [None]),
        (
            "excludedDates",
            [
                f"2026-{1 + n // 28 % 12:02}-{1 + n % 28:02}"
                if n < 336
                else f"2027-{1 + n // 28 % 12:02}-{1 + n % 28:02}"
                for n in range(367)
            ],
        ),
        ("recurringDaysOfWeek", []),
        ("recurringDaysOfWeek", ["MONDAY", "MONDAY"]),
        ("recurringDaysOfWeek", ["Monday"]),
        ("recurringDaysOfWeek", "MONDAY"),
    ],
)
@pytest.mark.parametrize("function", ["create_session", "update_session"])
def test_a_400_names_an_invalid_recurrence_field(
    timeline: str, function: str, field: str, value: object
) -> None:
    stored = ANNA.call("create_session", body=body(timeline, BERLIN)).data
    later = {"startDateTime": "2026-01-06T09:00:00+01:00", "endDateTime": "2026-01-06T10:00:00+01:00"}
    sent = {field: value} if function == "update_session" else body(timeline, BERLIN | later | {field: value})
    answer = ANNA.call(function, id=stored["id"] if function == "update_session" else "", body=sent)
    assert answer.status == 400
    assert {fault["field"] for fault in answer.body["details"]} == {field}
