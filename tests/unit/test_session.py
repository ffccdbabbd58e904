"""Validation of a session, its stored form, and the results of PATCH and DELETE."""

from typing import Any

import pytest

from scheduling.domain import session

ONCE = {
    "type": "ONE_TIME",
    "timelineId": "t",
    "name": "Yoga",
    "startDateTime": "2023-12-01T09:00:00+09:00",
    "endDateTime": "2023-12-01T10:00:00+09:00",
}
WEEKLY = {**ONCE, "type": "RECURRING", "repeatCycleType": "WEEKLY", "recurringDayOfWeek": "MONDAY"}


def invalid_fields(fields: dict[str, Any]) -> list[str]:
    """Return the names of the invalid fields, in order."""
    return [fault.field for fault in session.faults(fields)]


THEN, NOW = "2026-11-24T09:00:00.000Z", "2026-11-24T10:00:00.000Z"


def create(fields: dict[str, Any]) -> session.Session:
    """Return a new session as it is stored."""
    return session.create(fields, "id", "ada", THEN)


def patch(before: session.Session, **fields: Any) -> session.Session:
    """Return the session after a PATCH by its owner."""
    return session.update(before, fields, "ada", NOW)


def test_a_valid_session_has_no_fault() -> None:
    assert invalid_fields(ONCE) == []
    assert invalid_fields(WEEKLY) == []


def test_an_end_needs_a_start() -> None:
    assert invalid_fields({**ONCE, "startDateTime": None}) == ["startDateTime"]


def test_start_and_end_are_compared_as_instants_not_as_text() -> None:
    assert invalid_fields({**ONCE, "endDateTime": "2023-12-01T00:00:00Z"}) == ["endDateTime"]
    assert invalid_fields({**ONCE, "endDateTime": "2023-12-01T00:00:00.000001Z"}) == []


def test_a_one_time_session_with_a_cycle_and_a_weekday_has_two_faults() -> None:
    assert invalid_fields({**WEEKLY, "type": "ONE_TIME"}) == ["repeatCycleType", "recurringDayOfWeek"]


@pytest.mark.parametrize("cycle", [None, "DAILY", "MONTHLY", "YEARLY"])
def test_only_weekly_series_may_have_a_weekday(cycle: str | None) -> None:
    assert invalid_fields({**WEEKLY, "repeatCycleType": cycle}) == ["recurringDayOfWeek"]


def test_an_occurrence_may_last_a_whole_cycle_but_not_a_microsecond_longer() -> None:
    daily = {**WEEKLY, "repeatCycleType": "DAILY", "recurringDayOfWeek": None}
    assert invalid_fields({**daily, "endDateTime": "2023-12-02T00:00:00Z"}) == []
    assert invalid_fields({**daily, "endDateTime": "2023-12-02T00:00:00.000001Z"}) == ["endDateTime"]


def test_a_series_whose_end_is_before_its_start_has_only_one_fault() -> None:
    assert invalid_fields({**WEEKLY, "endDateTime": "2023-11-01T00:00:00Z"}) == ["endDateTime"]


def test_faults_of_several_fields_are_listed_together() -> None:
    fields = {**WEEKLY, "type": "ONE_TIME", "endDateTime": "2023-11-01T00:00:00Z"}
    assert invalid_fields(fields) == ["endDateTime", "repeatCycleType", "recurringDayOfWeek"]


def test_an_absent_field_causes_no_fault_of_another_field() -> None:
    assert invalid_fields({"endDateTime": WEEKLY["endDateTime"]}) == []
    assert invalid_fields({"type": "RECURRING", "recurringDayOfWeek": "MONDAY"}) == []


def test_a_new_session_is_stored_without_nulls_and_sorts_by_its_start_in_utc() -> None:
    stored = create({**ONCE, "description": None})
    assert "description" not in stored
    assert stored["startKey"] == "2023-12-01T00:00:00.000000Z#id"
    assert stored["startYear"] == "2023"
    assert (stored["version"], stored["createdAt"], stored["updatedAt"]) == (1, THEN, THEN)


def test_the_year_of_a_start_is_its_year_in_utc() -> None:
    assert create({**ONCE, "startDateTime": "2024-01-01T08:59:59+09:00"})["startYear"] == "2023"


