"""Writes of items: alone, or several in one transaction."""

import re
from collections.abc import Mapping
from typing import Any

from scheduling.errors import ServiceUnavailable
from scheduling.store.client import ItemKey, WriteConflict, call
from scheduling.store.items import Item, deserialize, serialize

Operation = dict[str, Any]
"""A write, or a check, of one item in the form of TransactWriteItems."""

_NAME = re.compile(r"#([A-Za-z]\w*)")


def put(table: str, item: Mapping[str, Any], condition: str | None = None, **values: Any) -> Operation:
    """Build the write of a whole item.

    In an expression, `#name` stands for the attribute `name`, and `:name` for the value of the argument `name`.
    """
    return {
        "Put": {
            "TableName": table,
            "Item": serialize(item),
            **_build_expressions(values, ConditionExpression=condition),
        }
    }


def delete(table: str, key: Mapping[str, str]) -> Operation:
    """Build the deletion of an item."""
    return {"Delete": {"TableName": table, "Key": serialize(key)}}


def update(
    table: str, key: Mapping[str, str], change: str, condition: str | None = None, **values: Any
) -> Operation:
    """Build the update of an item. If the condition fails, the WriteConflict contains the stored item."""
    expressions = _build_expressions(values, UpdateExpression=change, ConditionExpression=condition)
    returned = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"} if condition else {}
    return {"Update": {"TableName": table, "Key": serialize(key), **expressions, **returned}}


def check(table: str, key: Mapping[str, str], condition: str, **values: Any) -> Operation:
    """Build a condition on an item that the transaction does not write."""
    expressions = _build_expressions(values, ConditionExpression=condition)
    return {"ConditionCheck": {"TableName": table, "Key": serialize(key), **expressions}}


def counter_clauses(under: str, steps: Mapping[str, int]) -> str:
    """Return the SET clauses that add each `:<name>` to the counter `name` in the map `under`. `:zero` must be 0."""
    paths = [(f"#{under}.#{name}", name) for name in steps]
    return ", ".join(f"{path} = if_not_exists({path}, :zero) + :{name}" for path, name in paths)


def item_key(operation: Operation) -> ItemKey:
    """Return the table and the key of the item of an update, a deletion or a check."""
    (parameters,) = operation.values()
    return parameters["TableName"], str(parameters.get("Key"))


def write(*operations: Operation) -> None:
    """Write all of the operations or none of them.

    A single operation is sent without a transaction, because a transaction costs twice as much. If the response is
    lost, botocore sends the operation again. Then the condition may fail because the first attempt has changed the
    item. If the stored item equals the item to write, the first attempt succeeded, and the function returns. If the
    stored item differs, another writer may have overwritten the result of the first attempt. Then the caller must not
    retry. For example, if the first attempt deleted a session, a retry would return a 404.

    Raises:
        WriteConflict: a condition failed, or another transaction is writing one of the items.
        ServiceUnavailable: the write conflict occurred in a repeated attempt, and an earlier attempt may have taken
            effect. Or DynamoDB did not respond (see `call`).
    """
    kind, parameters = next(iter(operations[0].items()))
    try:
        if len(operations) > 1:
            call("transact_write_items", TransactItems=list(operations))
        else:
            call(f"{kind.lower()}_item", **parameters, ReturnValuesOnConditionCheckFailure="ALL_OLD")
    except WriteConflict as conflict:
        alone = len(operations) == 1
        if alone and kind == "Put" and conflict.present.get(0) == deserialize(parameters["Item"]):
            return
        conflict.items = {item_key(operations[number]): item for number, item in conflict.present.items()}
        if conflict.resent:
            raise ServiceUnavailable("the response to the first attempt is lost") from conflict
        raise


def _build_expressions(values: Mapping[str, Any], **expressions: str | None) -> Item:
    given = {kind: expression for kind, expression in expressions.items() if expression}
    names = {f"#{name}": name for name in _NAME.findall(" ".join(given.values()))}
    return {
        **given,
        **({"ExpressionAttributeNames": names} if names else {}),
        **(
            {"ExpressionAttributeValues": serialize({f":{name}": values[name] for name in values})}
            if values
            else {}
        ),
    }
