"""Timelines in their table, with the counts of their sessions."""

from collections.abc import Container, Iterable, Iterator, Sequence
from typing import cast

from scheduling.domain.session import SessionChange
from scheduling.domain.session_counts import count_changes
from scheduling.domain.timeline import Timeline
from scheduling.errors import NotFound
from scheduling.settings import setting
from scheduling.store.client import ItemKey
from scheduling.store.queries import get, query
from scheduling.store.transactions import Operation, counter_clauses, item_key, put, update


def find(id: str, consistent: bool = True) -> Timeline | None:
    """Return the timeline with that id; None if there is none, or if the timeline was deleted."""
    found = cast(Timeline | None, get(setting("TIMELINES_TABLE"), consistent, id=id))
    return found if found and "createdKey" in found else None


def get_existing(id: str) -> Timeline:
    """Return the timeline with that id.

    Raises:
        NotFound: no timeline has that id, or the timeline was deleted.
    """
    found = find(id)
    if found is None:
        raise NotFound
    return found


def of_owner(owner_id: str, fields: Sequence[str]) -> Iterator[Timeline]:
    """Return the timelines of an owner, newest first."""
    found = query(
        setting("TIMELINES_TABLE"),
        ("ownerId", owner_id),
        index="owner-index",
        descending=True,
        fields=fields,
    )
    return cast(Iterator[Timeline], found)


def create(timeline: Timeline) -> Operation:
    """Build the write of a new timeline."""
    return put(setting("TIMELINES_TABLE"), timeline, "attribute_not_exists(#id)")


def replace(before: Timeline, after: Timeline) -> Operation:
    """Build the write of a timeline, on condition that neither the timeline nor its counts have changed."""
    unchanged = "#version = :version AND #changes = :changes"
    return put(
        setting("TIMELINES_TABLE"), after, unchanged, version=before["version"], changes=before["changes"]
    )


def count_sessions(changes: Iterable[SessionChange], lost: Container[ItemKey] = ()) -> list[Operation]:
    """Build the changes of the counts that timelines keep of their sessions.

    A timeline that gains a session must exist and have the session's owner. Any other timeline is left out if its
    item is lost, so that its sessions can still be deleted.
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
