"""Timelines in their table, with the counts of their sessions."""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, cast

from scheduling.domain.session import SessionChange
from scheduling.domain.session_counts import count_changes
from scheduling.domain.timeline import Timeline
from scheduling.errors import NotFound
from scheduling.settings import setting
from scheduling.store import descriptions
from scheduling.store.client import ItemKey
from scheduling.store.items import Item
from scheduling.store.queries import batch_get, get
from scheduling.store.transactions import Operation, counter_clauses, item_key, put, update


def find(id: str, consistent: bool = True) -> Timeline | None:
    """Return the timeline with that id; None if there is none, or if the timeline was deleted."""
    found = get(setting("TIMELINES_TABLE"), consistent, id=id)
    return cast(Timeline, descriptions.to_entity(found)) if found and "createdKey" in found else None


def find_many(ids: Sequence[str]) -> list[Timeline]:
    """Return the timelines that exist, by eventually consistent reads and without long descriptions."""
    found = cast(list[Timeline], batch_get(setting("TIMELINES_TABLE"), ids))
    return [timeline for timeline in found if "createdKey" in timeline]


def get_existing(id: str) -> Timeline:
    """Return the timeline with that id.

    Raises:
        NotFound: no timeline has that id, or the timeline was deleted.
    """
    found = find(id)
    if found is None:
        raise NotFound
    return found


def create(timeline: Timeline) -> Operation:
    """Build the write of a new timeline."""
    return put(setting("TIMELINES_TABLE"), descriptions.to_item(timeline), "attribute_not_exists(#id)")


def complete(listed: Sequence[Mapping[str, Any]]) -> list[Item]:
    """Return timelines that an index listed, each with its description."""
    return descriptions.complete(setting("TIMELINES_TABLE"), listed)


def replace(before: Timeline, after: Timeline) -> Operation:
    """Build the write of a timeline, on condition that neither the timeline nor its counts have changed."""
    unchanged = "#version = :version AND #changes = :changes"
    item = descriptions.to_item(after)
    return put(
        setting("TIMELINES_TABLE"), item, unchanged, version=before["version"], changes=before["changes"]
    )


def count_sessions(changes: Iterable[SessionChange], lost: Container[ItemKey] = ()) -> list[Operation]:
    """Build the changes of the timelines' counts of sessions.

    A timeline that gains a session must exist and have the session's owner. Any other timeline is left out if its
    item does not exist (`lost`), so that its sessions can still be deleted.
    """
    operations = []
    by_timeline = count_changes(changes, lambda session: (session["timelineId"], session["ownerId"]))
    for (timeline_id, owner), steps in by_timeline.items():
        gains = sum(steps.values()) > 0
        operation = update(
            setting("TIMELINES_TABLE"),
            {"id": timeline_id},
            f"SET {counter_clauses('sessionCounts', steps)} ADD #changes :one",
            "attribute_exists(#createdKey) AND #ownerId = :owner" if gains else "attribute_exists(#id)",
            zero=0,
            one=1,
            **({"owner": owner} if gains else {}),
            **steps,
        )
        if gains or item_key(operation) not in lost:
            operations.append(operation)
    return operations