def test_a_session_without_a_start_sorts_after_every_date() -> None:
    stored = create({"type": "ONE_TIME", "timelineId": "t", "name": "Yoga"})
    assert stored["startYear"] == "none"
    assert stored["startKey"] > create({**ONCE, "startDateTime": "9999-12-31T23:59:59Z"})["startKey"]


def test_the_view_of_a_session_has_exactly_the_fields_of_the_api() -> None:
    seen = session.view(create(ONCE))
    assert tuple(seen) == session.FIELDS
    assert not {"ownerId", "version", "startKey", "slot"} & set(seen)
    assert seen["removedAt"] is None


def test_a_patch_of_the_name_changes_only_the_name_the_version_and_updated_at() -> None:
    before = create(WEEKLY)
    after = patch(before, name="Pilates")
    assert after == {**before, "name": "Pilates", "version": 2, "updatedAt": NOW}


@pytest.mark.parametrize("fields", [{}, {"name": "Yoga"}, {"description": None}, {"type": "ONE_TIME"}])
def test_a_patch_that_changes_nothing_returns_the_same_session(fields: dict[str, Any]) -> None:
    before = create(ONCE)
    assert patch(before, **fields) is before


def test_null_clears_a_field() -> None:
    after = patch(create(WEEKLY), recurringDayOfWeek=None, endDateTime=None)
    assert "recurringDayOfWeek" not in after
    assert "endDateTime" not in after
    assert after["repeatCycleType"] == "WEEKLY"


def test_a_patch_to_one_time_clears_the_cycle_and_the_weekday_unless_the_patch_sets_them() -> None:
    after = patch(create(WEEKLY), type="ONE_TIME")
    assert "repeatCycleType" not in after
    assert "recurringDayOfWeek" not in after
    wrong = patch(create(WEEKLY), type="ONE_TIME", repeatCycleType="DAILY")
    assert invalid_fields(wrong) == ["repeatCycleType"]


def test_a_patch_to_recurring_clears_the_series_id_and_the_original_date_for_good() -> None:
    occurrence = create({**ONCE, "seriesId": "series", "originalDate": "2023-12-01"})
    recurring = patch(occurrence, type="RECURRING")
    assert not {"seriesId", "originalDate"} & set(recurring)
    assert not {"seriesId", "originalDate"} & set(patch(recurring, type="ONE_TIME"))


def test_a_new_start_changes_the_sort_key_and_the_year() -> None:
    after = patch(create(ONCE), startDateTime="2024-01-01T00:00:00Z", endDateTime=None)
    assert after["startKey"] == "2024-01-01T00:00:00.000000Z#id"
    assert after["startYear"] == "2024"
    cleared = patch(after, startDateTime=None)
    assert (cleared["startKey"], cleared["startYear"]) == ("~#id", "none")


def test_a_patch_that_changes_only_the_offset_of_the_start_changes_the_session() -> None:
    before = create(ONCE)
    after = patch(before, startDateTime="2023-12-01T00:00:00Z")
    assert after["version"] == 2
    assert after["startKey"] == before["startKey"]


def test_a_moved_session_has_the_owner_of_its_new_timeline() -> None:
    after = session.update(create(ONCE), {"timelineId": "u"}, "bob", NOW)
    assert (after["timelineId"], after["ownerId"]) == ("u", "bob")


def test_a_deleted_session_has_no_sort_key_and_expires() -> None:
    before = create(ONCE)
    after = session.delete(before, NOW, 99)
    assert "startKey" not in after
    assert (after["removedAt"], after["updatedAt"], after["expiresAt"], after["version"]) == (
        NOW,
        NOW,
        99,
        2,
    )
    assert "startKey" in before


def test_updated_at_never_decreases_when_a_clock_is_behind() -> None:
    before = session.create(ONCE, "id", "ada", NOW)
    assert session.update(before, {"name": "Pilates"}, "ada", THEN)["updatedAt"] == NOW
    removed = session.delete(before, THEN, 99)
    assert (removed["updatedAt"], removed["removedAt"]) == (NOW, NOW)


@pytest.mark.parametrize(
    ("start", "year"),
    [("0001", "00"), ("1899", "18"), ("1900", "1900"), ("2199", "2199"), ("2200", "22"), ("9999", "99")],
)
def test_the_stored_start_year_before_1900_and_after_2199_is_a_century(start: str, year: str) -> None:
    assert (
        create({**ONCE, "startDateTime": f"{start}-06-01T00:00:00Z", "endDateTime": None})["startYear"]
        == year
    )
