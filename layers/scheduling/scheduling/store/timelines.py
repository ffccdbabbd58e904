"""Reads and writes of the Timelines table. A long description is a separate item."""

import time
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

_PAUSES_SECONDS = (0.02, 0.04, 0.08, 0.16, 0.32)
"""The pauses between reads while the item of a long description is missing or does not match the timeline."""


def find(id: str, consistent: bool = True) -> Timeline | None:
    """Return the timeline with that id, without a long description. Return None for a missing or deleted timeline."""
    found = get(setting("TIMELINES_TABLE"), consistent, id=id)
    return cast(Timeline, found) if found and "createdKey" in found else None


def find_many(ids: Sequence[str]) -> list[Timeline]:
    """Return the timelines that exist and are not deleted, without long descriptions.

    The reads are eventually consistent.
    """
    found = cast(list[Timeline], batch_get(setting("TIMELINES_TABLE"), ids))
    return [timeline for timeline in found if "createdKey" in timeline]


def get_existing(id: str) -> Timeline:
    """Return the timeline with that id and its description.

    Raises:
        NotFound: no timeline has that id, or the timeline was deleted.
    """
    found = _find_or_raise(id)
    for pause in (*_PAUSES_SECONDS, None):
        if whole := descriptions.read_with_description(setting("TIMELINES_TABLE"), cast(Item, found)):
            return cast(Timeline, whole)
        if pause is not None:
            time.sleep(pause)
            found = _find_or_raise(id)
    return found  # the item of the long description was lost


def _find_or_raise(id: str) -> Timeline:
    found = find(id)
    if found is None:
        raise NotFound
    return found


def create(timeline: Timeline) -> list[Operation]:
    """Build the writes of a new timeline."""
    item, description = descriptions.split(timeline)
    table = setting("TIMELINES_TABLE")
    return [
        put(table, item, "attribute_not_exists(#id)"),
        *([put(table, description)] if description else []),
    ]


def complete(listed: Sequence[Mapping[str, Any]]) -> list[Item]:
    """Return timelines that were read from an index, with their long descriptions."""
    return descriptions.complete(setting("TIMELINES_TABLE"), listed, apart=True)


def replace(before: Timeline, after: Timeline) -> list[Operation]:
    """Build the writes of a changed timeline, on condition that neither the timeline nor its counts have changed."""
    table, unchanged = setting("TIMELINES_TABLE"), "#version = :version AND #changes = :changes"
    item, more = descriptions.replace_with_description(table, before, after)
    return [put(table, item, unchanged, version=before["version"], changes=before["changes"]), *more]


def count_sessions(changes: Iterable[SessionChange], lost: Container[ItemKey] = ()) -> list[Operation]:
    """Build the updates of the timelines' session counts.

    A timeline that gains a session must exist, and must have the owner of the session. If the item of a timeline that
    gains no session does not exist (`lost`), the timeline's counts are not updated. So the sessions of a missing
    timeline can still be deleted.
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
