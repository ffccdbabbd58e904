"""Long descriptions, stored outside the indexes to reduce the cost of writes.

An index copies the attributes that lists return, and DynamoDB charges for each copy. A description of 16 KB in three
indexes would cost 48 write units. So a description of more than 1,000 bytes is stored in the attribute
`longDescription`, which no index projects. Lists fetch this attribute from the table. The creation or deletion of a
session also changes the counts in the item of its timeline, and DynamoDB charges for the size of that item. So the long
description of a timeline is a separate item.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from scheduling.store.items import Item
from scheduling.store.queries import batch_get, get
from scheduling.store.transactions import Operation, delete, put

MOST_BYTES_IN_INDEXES = 1_000
_LONG, _IS_LONG = "longDescription", "hasLongDescription"
_SUFFIX = "#description"
"""The suffix in the id of an item that has only a description. Clients cannot request this id, because an id in a path
cannot contain `#`."""


def to_item(entity: Mapping[str, Any]) -> Item:
    """Return the item of a session or timeline, with a long description in `longDescription`."""
    description = entity.get("description")
    if not description or len(description.encode()) <= MOST_BYTES_IN_INDEXES:
        return dict(entity)
    return {**_drop_fields(entity, "description"), _LONG: description, _IS_LONG: True}


def to_entity(item: Mapping[str, Any]) -> Item:
    """Return the session or timeline that an item stores."""
    if _LONG not in item:
        return dict(item)
    return {**_drop_fields(item, _LONG, _IS_LONG), "description": item[_LONG]}


def split(entity: Mapping[str, Any]) -> tuple[Item, Item | None]:
    """Return the item of an entity, and the item of its long description (None without a long description).

    Both items contain the version of the entity with which the description was written. If a reader finds two different
    versions, the description does not belong to the entity.
    """
    item = to_item(_drop_fields(entity, _IS_LONG))
    if _LONG not in item:
        return item, None
    expiry = {"expiresAt": item["expiresAt"]} if "expiresAt" in item else {}
    description = {"id": item["id"] + _SUFFIX, _LONG: item[_LONG], "version": item["version"], **expiry}
    return {**_drop_fields(item, _LONG), _IS_LONG: item["version"]}, description


def read_with_description(table: str, item: Item) -> Item | None:
    """Return the entity with its long description. Return None if the description is missing or has another version.

    The items of a transaction become readable one by one. So the description may be missing, older or newer.
    """
    if not item.get(_IS_LONG):
        return item
    found = get(table, id=item["id"] + _SUFFIX)
    if not found or found["version"] != item[_IS_LONG]:
        return None
    return {**item, "description": found[_LONG]}


def replace_with_description(
    table: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[Item, list[Operation]]:
    """Return the item of a changed entity, and the writes of its long description.

    An unchanged description keeps its version, and is written only when the entity is deleted, because the
    description then expires too.
    """
    item, description = split(after)
    if _IS_LONG in before and before.get("description") == after.get("description"):
        item[_IS_LONG] = before[_IS_LONG]
        if not description or "expiresAt" not in description:
            return item, []
        description["version"] = before[_IS_LONG]
    if description:
        return item, [put(table, description)]
    return item, [delete(table, {"id": item["id"] + _SUFFIX})] if _IS_LONG in before else []


def complete(table: str, listed: Sequence[Mapping[str, Any]], apart: bool = False) -> list[Item]:
    """Return sessions or timelines that were read from an index, with their long descriptions.

    Args:
        apart: whether the long descriptions are separate items.
    """
    suffix = _SUFFIX if apart else ""
    ids = [item["id"] + suffix for item in listed if item.get(_IS_LONG)]
    if not ids:
        return [*map(dict, listed)]
    fields = ("id", "description", _LONG)
    found = {item["id"]: to_entity(item) for item in batch_get(table, ids, fields)} if ids else {}
    return [
        _drop_fields({**item, **found.get(item["id"] + suffix, {}), "id": item["id"]}, _IS_LONG)
        for item in listed
    ]


def _drop_fields(item: Mapping[str, Any], *fields: str) -> Item:
    return {field: value for field, value in item.items() if field not in fields}
