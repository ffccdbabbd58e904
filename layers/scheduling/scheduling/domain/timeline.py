"""Timelines: their keys, and the fields that a client sees.

A timeline is a mapping. Its fields have the same names in JSON, in the table and in this module.
"""

from collections.abc import Mapping
from typing import Any, TypedDict, cast


class Timeline(TypedDict, total=False):
    """A timeline as it is stored."""

    id: str
    name: str
    description: str
    ownerId: str
    createdAt: str
    updatedAt: str
    removedAt: str
    version: int
    allKey: str
    """The partition key in the index of all timelines: always `ALL`."""
    createdKey: str
    """The sort key in the indexes. A deleted timeline has no sort key."""
    sessionCounts: dict[str, int]
    """The number of sessions of the timeline, by type."""
    changes: int
    """A number that increases with every change of `sessionCounts`."""
    expiresAt: int
    """The epoch second after which DynamoDB purges the deleted timeline."""


FIELDS = ("id", "name", "description", "ownerId", "createdAt", "updatedAt", "removedAt")
"""The fields that a client sees."""

ALL = "ALL"
"""The value of `allKey` in every timeline. So one partition of the index contains all timelines."""


def view(timeline: Mapping[str, Any]) -> dict[str, Any]:
    """Return every field of the timeline that a client sees. A field without a value is None."""
    return {field: timeline.get(field) for field in FIELDS}


def create(fields: Mapping[str, Any], id: str, owner_id: str, now: str) -> Timeline:
    """Return a new timeline without sessions."""
    timeline = {field: value for field, value in fields.items() if value is not None}
    stamps = {"id": id, "ownerId": owner_id, "version": 1, "createdAt": now, "updatedAt": now}
    keys = {"allKey": ALL, "createdKey": f"{now}#{id}"}
    return cast(Timeline, {**timeline, **stamps, **keys, "sessionCounts": {}, "changes": 0})


def update(timeline: Timeline, fields: Mapping[str, Any], now: str) -> Timeline:
    """Return the timeline with the changed fields. Return the same object if no field changes."""
    changed: dict[str, Any] = {
        field: value for field, value in {**timeline, **fields}.items() if value is not None
    }
    if changed == timeline:
        return timeline
    return cast(Timeline, {**changed, **_increase_version(timeline, now)})


def delete(timeline: Timeline, now: str, expires_at: int) -> Timeline:
    """Return the deleted timeline: without a sort key, and with the epoch second at which it expires."""
    stamps = _increase_version(timeline, now)
    removed: dict[str, Any] = {
        **timeline,
        **stamps,
        "removedAt": stamps["updatedAt"],
        "expiresAt": expires_at,
    }
    del removed["createdKey"]
    return cast(Timeline, removed)


def is_empty(timeline: Timeline) -> bool:
    """Return whether the timeline has no session."""
    return not any(timeline["sessionCounts"].values())


def _increase_version(timeline: Timeline, now: str) -> dict[str, Any]:
    """Return the new version, and the time of the change.

    `updatedAt` never decreases, even if the clocks of two machines differ.
    """
    return {"version": timeline["version"] + 1, "updatedAt": max(now, timeline["updatedAt"])}
