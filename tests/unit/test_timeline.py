"""Results of PATCH and DELETE of a timeline, and its stored form."""

from scheduling.domain import timeline

THEN, NOW = "2026-11-24T09:00:00.000Z", "2026-11-24T10:00:00.000Z"


def create() -> timeline.Timeline:
    """Return a new timeline as it is stored."""
    return timeline.create({"name": "Yoga", "description": None, "ownerId": "bob"}, "id", "ada", THEN)


def test_a_new_timeline_is_stored_without_nulls_and_sorts_by_its_creation() -> None:
    stored = create()
    assert "description" not in stored
    assert stored["createdKey"] == f"{THEN}#id"
    assert timeline.is_empty(stored)


def test_the_owner_of_a_new_timeline_never_comes_from_the_body() -> None:
    assert create()["ownerId"] == "ada"


def test_the_view_of_a_timeline_has_seven_fields() -> None:
    assert timeline.view(create()) == {
        "id": "id",
        "name": "Yoga",
        "description": None,
        "ownerId": "ada",
        "createdAt": THEN,
        "updatedAt": THEN,
        "removedAt": None,
    }


def test_a_patch_changes_the_named_fields_and_null_clears_a_field() -> None:
    before = create()
    after = timeline.update(before, {"description": "For all"}, NOW)
    assert after == {**before, "description": "For all", "version": 2, "updatedAt": NOW}
    assert "description" not in timeline.update(after, {"description": None}, NOW)


def test_a_patch_that_changes_nothing_returns_the_same_timeline() -> None:
    before = create()
    assert timeline.update(before, {}, NOW) is before
    assert timeline.update(before, {"name": "Yoga", "description": None}, NOW) is before


def test_a_deleted_timeline_has_no_sort_key_and_expires() -> None:
    after = timeline.delete(create(), NOW, 99)
    assert "createdKey" not in after
    assert (after["removedAt"], after["expiresAt"], after["version"]) == (NOW, 99, 2)


def test_a_timeline_is_empty_when_all_counts_are_zero() -> None:
    assert timeline.is_empty({**create(), "sessionCounts": {"ONE_TIME": 0}})
    assert not timeline.is_empty({**create(), "sessionCounts": {"ONE_TIME": 0, "RECURRING": 1}})


def test_updated_at_never_decreases_when_a_clock_is_behind() -> None:
    before = timeline.create({"name": "Yoga"}, "id", "ada", NOW)
    assert timeline.update(before, {"name": "Pilates"}, THEN)["updatedAt"] == NOW
    removed = timeline.delete(before, THEN, 99)
    assert (removed["updatedAt"], removed["removedAt"]) == (NOW, NOW)
