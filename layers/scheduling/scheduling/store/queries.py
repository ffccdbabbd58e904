"""Reads of items: by key, in batches, and by query."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

from scheduling.errors import Throttled
from scheduling.store.client import LONGEST_PAUSE_SECONDS, backoff_pauses, call
from scheduling.store.items import Item, deserialize, serialize


def get(table: str, consistent: bool = True, **key: str) -> Item | None:
    """Return the item with that key; None if there is none."""
    response = call("get_item", TableName=table, Key=serialize(key), ConsistentRead=consistent)
    return deserialize(response["Item"]) if "Item" in response else None


def batch_get(table: str, ids: Sequence[str], fields: Sequence[str] = ()) -> list[Item]:
    """Return the items with those ids, in any order. Missing items are left out."""
    keys: dict[str, Any] = {"Keys": [serialize({"id": id}) for id in ids]}
    if fields:
        keys |= _projection(fields)
    wanted, items = {table: keys}, []
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
    consistent: bool = True,
    descending: bool = False,
    limit: int | None = None,
    fields: Sequence[str] = (),
) -> Iterator[Item]:
    """Return the items of one partition in the order of their sort keys, reading pages as they are needed.

    Args:
        key: the partition key's name and value.
        between: the sort key's name, and its lowest and highest value, both included.
        limit: how many items to return at the most.
        fields: the attributes to return; empty for all.

    A query of a table is strongly consistent unless `consistent` is False. A query of an index never is.
    """
    parameters = {"ConsistentRead": True} if consistent and not index else {}
    for page in _pages(table, key, between, index, descending, limit, fields, **parameters):
        yield from map(deserialize, page["Items"])


def count(table: str, key: tuple[str, str], between: tuple[str, str, str], index: str) -> int:
    """Return how many items such a query has."""
    pages = _pages(table, key, between, index, False, None, (), Select="COUNT")
    return sum(page["Count"] for page in pages)


def _pages(
    table: str,
    key: tuple[str, str],
    between: tuple[str, str, str] | None,
    index: str | None,
    descending: bool,
    limit: int | None,
    fields: Sequence[str],
    **parameters: Any,
) -> Iterator[Item]:
    condition, values = "#key = :key", {":key": key[1]}
    names = {"#key": key[0]}
    if between:
        condition += " AND #sort BETWEEN :low AND :high"
        names["#sort"] = between[0]
        values |= {":low": between[1], ":high": between[2]}
    if fields:
        projection = _projection(fields)
        names |= projection.pop("ExpressionAttributeNames")
        parameters |= projection
    parameters |= {"IndexName": index} if index else {}
    while True:
        page = call(
            "query",
            TableName=table,
            KeyConditionExpression=condition,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=serialize(values),
            ScanIndexForward=not descending,
            **({"Limit": limit} if limit else {}),
            **parameters,
        )
        yield page
        if limit:
            limit -= page["Count"]
        if "LastEvaluatedKey" not in page or limit == 0:
            return
        parameters["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _projection(fields: Sequence[str]) -> dict[str, Any]:
    names = {f"#f{number}": field for number, field in enumerate(fields)}
    return {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names}
