"""Counts by month, as they are kept with each write."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from scheduling.domain.counters import SHARDS, Changes, of_kind, shard, shard_id, total


def session(month: str = "2023-12", timeline: str = "a", owner: str = "ada") -> dict[str, Any]:
    """A session, as far as it is counted."""
    return {"startMonth": month, "timelineId": timeline, "ownerId": owner}


def test_a_new_session_adds_one() -> None:
    changes = Changes(None, session())
    assert changes.timelines == {("a", "ada"): {"2023-12": 1}}
    assert changes.shards == {shard("ada"): {"sessions#2023-12": 1}}


def test_a_removed_session_takes_one_away() -> None:
    changes = Changes(session(), None)
    assert changes.timelines == {("a", "ada"): {"2023-12": -1}}
    assert changes.shards == {shard("ada"): {"sessions#2023-12": -1}}


def test_a_session_that_stays_in_its_month_changes_no_count() -> None:
    changes = Changes(session(), session())
    assert changes.timelines == {}
    assert changes.shards == {}


def test_a_move_to_another_month_changes_two_counts_of_one_timeline() -> None:
    changes = Changes(session("2023-12"), session("none"))
    assert changes.timelines == {("a", "ada"): {"2023-12": -1, "none": 1}}
    assert changes.shards == {shard("ada"): {"sessions#2023-12": -1, "sessions#none": 1}}


def test_a_move_to_another_timeline_of_the_same_owner_leaves_the_shard_alone() -> None:
    changes = Changes(session(timeline="a"), session(timeline="b"))
    assert changes.timelines == {("a", "ada"): {"2023-12": -1}, ("b", "ada"): {"2023-12": 1}}
    assert changes.shards == {}


def test_a_move_to_another_owner_changes_both_shards() -> None:
    other = next(name for name in map(str, range(99)) if shard(name) != shard("ada"))
    changes = Changes(session(), session(timeline="b", owner=other))
    assert changes.shards == {shard("ada"): {"sessions#2023-12": -1}, shard(other): {"sessions#2023-12": 1}}


@given(st.text(min_size=1))
def test_an_owner_has_one_of_the_shards_and_always_the_same(owner: str) -> None:
    assert shard(owner) == shard(owner)
    assert shard(owner) in map(shard_id, range(SHARDS))


def test_a_shard_counts_two_kinds() -> None:
    item = {"id": "COUNTS#3", "sessions#2023-12": 2, "sessions#none": 1, "timelines#2023-12": 4}
    assert of_kind("sessions", item) == {"2023-12": 2, "none": 1}
    assert of_kind("timelines", item) == {"2023-12": 4}


def test_the_total_of_several_leaves_empty_months_out() -> None:
    assert total([{"2023-12": 2, "none": 1}, {"2023-12": 1, "2024-01": 0}]) == {"2023-12": 3, "none": 1}
    assert total([]) == {}
