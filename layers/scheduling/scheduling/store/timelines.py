"""Timelines in their table, and the totals that a write keeps."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from scheduling.domain.session import Session
from scheduling.domain.timeline import Timeline
from scheduling.errors import NotFound
from scheduling.settings import setting
from scheduling.store import descriptions
from scheduling.store.items import Item
from scheduling.store.queries import batch_get, get
from scheduling.store.transactions import add, add_within, put

TOTALS = "TOTALS"
_COUNTS = "sessionCounts"
_UNCHANGED = f"#version = :version AND #{_COUNTS} = :counts"


def find(id: str, consistent: bool = True) -> Timeline | None:
    """The timeline with that id; None if there is none, or no longer."""
    found = get(setting("TIMELINES_TABLE"), consistent, id=id)
    return descriptions.to_entity(found) if found and "createdKey" in found else None


def get_existing(id: str) -> Timeline:
    found = find(id)
    if found is None:
        raise NotFound
    return found


def find_many(ids: Sequence[str]) -> list[Timeline]:
    """Return those of the timelines that exist."""
    return [found for found in batch_get(setting("TIMELINES_TABLE"), ids) if "createdKey" in found]


def counted(before: Session | None, after: Session | None) -> list[Item]:
    """What a transaction must write besides when a session changes: the totals of its timelines and owners.

    It fails where a timeline that gains a session is gone.
    """
    table = setting("TIMELINES_TABLE")
    timelines: dict[tuple[str, str], Counter[str]] = {}
    owners: dict[str, Counter[str]] = {}
    for session, step in ((before, -1), (after, 1)):
        if session is not None:
            timelines.setdefault((session["timelineId"], session["ownerId"]), Counter())[session["type"]] += (
                step
            )
            owners.setdefault(session["ownerId"], Counter())[session["type"]] += step
    there = "attribute_exists(#createdKey) AND #ownerId = :owner"
    return [
        *(
            add_within(table, {"id": id}, _COUNTS, steps, there, owner=owner)
            for (id, owner), found in timelines.items()
            if (steps := {kind: step for kind, step in found.items() if step})
        ),
        *(
            add(setting("CALENDAR_TABLE"), {"ownerId": owner, "slot": TOTALS}, steps)
            for owner, found in owners.items()
            if (steps := {kind: step for kind, step in found.items() if step})
        ),
    ]


def count_timeline(one: Timeline, step: int) -> Item:
    return add(
        setting("CALENDAR_TABLE"), {"ownerId": one["ownerId"], "slot": TOTALS}, {"timelineCount": step}
    )


def complete(listed: Sequence[Mapping[str, Any]]) -> list[Timeline]:
    """Return timelines that an index listed, each with its description."""
    return descriptions.complete(setting("TIMELINES_TABLE"), listed)


def insert(new: Timeline) -> Item:
    return put(setting("TIMELINES_TABLE"), descriptions.to_item(new), "attribute_not_exists(#id)")


def replace(before: Timeline, after: Timeline) -> Item:
    """The whole item: its counts must not have moved meanwhile."""
    return put(
        setting("TIMELINES_TABLE"),
        descriptions.to_item(after),
        _UNCHANGED,
        version=before["version"],
        counts=before[_COUNTS],
    )
