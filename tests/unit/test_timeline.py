"""What a PATCH, a removal and the table make of a timeline."""

from scheduling.domain import timeline


def created() -> timeline.Timeline:
    """A timeline as it is stored when it is new."""
    return timeline.create({"name": "Yoga", "description": None, "ownerId": "bob"}, "id", "ada", "then")


def test_a_new_timeline_is_stored_without_nulls_without_sessions_and_sorts_by_its_age() -> None:
    stored = created()
    assert "description" not in stored
    assert stored["createdKey"] == "then#id"
    assert timeline.is_empty(stored)


def test_its_owner_is_the_one_that_was_decided_on_not_what_a_body_says() -> None:
    assert created()["ownerId"] == "ada"


def test_a_client_sees_seven_fields() -> None:
    assert timeline.view(created()) == {
        "id": "id",
        "name": "Yoga",
        "description": None,
        "ownerId": "ada",
        "createdAt": "then",
        "updatedAt": "then",
        "removedAt": None,
    }


def test_a_patch_changes_what_it_names_and_null_clears() -> None:
    before = created()
    after = timeline.change(before, {"description": "For all"}, "now")
    assert after == {**before, "description": "For all", "version": 2, "updatedAt": "now"}
    assert "description" not in timeline.change(after, {"description": None}, "later")


def test_a_patch_that_changes_nothing_gives_the_same_timeline() -> None:
    before = created()
    assert timeline.change(before, {}, "now") is before
    assert timeline.change(before, {"name": "Yoga", "description": None}, "now") is before


def test_a_removed_timeline_is_in_no_index_and_expires() -> None:
    after = timeline.remove(created(), "now", 99)
    assert "createdKey" not in after
    assert (after["removedAt"], after["expiresAt"], after["version"]) == ("now", 99, 2)


def test_months_that_were_emptied_leave_a_timeline_empty() -> None:
    assert timeline.is_empty({**created(), "sessionCounts": {"2023-12": 0}})
    assert not timeline.is_empty({**created(), "sessionCounts": {"2023-12": 0, "none": 1}})
