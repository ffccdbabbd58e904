"""Writes of items: alone or in one transaction, retried after write conflicts."""

import re
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from scheduling.errors import RetriesExhausted, ServiceUnavailable
from scheduling.store.client import WriteConflict, backoff_pauses, call
from scheduling.store.items import Item, deserialize, serialize
from scheduling.telemetry import telemetry

T = TypeVar("T")

_NAME = re.compile(r"#([A-Za-z]\w*)")
_PATIENCE_SECONDS = 8


def retry_until_settled(decide: Callable[[], T]) -> T:
    """What `decide` returns, called again with growing, jittered pauses for as long as others are faster.

    Raises:
        RetriesExhausted: they were, for eight seconds.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    for pause in backoff_pauses():
        try:
            return decide()
        except WriteConflict:
            telemetry.record_retry()
        if time.monotonic() + pause > deadline:
            break
        time.sleep(pause)
    raise RetriesExhausted


def put(table: str, item: Item, condition: str | None = None, **values: Any) -> Item:
    """A write of a whole item, to stand alone or in a transaction.

    In an expression `#name` stands for the attribute `name` and `:name` for the value given under that name.
    """
    return {
        "Put": {
            "TableName": table,
            "Item": serialize(item),
            **_expressions(values, ConditionExpression=condition),
        }
    }


def delete(table: str, **key: str) -> Item:
    """A removal of an item, in a transaction."""
    return {"Delete": {"TableName": table, "Key": serialize(key)}}


def update(
    table: str, key: Mapping[str, str], change: str, condition: str | None = None, **values: Any
) -> Item:
    """A change of an item, in a transaction."""
    expressions = _expressions(values, UpdateExpression=change, ConditionExpression=condition)
    return {"Update": {"TableName": table, "Key": serialize(key), **expressions}}


def add(table: str, key: Mapping[str, str], steps: Mapping[str, int]) -> Item:
    """A change of the counters at the top of an item, in a transaction; what is missing of them is made."""
    names = {f"#n{number}": name for number, name in enumerate(steps)}
    change = "ADD " + ", ".join(f"#n{number} :s{number}" for number in range(len(steps)))
    operation = update(
        table, key, change, None, **{f"s{number}": step for number, step in enumerate(steps.values())}
    )
    operation["Update"]["ExpressionAttributeNames"] = names
    return operation


def add_within(
    table: str, key: Mapping[str, str], under: str, steps: Mapping[str, int], condition: str, **values: Any
) -> Item:
    """A change of the counters in the map `under` of an item that meets the condition, in a transaction."""
    names = {f"#n{number}": name for number, name in enumerate(steps)}
    sums = [f"#{under}.#n{n} = if_not_exists(#{under}.#n{n}, :zero) + :s{n}" for n in range(len(steps))]
    values |= {f"s{number}": step for number, step in enumerate(steps.values())}
    operation = update(table, key, "SET " + ", ".join(sums), condition, zero=0, **values)
    operation["Update"]["ExpressionAttributeNames"] |= names
    return operation


def _expressions(values: Mapping[str, Any], **expressions: str | None) -> Item:
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


def write(*operations: Item) -> None:
    """All of the operations, or none.

    One alone is no transaction: it costs half. Should its answer be lost, botocore sends it again, and its
    condition then fails on its own effect; what stands there is compared to tell that from being overtaken.
    Where that cannot be told, to decide again would find, say, a session gone that this very request removed.

    Raises:
        WriteConflict: a condition did not hold.
        ServiceUnavailable: one did not hold at a second attempt, and the first may have taken effect.
    """
    kind, parameters = next(iter(operations[0].items()))
    try:
        if len(operations) > 1:
            call("transact_write_items", TransactItems=list(operations))
        else:
            call(f"{kind.lower()}_item", **parameters, ReturnValuesOnConditionCheckFailure="ALL_OLD")
    except WriteConflict as overtaken:
        if kind == "Put" and overtaken.present == deserialize(parameters["Item"]):
            return
        if overtaken.again:
            raise ServiceUnavailable("the answer to the first attempt") from overtaken
        raise
