"""Capacity units of requests on DynamoDB Local, counted as on AWS.

DynamoDB Local reports the read units. This module computes the write units, because DynamoDB Local reports too many
write units. On AWS, a transaction doubles the units of the items that it writes or checks, but not the units of index
entries. DynamoDB Local also doubles the units of index entries.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from scheduling.store.client import client as layer_client
from tests.support import template

_KILOBYTE = 1024
_READS = ("GetItem", "Query", "BatchGetItem")

Item = dict[str, Any]
Keys = tuple[str, ...]


class Cost(NamedTuple):
    """The cost of a request."""

    calls: int
    items: int
    """The number of items that DynamoDB read, including items that a filter excluded."""
    read_units: float
    write_units: int


def item_size(item: Mapping[str, Any]) -> int:
    """Return DynamoDB's size of an item in bytes. The item has the format of DynamoDB's API."""
    return sum(len(name.encode()) + _measure_value(value) for name, value in item.items())


def _measure_value(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind == "L":
        return 3 + sum(1 + _measure_value(element) for element in content)
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + _measure_value(element) for name, element in content.items())
    if kind == "N":
        return len(str(content)) // 2 + 2
    return len(str(content).encode()) if kind == "S" else 1


@contextmanager
def count_capacity(dynamodb: Any) -> Iterator[Callable[[], Cost]]:
    """Count the cost of all requests while the context is open. Yield a function that returns the cost so far."""
    events = layer_client().meta.events
    calls: list[tuple[int, float]] = []
    writes: list[tuple[Item, int]] = []
    before = _scan_entries(dynamodb)

    def request_capacity(params: Item, model: Any, **_: object) -> None:
        if model.name in _READS:
            params["ReturnConsumedCapacity"] = "INDEXES"  # with TOTAL, DynamoDB Local omits some units
        elif model.name == "TransactWriteItems":
            writes.extend((member, 2) for member in params["TransactItems"])
        else:
            writes.append(({model.name.removesuffix("Item"): params}, 1))

    def record_reads(parsed: Item, model: Any, **_: object) -> None:
        capacity = parsed.get("ConsumedCapacity", []) if model.name in _READS else []
        batches = parsed.get("Responses", {}) if model.name == "BatchGetItem" else {}
        items = parsed.get("ScannedCount", 0) + ("Item" in parsed) + sum(map(len, batches.values()))
        calls.append((items, sum(one["CapacityUnits"] for one in _as_list(capacity))))

    def cost() -> Cost:
        after = _scan_entries(dynamodb)
        tables = sum(factor * _count_table_units(member, before, after) for member, factor in writes)
        items, units = (sum(column) for column in zip(*calls, strict=True))
        return Cost(len(calls), int(items), units, tables + _count_index_units(before, after))

    events.register("before-parameter-build.dynamodb", request_capacity)
    events.register("after-call.dynamodb", record_reads)
    try:
        yield cost
    finally:
        events.unregister("before-parameter-build.dynamodb", request_capacity)
        events.unregister("after-call.dynamodb", record_reads)


def _as_list(one_or_more: Any) -> list[Any]:
    return one_or_more if isinstance(one_or_more, list) else [one_or_more]


def _scan_entries(dynamodb: Any) -> dict[tuple[str, str], dict[Keys, Item]]:
    """Return the items of each table and each index, by their keys in the table."""
    found = {}
    for table in template.tables():
        name, keys = table["TableName"], [key["AttributeName"] for key in table["KeySchema"]]
        for index in [None, *(each["IndexName"] for each in table.get("GlobalSecondaryIndexes", ()))]:
            options = {"IndexName": index} if index else {}
            pages = dynamodb.get_paginator("scan").paginate(TableName=name, **options)
            items = [item for page in pages for item in page["Items"]]
            found[name, index or ""] = {tuple(item[key]["S"] for key in keys): item for item in items}
    return found


def _count_table_units(member: Item, before: Mapping[Any, Any], after: Mapping[Any, Any]) -> int:
    ((_, parameters),) = member.items()
    (keys,) = (
        [key["AttributeName"] for key in table["KeySchema"]]
        for table in template.tables()
        if table["TableName"] == parameters["TableName"]
    )
    source = parameters.get("Item") or parameters["Key"]
    place, key = (parameters["TableName"], ""), tuple(source[name]["S"] for name in keys)
    sizes = [item_size(entries[place][key]) for entries in (before, after) if key in entries[place]]
    return -(-max(sizes, default=1) // _KILOBYTE)


def _count_index_units(before: Mapping[Any, Any], after: Mapping[Any, Any]) -> int:
    units = 0
    for table in template.tables():
        for index in table.get("GlobalSecondaryIndexes", ()):
            place = table["TableName"], index["IndexName"]
            keys = [key["AttributeName"] for key in index["KeySchema"]]
            for key in before[place].keys() | after[place].keys():
                old, new = before[place].get(key), after[place].get(key)
                if old == new:
                    continue
                sizes = [-(-item_size(entry) // _KILOBYTE) for entry in (old, new) if entry]
                moved = old and new and any(old[name] != new[name] for name in keys)
                units += sum(sizes) if moved else max(sizes)
    return units
