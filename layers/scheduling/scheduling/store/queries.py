"""Reads of items: by key, in batches, and by query."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scheduling.errors import Throttled
from scheduling.store.client import LONGEST_PAUSE_SECONDS, backoff_pauses, call
from scheduling.store.items import Item, deserialize, serialize

_MOST_KEYS = 100
"""The largest number of keys in one BatchGetItem."""


def get(table: str, consistent: bool = True, **key: str) -> Item | None:
    """Return the item with that key, or None if no item has the key."""
    response = call("get_item", TableName=table, Key=serialize(key), ConsistentRead=consistent)
    return deserialize(response["Item"]) if "Item" in response else None


def batch_get(table: str, ids: Sequence[str], fields: Sequence[str] = ()) -> list[Item]:
    """Return the items with those ids, in any order. Leave out missing items."""
    return get_many(table, [{"id": id} for id in ids], fields)


def get_many(
    table: str, keys: Sequence[Mapping[str, str]], fields: Sequence[str] = (), *, consistent: bool = False
) -> list[Item]:
    """Return the items with those keys, in any order. Leave out missing items."""
    batches = [keys[first : first + _MOST_KEYS] for first in range(0, len(keys), _MOST_KEYS)]
    return [item for batch in batches for item in _get_batch(table, batch, fields, consistent)]


def _get_batch(
    table: str, keys: Sequence[Mapping[str, str]], fields: Sequence[str], consistent: bool
) -> list[Item]:
    asked: dict[str, Any] = {"Keys": [serialize(key) for key in keys], "ConsistentRead": consistent}
    if fields:
        asked |= _build_projection(fields)
    wanted, items = {table: asked}, []
    for pause in backoff_pauses():
        response = call("batch_get_item", RequestItems=wanted)
        items += [deserialize(item) for item in response["Responses"].get(table, ())]
        wanted = response.get("UnprocessedKeys") or {}
        if not wanted:
            return items
        if pause > LONGEST_PAUSE_SECONDS / 2:
            break
        time.sleep(pause)
    raise Throttled("batch_get_item")


def query(
    table: str,
    key: tuple[str, str],
    between: tuple[str, str, str] | None = None,
    *,
    index: str | None = None,
    descending: bool = False,
    limit: int | None = None,
    fields: Sequence[str] = (),
    where: tuple[str, str] | None = None,
    consistent: bool = True,
) -> Iterator[Item]:
    """Yield the items of one partition in the order of their sort keys. Read each page only when the caller needs it.

    Args:
        key: the partition key's name and value.
        between: the sort key's name, and its lowest and highest value, both included.
        limit: the largest number of items to return.
        fields: the attributes to return; empty for all.
        where: an attribute and its required value. DynamoDB also reads items with other values, but does not return
            them.
        consistent: whether a query of the table is strongly consistent. A query of an index is always eventually
            consistent.
    """
    for response in _read_responses(table, key, between, index, descending, limit, fields, where, consistent):
        yield from map(deserialize, response["Items"])


def count(
    table: str,
    key: tuple[str, str],
    between: tuple[str, str, str],
    index: str,
    where: tuple[str, str] | None = None,
) -> int:
    """Return the number of items that a `query` with these arguments would yield."""
    responses = _read_responses(table, key, between, index, False, None, (), where, False, Select="COUNT")
    return sum(response["Count"] for response in responses)


def _read_responses(
    table: str,
    key: tuple[str, str],
    between: tuple[str, str, str] | None,
    index: str | None,
    descending: bool,
    limit: int | None,
    fields: Sequence[str],
    where: tuple[str, str] | None,
    consistent: bool,
    **parameters: Any,
) -> Iterator[Item]:
    condition, values = "#key = :key", {":key": key[1]}
    names = {"#key": key[0]}
    if between:
        condition += " AND #sort BETWEEN :low AND :high"
        names["#sort"] = between[0]
        values |= {":low": between[1], ":high": between[2]}
    if where:
        parameters["FilterExpression"] = "#where = :where"
        names["#where"], values[":where"] = where
    if fields:
        projection = _build_projection(fields)
        names |= projection.pop("ExpressionAttributeNames")
        parameters |= projection
    parameters |= {"IndexName": index} if index else {"ConsistentRead": consistent}
    while True:
        response = call(
            "query",
            TableName=table,
            KeyConditionExpression=condition,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=serialize(values),
            ScanIndexForward=not descending,
            **({"Limit": limit} if limit else {}),
            **parameters,
        )
        yield response
        if limit:
            limit -= response["Count"]
        if "LastEvaluatedKey" not in response or limit == 0:
            return
        parameters["ExclusiveStartKey"] = response["LastEvaluatedKey"]


def _build_projection(fields: Sequence[str]) -> dict[str, Any]:
    names = {f"#f{number}": field for number, field in enumerate(fields)}
    return {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names}
