"""Long descriptions, stored under an attribute that no index projects.

An index copies the attributes that lists return. A full description of 16 KB in three indexes would cost 48
write units. So a description of more than 1,000 bytes is only in the table, and lists fetch the description from there.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from scheduling.store.items import Item
from scheduling.store.queries import batch_get

MOST_BYTES_IN_INDEXES = 1_000
_LONG, _IS_LONG = "longDescription", "hasLongDescription"


def to_item(entity: Mapping[str, Any]) -> Item:
    """Return a session or timeline as the table stores it."""
    description = entity.get("description")
    if not description or len(description.encode()) <= MOST_BYTES_IN_INDEXES:
        return dict(entity)
    return {**_drop_fields(entity, "description"), _LONG: description, _IS_LONG: True}


def to_entity(item: Mapping[str, Any]) -> Item:
    """Return a session or timeline from what the table stores."""
    if _LONG not in item:
        return dict(item)
    return {**_drop_fields(item, _LONG, _IS_LONG), "description": item[_LONG]}


def complete(table: str, listed: Sequence[Mapping[str, Any]]) -> list[Item]:
    """Return sessions or timelines that an index listed, each with its whole description."""
    ids = [item["id"] for item in listed if item.get(_IS_LONG)]
    fields = ("id", "description", _LONG)
    found = {item["id"]: to_entity(item) for item in batch_get(table, ids, fields)} if ids else {}
    return [_drop_fields({**item, **found.get(item["id"], {})}, _IS_LONG) for item in listed]


def _drop_fields(item: Mapping[str, Any], *fields: str) -> Item:
    return {field: value for field, value in item.items() if field not in fields}
