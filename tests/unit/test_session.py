"""Rules of a session, and the results of PATCH and DELETE."""

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


def faulty(fields: dict[str, Any]) -> list[str]:
    """Return the names of the invalid fields, in order."""
    return [fault.field for fault in session.faults(fields)]


THEN, NOW = "2026-11-24T09:00:00.000Z", "2026-11-24T10:00:00.000Z"


def created(fields: dict[str, Any]) -> session.Session:
    """Return a new session as it is stored."""
    return session.create(fields, "id", "ada", THEN)


def changed(before: session.Session, **fields: Any) -> session.Session:
    """Return the session after a PATCH by its owner."""
    return session.update(before, fields, "ada", NOW)


def test_a_valid_session_has_no_fault() -> None:
    assert faulty(ONCE) == []
    assert faulty(WEEKLY) == []


def test_an_end_needs_a_start() -> None:
    assert faulty({**ONCE, "startDateTime": None}) == ["startDateTime"]


def test_an_end_comes_after_the_start_as_instants_not_as_letters() -> None:
    assert faulty({**ONCE, "endDateTime": "2023-12-01T00:00:00Z"}) == ["endDateTime"]
    assert faulty({**ONCE, "endDateTime": "2023-12-01T00:00:00.000001Z"}) == []


def test_a_one_time_session_has_neither_cycle_nor_day_and_both_are_named() -> None:
    assert faulty({**WEEKLY, "type": "ONE_TIME"}) == ["repeatCycleType", "recurringDayOfWeek"]


@pytest.mark.parametrize("cycle", [None, "DAILY", "MONTHLY", "YEARLY"])
def test_only_weekly_series_have_a_day_of_the_week(cycle: str | None) -> None:
    assert faulty({**WEEKLY, "repeatCycleType": cycle}) == ["recurringDayOfWeek"]


def test_a_series_may_fill_its_cycle_and_not_a_microsecond_more() -> None:
    daily = {**WEEKLY, "repeatCycleType": "DAILY", "recurringDayOfWeek": None}
    assert faulty({**daily, "endDateTime": "2023-12-02T00:00:00Z"}) == []
    assert faulty({**daily, "endDateTime": "2023-12-02T00:00:00.000001Z"}) == ["endDateTime"]


def test_a_series_that_ends_before_it_begins_is_one_fault_not_two() -> None:
    assert faulty({**WEEKLY, "endDateTime": "2023-11-01T00:00:00Z"}) == ["endDateTime"]


def test_several_faults_are_named_at_once() -> None:
    fields = {**WEEKLY, "type": "ONE_TIME", "endDateTime": "2023-11-01T00:00:00Z"}
    assert faulty(fields) == ["endDateTime", "repeatCycleType", "recurringDayOfWeek"]


def test_a_faulty_field_causes_no_fault_of_another_field() -> None:
    assert faulty({"endDateTime": WEEKLY["endDateTime"]}) == []
    assert faulty({"type": "RECURRING", "recurringDayOfWeek": "MONDAY"}) == []


def test_a_new_session_is_stored_without_nulls_and_sorts_by_its_start_in_utc() -> None:
    stored = created({**ONCE, "description": None})
    assert "description" not in stored
    assert stored["startKey"] == "2023-12-01T00:00:00.000000Z#id"
    assert stored["startYear"] == "2023"
    assert (stored["version"], stored["createdAt"], stored["updatedAt"]) == (1, THEN, THEN)


def test_the_year_of_a_start_is_its_year_in_utc() -> None:
    assert created({**ONCE, "startDateTime": "2024-01-01T08:59:59+09:00"})["startYear"] == "2023"


def test_a_session_without_a_start_sorts_after_every_date() -> None:
    stored = created({"type": "ONE_TIME", "timelineId": "t", "name": "Yoga"})
    assert stored["startYear"] == "none"
    assert stored["startKey"] > created({**ONCE, "startDateTime": "9999-12-31T23:59:59Z"})["startKey"]


def test_a_client_sees_all_fields_and_no_other() -> None:
    seen = session.view(created(ONCE))
    assert tuple(seen) == session.FIELDS
    assert not {"ownerId", "version", "startKey", "slot"} & set(seen)
    assert seen["removedAt"] is None


def test_a_patch_changes_what_it_names_and_nothing_else() -> None:
    before = created(WEEKLY)
    after = changed(before, name="Pilates")
    assert after == {**before, "name": "Pilates", "version": 2, "updatedAt": NOW}


@pytest.mark.parametrize("fields", [{}, {"name": "Yoga"}, {"description": None}, {"type": "ONE_TIME"}])
def test_a_patch_that_changes_nothing_gives_the_same_session(fields: dict[str, Any]) -> None:
    before = created(ONCE)
    assert changed(before, **fields) is before


def test_null_clears_a_field() -> None:
    after = changed(created(WEEKLY), recurringDayOfWeek=None, endDateTime=None)
    assert "recurringDayOfWeek" not in after
    assert "endDateTime" not in after
    assert after["repeatCycleType"] == "WEEKLY"


def test_one_time_clears_cycle_and_day_but_not_what_the_same_patch_sets() -> None:
    after = changed(created(WEEKLY), type="ONE_TIME")
    assert "repeatCycleType" not in after
    assert "recurringDayOfWeek" not in after
    wrong = changed(created(WEEKLY), type="ONE_TIME", repeatCycleType="DAILY")
    assert faulty(wrong) == ["repeatCycleType"]


def test_a_new_start_changes_the_sort_key_and_the_year() -> None:
    after = changed(created(ONCE), startDateTime="2024-01-01T00:00:00Z", endDateTime=None)
    assert after["startKey"] == "2024-01-01T00:00:00.000000Z#id"
    assert after["startYear"] == "2024"
    cleared = changed(after, startDateTime=None)
    assert (cleared["startKey"], cleared["startYear"]) == ("~#id", "none")


def test_the_same_instant_with_another_offset_is_a_change() -> None:
    before = created(ONCE)
    after = changed(before, startDateTime="2023-12-01T00:00:00Z")
    assert after["version"] == 2
    assert after["startKey"] == before["startKey"]


def test_a_moved_session_has_the_owner_of_its_new_timeline() -> None:
    after = session.update(created(ONCE), {"timelineId": "u"}, "bob", NOW)
    assert (after["timelineId"], after["ownerId"]) == ("u", "bob")


def test_a_deleted_session_is_in_no_index_and_expires() -> None:
    before = created(ONCE)
    after = session.delete(before, NOW, 99)
    assert "startKey" not in after
    assert (after["removedAt"], after["updatedAt"], after["expiresAt"], after["version"]) == (
        NOW,
        NOW,
        99,
        2,
    )
    assert "startKey" in before


def test_updated_at_never_goes_back_when_a_clock_is_behind() -> None:
    before = session.create(ONCE, "id", "ada", NOW)
    assert session.update(before, {"name": "Pilates"}, "ada", THEN)["updatedAt"] == NOW
    removed = session.delete(before, THEN, 99)
    assert (removed["updatedAt"], removed["removedAt"]) == (NOW, NOW)


@pytest.mark.parametrize(
    ("start", "year"),
    [("0001", "00"), ("1899", "18"), ("1900", "1900"), ("2199", "2199"), ("2200", "22"), ("9999", "99")],
)
def test_far_from_the_present_a_start_lies_in_its_century(start: str, year: str) -> None:
    assert (
        created({**ONCE, "startDateTime": f"{start}-06-01T00:00:00Z", "endDateTime": None})["startYear"]
        == year
    )
