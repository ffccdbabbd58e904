"""Timelines: their keys, what a client sees of them. Pure; mappings with the same names everywhere."""

from collections.abc import Mapping
from typing import Any

Timeline = dict[str, Any]

FIELDS = ("id", "name", "description", "ownerId", "createdAt", "updatedAt", "removedAt")
"""What a client sees."""

ALL = "ALL"
"""The one partition of the index of all timelines."""


def view(timeline: Timeline) -> dict[str, Any]:
    """The timeline as a client sees it: always every field."""
    return {field: timeline.get(field) for field in FIELDS}


def create(fields: Mapping[str, Any], id: str, owner_id: str, now: str) -> Timeline:
    """A new timeline, without sessions."""
    timeline = {field: value for field, value in fields.items() if value is not None}
    stamps = {"id": id, "ownerId": owner_id, "version": 1, "createdAt": now, "updatedAt": now}
    keys = {"allKey": ALL, "createdKey": f"{now}#{id}"}
    return {**timeline, **stamps, **keys, "sessionCounts": {}}


def change(timeline: Timeline, fields: Mapping[str, Any], now: str) -> Timeline:
    """The timeline with those fields changed; the same one when nothing would change."""
    changed = {field: value for field, value in {**timeline, **fields}.items() if value is not None}
    if changed == timeline:
        return timeline
    return {**changed, "version": timeline["version"] + 1, "updatedAt": now}


def remove(timeline: Timeline, now: str, expires_at: int) -> Timeline:
    """The timeline without its sort key, so in no index, to be purged at that time (epoch seconds)."""
    removed = {**timeline, "version": timeline["version"] + 1, "updatedAt": now, "removedAt": now}
    del removed["createdKey"]
    return {**removed, "expiresAt": expires_at}


def is_empty(timeline: Timeline) -> bool:
    """Whether it has no session."""
    return not any(timeline["sessionCounts"].values())
