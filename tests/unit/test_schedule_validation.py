"""Validation of the fields of a schedule, and fields that a PATCH changes although the PATCH does not name them."""

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


def invalid_fields(**changes: Any) -> list[str]:
    """Return the names of the invalid fields of a weekly series in Berlin, with changes."""
    return [fault.field for fault in faults({**BERLIN, **changes})]


def patch(before: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Create a session, apply a PATCH, and return the changed session."""
    stored = session.create({"timelineId": "t", "name": "Yoga", **before}, "id", "ada", "then")
    return session.update(stored, changes, "ada", "now")


def test_a_valid_series_with_a_time_zone_has_no_fault() -> None:
    assert invalid_fields() == []
    assert (
        invalid_fields(
            repeatInterval=2, recurringDaysOfWeek=["TUESDAY", "THURSDAY"], repeatUntil="2026-06-30"
        )
        == []
    )
    assert invalid_fields(repeatCount=10, excludedDates=["2026-12-24"]) == []


@pytest.mark.parametrize("name", ["Europe/Atlantis", "europe/berlin", "../zones", "Europe", " UTC"])
def test_a_time_zone_must_be_in_the_time_zone_database(name: str) -> None:
    assert invalid_fields(timeZone=name) == ["timeZone"]


def test_the_fault_of_a_wrong_offset_names_the_offset_of_the_time_zone() -> None:
    start, end = "2026-07-05T09:00:00+01:00", "2026-07-05T11:00:00+02:00"
    (fault,) = faults({**BERLIN, "startDateTime": start, "endDateTime": end})
    assert fault.field == "startDateTime"
    assert "+02:00" in fault.message
    assert invalid_fields(startDateTime=start, endDateTime=start.replace("T09", "T10")) == [
        "startDateTime",
        "endDateTime",
    ]


def test_a_one_time_session_may_have_a_time_zone_but_no_recurrence_rule() -> None:
    assert invalid_fields(type="ONE_TIME", repeatCycleType=None) == []
    assert invalid_fields(
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
def test_a_field_of_the_recurrence_rule_needs_a_cycle(field: str, value: object) -> None:
    assert invalid_fields(repeatCycleType=None, **{field: value}) == [field]


@pytest.mark.parametrize("cycle", ["DAILY", "MONTHLY", "YEARLY"])
def test_only_weekly_series_may_have_weekdays(cycle: str) -> None:
    assert invalid_fields(repeatCycleType=cycle, recurringDaysOfWeek=["MONDAY"]) == ["recurringDaysOfWeek"]


def test_a_series_has_at_most_one_weekday_field_and_one_end_field() -> None:
    assert invalid_fields(recurringDayOfWeek="MONDAY", recurringDaysOfWeek=["MONDAY"]) == [
        "recurringDaysOfWeek"
    ]
    assert invalid_fields(repeatUntil="2026-06-30", repeatCount=3) == ["repeatCount"]


def test_the_fault_of_a_series_without_occurrences_names_the_end_or_the_excluded_dates() -> None:
    assert invalid_fields(repeatUntil="2026-01-04") == ["repeatUntil"]
    assert invalid_fields(repeatUntil="2026-01-05") == []
    assert invalid_fields(repeatCount=2, excludedDates=["2026-01-05", "2026-01-12"]) == ["excludedDates"]
    assert invalid_fields(repeatCount=2, excludedDates=["2026-01-05", "2026-01-13"]) == []
    assert invalid_fields(repeatUntil="2026-01-01", excludedDates=["2026-01-05"]) == ["repeatUntil"]


def test_a_one_time_session_but_no_series_may_use_the_later_instant_of_an_ambiguous_local_time() -> None:
    second = {"startDateTime": "2026-10-25T02:30:00+01:00", "endDateTime": "2026-10-25T04:00:00+01:00"}
    assert invalid_fields(**second) == ["startDateTime"]
    assert invalid_fields(type="ONE_TIME", repeatCycleType=None, **second) == []
    assert (
        invalid_fields(startDateTime="2026-10-25T02:30:00+02:00", endDateTime="2026-10-25T04:00:00+01:00")
        == []
    )
    assert invalid_fields(
        startDateTime="2026-10-25T01:30:00+02:00", endDateTime="2026-10-25T02:30:00+01:00"
    ) == ["endDateTime"]


def test_a_daily_occurrence_may_fill_a_day_of_25_hours() -> None:
    daily = {"repeatCycleType": "DAILY", "startDateTime": "2026-10-25T00:00:00+02:00"}
    assert invalid_fields(**daily, endDateTime="2026-10-26T00:00:00+01:00") == []
    assert invalid_fields(**daily, endDateTime="2026-10-26T00:00:00.000001+01:00") == ["endDateTime"]


def test_an_occurrence_may_last_as_long_as_the_shortest_gap_between_weekdays_of_the_rule() -> None:
    days = {"recurringDaysOfWeek": ["SUNDAY", "MONDAY", "THURSDAY"]}
    assert invalid_fields(**days, endDateTime="2026-01-06T09:00:00+01:00") == []
    assert invalid_fields(**days, endDateTime="2026-01-06T09:00:00.000001+01:00") == ["endDateTime"]


def test_a_time_is_refused_if_the_offset_of_the_zone_has_seconds_at_that_time() -> None:
    assert invalid_fields(startDateTime="1880-01-05T09:00:00Z", endDateTime="1880-01-05T10:00:00Z") == [
        "startDateTime",
        "endDateTime",
    ]


def test_a_local_date_before_the_year_1_is_refused() -> None:
    fields = {"timeZone": "Etc/GMT+5", "startDateTime": "0001-01-01T00:00:00Z", "endDateTime": None}
    (fault,) = faults({**BERLIN, **fields})
    assert (fault.field, "years 1 to 9999" in fault.message) == ("startDateTime", True)


def test_a_utc_time_gets_the_offset_of_the_time_zone() -> None:
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


def test_a_patch_to_one_time_clears_the_recurrence_rule_and_keeps_the_time_zone() -> None:
    rule = {
        "repeatInterval": 2,
        "recurringDaysOfWeek": ["MONDAY"],
        "repeatUntil": "2026-06-30",
        "excludedDates": [],
    }
    after = patch({**BERLIN, **rule}, type="ONE_TIME")
    assert not after.keys() & {"repeatCycleType", *session.RULE_FIELDS}
    assert after["timeZone"] == "Europe/Berlin"


def test_clearing_the_cycle_clears_the_recurrence_rule() -> None:
    after = patch({**BERLIN, "repeatInterval": 2, "repeatCount": 3}, repeatCycleType=None)
    assert not after.keys() & {"repeatCycleType", *session.RULE_FIELDS}


def test_a_patch_to_a_monthly_cycle_clears_the_weekdays_that_the_patch_does_not_set() -> None:
    weekly = {**BERLIN, "recurringDaysOfWeek": ["MONDAY"], "repeatInterval": 2}
    after = patch(weekly, repeatCycleType="MONTHLY")
    assert "recurringDaysOfWeek" not in after
    assert after["repeatInterval"] == 2
    after = patch(weekly, repeatCycleType="MONTHLY", recurringDayOfWeek="MONDAY")
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
def test_a_patch_that_sets_one_of_two_exclusive_fields_clears_the_other_field(
    field: str, value: object, other: str, other_value: object
) -> None:
    before = {**BERLIN, other: other_value}
    after = patch(before, **{field: value})
    assert (after[field], other in after) == (value, False)
    assert patch(before, **{field: None})[other] == other_value
    assert patch(before, **{field: value, other: other_value})[other] == other_value


def test_moving_a_weekly_series_updates_its_weekday_if_the_old_start_was_on_this_weekday() -> None:
    tuesday = {"startDateTime": "2026-01-06T09:00:00+01:00", "endDateTime": "2026-01-06T10:00:00+01:00"}
    assert patch({**BERLIN, "recurringDayOfWeek": "MONDAY"}, **tuesday)["recurringDayOfWeek"] == "TUESDAY"
    assert patch({**BERLIN, "recurringDayOfWeek": "FRIDAY"}, **tuesday)["recurringDayOfWeek"] == "FRIDAY"
    sent = patch({**BERLIN, "recurringDayOfWeek": "MONDAY"}, **tuesday, recurringDayOfWeek="MONDAY")
    assert sent["recurringDayOfWeek"] == "MONDAY"
    assert "recurringDayOfWeek" not in patch(BERLIN, **tuesday)


def test_the_weekday_of_a_moved_series_is_computed_in_its_time_zone() -> None:
    late = {"startDateTime": "2026-01-05T23:30:00Z", "endDateTime": "2026-01-06T00:30:00Z"}
    after = patch({**BERLIN, "recurringDayOfWeek": "MONDAY"}, **late)
    assert after["startDateTime"] == "2026-01-06T00:30:00+01:00"
    assert after["recurringDayOfWeek"] == "TUESDAY"


def test_a_patch_of_the_start_and_recurring_days_of_week_clears_recurring_day_of_week() -> None:
    tuesday = {"startDateTime": "2026-01-06T09:00:00+01:00", "endDateTime": "2026-01-06T10:00:00+01:00"}
    after = patch(
        {**BERLIN, "recurringDayOfWeek": "MONDAY"}, **tuesday, recurringDaysOfWeek=["TUESDAY", "FRIDAY"]
    )
    assert "recurringDayOfWeek" not in after


def test_a_patch_with_the_stored_start_written_in_utc_changes_nothing() -> None:
    stored = session.create({"timelineId": "t", "name": "Yoga", **BERLIN}, "id", "ada", "then")
    assert session.update(stored, {"startDateTime": "2026-01-05T08:00:00Z"}, "ada", "now") is stored


def test_adding_a_time_zone_gives_utc_times_the_offset_of_the_zone() -> None:
    utc = {"startDateTime": "2026-01-05T08:00:00Z", "endDateTime": "2026-01-05T09:00:00Z", "timeZone": None}
    after = patch({**BERLIN, **utc}, timeZone="Europe/Berlin")
    assert (after["startDateTime"], after["endDateTime"]) == (BERLIN["startDateTime"], BERLIN["endDateTime"])
