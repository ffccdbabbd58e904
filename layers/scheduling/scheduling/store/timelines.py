"""Timelines in their table, and the counts that timelines and shards carry."""

from collections.abc import Iterator, Sequence

from scheduling.domain import counters
from scheduling.domain.session import Session
from scheduling.domain.timeline import Timeline
from scheduling.errors import NotFound
from scheduling.settings import setting
from scheduling.store.items import Item
from scheduling.store.queries import batch_get, get, query
from scheduling.store.transactions import add, add_within, put

_COUNTS = "sessionCounts"
_UNCHANGED = f"#version = :version AND #{_COUNTS} = :counts"


def find(id: str, consistent: bool = True) -> Timeline | None:
    """The timeline with that id; None if there is none, or no longer."""
    found = get(setting("TIMELINES_TABLE"), consistent, id=id)
    return found if found and "createdKey" in found else None


def get_existing(id: str) -> Timeline:
    found = find(id)
    if found is None:
        raise NotFound
    return found


def counts_of_timeline(found: Timeline) -> dict[str, int]:
    """How many sessions a timeline has, by month."""
    return counters.total([found[_COUNTS]])


def counts_of_owner(owner_id: str) -> dict[str, int]:
    """How many sessions an owner has, by month."""
    return counters.total(found[_COUNTS] for found in of_owner(owner_id, [_COUNTS]))


def counts_of_all() -> dict[str, int]:
    """How many sessions there are, by month."""
    return counters.total(counters.of_kind("sessions", shard) for shard in shards())


def counted(before: Session | None, after: Session | None) -> list[Item]:
    """What a transaction must write besides when a session changes: the counts of its timelines and shards.

    It fails where a timeline that gains a session is gone.
    """
    table, changes = setting("TIMELINES_TABLE"), counters.Changes(before, after)
    there = "attribute_exists(#createdKey) AND #ownerId = :owner"
    return [
        *(
            add_within(table, {"id": id}, _COUNTS, steps, there, owner=owner)
            for (id, owner), steps in changes.timelines.items()
        ),
        *(add(table, {"id": id}, steps) for id, steps in changes.shards.items()),
    ]


def of_owner(owner_id: str, fields: Sequence[str]) -> Iterator[Timeline]:
    return query(
        setting("TIMELINES_TABLE"),
        ("ownerId", owner_id),
        index="owner-index",
        descending=True,
        fields=fields,
    )


def shards() -> list[Item]:
    return batch_get(
        setting("TIMELINES_TABLE"), [counters.shard_id(number) for number in range(counters.SHARDS)]
    )


def count_timeline(one: Timeline, step: int) -> Item:
    month = one["createdAt"][:7]
    return add(
        setting("TIMELINES_TABLE"), {"id": counters.shard(one["ownerId"])}, {f"timelines#{month}": step}
    )


def replace(before: Timeline, after: Timeline) -> Item:
    """The whole item: its counts must not have moved meanwhile."""
    return put(
        setting("TIMELINES_TABLE"), after, _UNCHANGED, version=before["version"], counts=before[_COUNTS]
    )
