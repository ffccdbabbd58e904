"""Rules between the fields of a schedule, and the fields that a PATCH changes implicitly."""

from typing import Any

import pytest

from scheduling.domain import session
from scheduling.domain.schedule_validation import faults, normalize

BERLIN = {
    "type": "RECURRING",
    "startDateTime": "2026-01-05T09:00:00+01:00",
    "endDateTime": "2026-01-05T10:00:00+01:00",
    "timeZone": "Europe/Berlin",
    "repeatCycleType": "WEEKLY",
}


def faulty(**changes: Any) -> list[str]:
    """Return the names of the invalid fields of a series in Berlin with changes."""
    return [fault.field for fault in faults({**BERLIN, **changes})]


def patched(before: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return the stored fields after a PATCH."""
    stored = session.create({"timelineId": "t", "name": "Yoga", **before}, "id", "ada", "then")
    return session.update(stored, changes, "ada", "now")


def test_a_series_in_its_time_zone_has_no_fault() -> None:
    assert faulty() == []
    assert (
        faulty(repeatInterval=2, recurringDaysOfWeek=["TUESDAY", "THURSDAY"], repeatUntil="2026-06-30") == []
    )
    assert faulty(repeatCount=10, excludedDates=["2026-12-24"]) == []


@pytest.mark.parametrize("name", ["Europe/Atlantis", "europe/berlin", "../zones", "Europe", " UTC"])
def test_a_time_zone_must_be_in_the_database(name: str) -> None:
    assert faulty(timeZone=name) == ["timeZone"]


def test_an_offset_that_differs_from_the_time_zone_is_refused_with_the_right_offset() -> None:
    start, end = "2026-07-05T09:00:00+01:00", "2026-07-05T11:00:00+02:00"
    (fault,) = faults({**BERLIN, "startDateTime": start, "endDateTime": end})
    assert fault.field == "startDateTime"
    assert "+02:00" in fault.message
    assert faulty(startDateTime=start, endDateTime=start.replace("T09", "T10")) == [
        "startDateTime",
        "endDateTime",
    ]


def test_a_one_time_session_may_have_a_time_zone_but_no_field_of_a_rule() -> None:
    assert faulty(type="ONE_TIME", repeatCycleType=None) == []
    assert faulty(
        type="ONE_TIME",
        recurringDayOfWeek="MONDAY",
        recurringDaysOfWeek=["MONDAY"],
        repeatInterval=2,
        repeatUntil="2026-06-30",
        repeatCount=3,
        excludedDates=["2026-01-12"],
    ) == ["repeatCycleType", *session.RULE_FIELDS]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("repeatInterval", 2),
        ("repeatUntil", "2026-06-30"),
        ("repeatCount", 3),
        ("excludedDates", ["2026-01-12"]),
        ("recurringDaysOfWeek", ["MONDAY"]),
    ],
)
def test_a_field_of_a_rule_needs_a_cycle(field: str, value: object) -> None:
    assert faulty(repeatCycleType=None, **{field: value}) == [field]


@pytest.mark.parametrize("cycle", ["DAILY", "MONTHLY", "YEARLY"])
def test_weekdays_are_for_weekly_series(cycle: str) -> None:
    assert faulty(repeatCycleType=cycle, recurringDaysOfWeek=["MONDAY"]) == ["recurringDaysOfWeek"]


def test_a_series_has_one_weekday_field_and_one_end_field() -> None:
    assert faulty(recurringDayOfWeek="MONDAY", recurringDaysOfWeek=["MONDAY"]) == ["recurringDaysOfWeek"]
    assert faulty(repeatUntil="2026-06-30", repeatCount=3) == ["repeatCount"]


def test_a_rule_without_an_occurrence_is_a_fault_of_the_responsible_field() -> None:
    assert faulty(repeatUntil="2026-01-04") == ["repeatUntil"]
    assert faulty(repeatUntil="2026-01-05") == []
    assert faulty(repeatCount=2, excludedDates=["2026-01-05", "2026-01-12"]) == ["excludedDates"]
    assert faulty(repeatCount=2, excludedDates=["2026-01-05", "2026-01-13"]) == []
    assert faulty(repeatUntil="2026-01-01", excludedDates=["2026-01-05"]) == ["repeatUntil"]


def test_only_a_one_time_session_may_start_in_the_second_of_two_equal_times() -> None:
    second = {"startDateTime": "2026-10-25T02:30:00+01:00", "endDateTime": "2026-10-25T04:00:00+01:00"}
    assert faulty(**second) == ["startDateTime"]
    assert faulty(type="ONE_TIME", repeatCycleType=None, **second) == []
    assert faulty(startDateTime="2026-10-25T02:30:00+02:00", endDateTime="2026-10-25T04:00:00+01:00") == []
    assert faulty(startDateTime="2026-10-25T01:30:00+02:00", endDateTime="2026-10-25T02:30:00+01:00") == [
        "endDateTime"
    ]


def test_a_series_may_last_a_day_by_the_clock_also_when_the_day_has_25_hours() -> None:
    daily = {"repeatCycleType": "DAILY", "startDateTime": "2026-10-25T00:00:00+02:00"}
    assert faulty(**daily, endDateTime="2026-10-26T00:00:00+01:00") == []
    assert faulty(**daily, endDateTime="2026-10-26T00:00:00.000001+01:00") == ["endDateTime"]


def test_several_weekdays_leave_as_much_time_as_the_shortest_step() -> None:
    days = {"recurringDaysOfWeek": ["SUNDAY", "MONDAY", "THURSDAY"]}
    assert faulty(**days, endDateTime="2026-01-06T09:00:00+01:00") == []
    assert faulty(**days, endDateTime="2026-01-06T09:00:00.000001+01:00") == ["endDateTime"]


def test_an_offset_with_seconds_cannot_be_written_and_is_refused() -> None:
    assert faulty(startDateTime="1880-01-05T09:00:00Z", endDateTime="1880-01-05T10:00:00Z") == [
        "startDateTime",
        "endDateTime",
    ]


def test_a_date_before_the_year_1_on_the_clock_of_the_time_zone_is_refused() -> None:
    fields = {"timeZone": "Etc/GMT+5", "startDateTime": "0001-01-01T00:00:00Z", "endDateTime": None}
    (fault,) = faults({**BERLIN, **fields})
    assert (fault.field, "years 1 to 9999" in fault.message) == ("startDateTime", True)


def test_z_becomes_the_offset_of_the_time_zone() -> None:
    fields = {"timeZone": "Europe/Berlin", "startDateTime": "2026-07-05T07:00:00Z"}
    assert normalize(fields)["startDateTime"] == "2026-07-05T09:00:00+02:00"
    assert normalize({**fields, "timeZone": None})["startDateTime"] == "2026-07-05T07:00:00Z"
    at_zero = {"timeZone": "Africa/Abidjan", "startDateTime": "2026-07-05T07:00Z"}
    assert normalize(at_zero) == at_zero
    assert normalize({**fields, "timeZone": "Nowhere"})["startDateTime"] == "2026-07-05T07:00:00Z"


def test_stored_times_are_not_validated_again() -> None:
    stored = {
        **BERLIN,
        "startDateTime": "2026-01-05T09:00:00+03:00",
        "endDateTime": "2026-01-05T10:00:00+03:00",
    }
    assert [fault.field for fault in faults({**stored, "name": "Yoga"}, stored)] == []
    assert [fault.field for fault in faults({**stored, "endDateTime": None}, stored)] == ["startDateTime"]


def test_a_patch_to_one_time_clears_the_rule_and_keeps_the_time_zone() -> None:
    rule = {
        "repeatInterval": 2,
        "recurringDaysOfWeek": ["MONDAY"],
        "repeatUntil": "2026-06-30",
        "excludedDates": [],
    }
    after = patched({**BERLIN, **rule}, type="ONE_TIME")
    assert not after.keys() & {"repeatCycleType", *session.RULE_FIELDS}
    assert after["timeZone"] == "Europe/Berlin"


def test_clearing_the_cycle_clears_the_rule() -> None:
    after = patched({**BERLIN, "repeatInterval": 2, "repeatCount": 3}, repeatCycleType=None)
    assert not after.keys() & {"repeatCycleType", *session.RULE_FIELDS}


def test_a_patch_of_the_cycle_clears_the_weekdays_unless_they_were_sent() -> None:
    weekly = {**BERLIN, "recurringDaysOfWeek": ["MONDAY"], "repeatInterval": 2}
    after = patched(weekly, repeatCycleType="MONTHLY")
    assert "recurringDaysOfWeek" not in after
    assert after["repeatInterval"] == 2
    after = patched(weekly, repeatCycleType="MONTHLY", recurringDayOfWeek="MONDAY")
    assert after["recurringDayOfWeek"] == "MONDAY"


@pytest.mark.parametrize(
    ("field", "value", "other", "other_value"),
    [
        ("recurringDayOfWeek", "MONDAY", "recurringDaysOfWeek", ["TUESDAY"]),
        ("recurringDaysOfWeek", ["TUESDAY"], "recurringDayOfWeek", "MONDAY"),
        ("repeatUntil", "2026-06-30", "repeatCount", 3),
        ("repeatCount", 3, "repeatUntil", "2026-06-30"),
    ],
)
def test_setting_a_field_clears_the_one_that_it_replaces(
    field: str, value: object, other: str, other_value: object
) -> None:
    before = {**BERLIN, other: other_value}
    after = patched(before, **{field: value})
    assert (after[field], other in after) == (value, False)
    assert patched(before, **{field: None})[other] == other_value
    assert patched(before, **{field: value, other: other_value})[other] == other_value


def test_moving_a_weekly_series_moves_its_weekday_when_the_two_agreed() -> None:
    tuesday = {"startDateTime": "2026-01-06T09:00:00+01:00", "endDateTime": "2026-01-06T10:00:00+01:00"}
    assert patched({**BERLIN, "recurringDayOfWeek": "MONDAY"}, **tuesday)["recurringDayOfWeek"] == "TUESDAY"
    assert patched({**BERLIN, "recurringDayOfWeek": "FRIDAY"}, **tuesday)["recurringDayOfWeek"] == "FRIDAY"
    sent = patched({**BERLIN, "recurringDayOfWeek": "MONDAY"}, **tuesday, recurringDayOfWeek="MONDAY")
    assert sent["recurringDayOfWeek"] == "MONDAY"
    assert "recurringDayOfWeek" not in patched(BERLIN, **tuesday)


def test_the_weekday_of_a_moved_series_is_that_of_its_time_zone() -> None:
    late = {"startDateTime": "2026-01-05T23:30:00Z", "endDateTime": "2026-01-06T00:30:00Z"}
    after = patched({**BERLIN, "recurringDayOfWeek": "MONDAY"}, **late)
    assert after["startDateTime"] == "2026-01-06T00:30:00+01:00"
    assert after["recurringDayOfWeek"] == "TUESDAY"


def test_moving_a_series_that_gets_several_weekdays_keeps_those_alone() -> None:
    tuesday = {"startDateTime": "2026-01-06T09:00:00+01:00", "endDateTime": "2026-01-06T10:00:00+01:00"}
    after = patched(
        {**BERLIN, "recurringDayOfWeek": "MONDAY"}, **tuesday, recurringDaysOfWeek=["TUESDAY", "FRIDAY"]
    )
    assert "recurringDayOfWeek" not in after


def test_the_same_start_in_utc_is_no_change() -> None:
    stored = session.create({"timelineId": "t", "name": "Yoga", **BERLIN}, "id", "ada", "then")
    assert session.update(stored, {"startDateTime": "2026-01-05T08:00:00Z"}, "ada", "now") is stored


def test_a_time_zone_set_later_gives_a_start_in_utc_its_offset() -> None:
    utc = {"startDateTime": "2026-01-05T08:00:00Z", "endDateTime": "2026-01-05T09:00:00Z", "timeZone": None}
    after = patched({**BERLIN, **utc}, timeZone="Europe/Berlin")
    assert (after["startDateTime"], after["endDateTime"]) == (BERLIN["startDateTime"], BERLIN["endDateTime"])
