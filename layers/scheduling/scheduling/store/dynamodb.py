"""DynamoDB: the client, its calls, its items, and what its errors mean."""

import random
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

import botocore.session
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.handlers import BUILTIN_HANDLERS
from botocore.parsers import ResponseParserError

from scheduling.errors import RetriesExhausted, ServiceUnavailable, Throttled
from scheduling.settings import optional_setting
from scheduling.telemetry import telemetry

Item = dict[str, Any]
T = TypeVar("T")

_THROTTLES = {
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
    "ThrottlingError",
    "ProvisionedThroughputExceeded",
}
_RACES = {
    "ConditionalCheckFailedException",
    "ConditionalCheckFailed",
    "TransactionConflictException",
    "TransactionConflict",
    "TransactionInProgressException",
}
_UNAVAILABLE = {"InternalServerError", "InternalFailure", "ServiceUnavailable", "RequestTimeout"}

_NAME = re.compile(r"#([A-Za-z]\w*)")
_PATIENCE_SECONDS = 8
_LONGEST_PAUSE_SECONDS = 0.4


class Overtaken(Exception):
    """Somebody else wrote first: read and decide again."""

    def __init__(self, present: Item | None, again: bool) -> None:
        super().__init__()
        self.present = present
        """What stands there now, if asked for."""
        self.again = again
        """Whether it was sent before and not answered, so that it may have been overtaken by itself."""


@lru_cache
def client() -> BaseClient:
    """The client, made on first use.

    A call that does not answer is given up after two seconds and tried twice more: DynamoDB answers in
    milliseconds, or not at all. botocore sends a transaction's retries with the same token, so that one that
    did take effect is not repeated. The fixed user agent and the absent validation spare a tenth of a call.
    """
    config = Config(
        connect_timeout=1,
        read_timeout=2,
        retries={"mode": "standard", "total_max_attempts": 3},
        parameter_validation=False,
        user_agent="sessions-api",
    )
    session = botocore.session.Session(include_builtin_handlers=False)
    for event, handler in _handlers():
        session.register(event, handler)
    endpoint = optional_setting("DYNAMODB_ENDPOINT")
    return session.create_client("dynamodb", config=config, endpoint_url=endpoint)


def _handlers() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Those of botocore's own handlers that concern DynamoDB: of some hundred and thirty, eight."""
    for event, handler, *order in BUILTIN_HANDLERS:
        kind, _, where = event.partition(".")
        if not order and kind != "docs" and where.split(".")[0] in ("", "*", "dynamodb"):
            yield event, handler


def call(operation: str, **parameters: Any) -> Item:
    """One call of the client.

    Raises:
        Overtaken: a condition did not hold, or another transaction is under way.
        Throttled, ServiceUnavailable: it did not answer in time; it may or may not have taken effect.
        ClientError: everything else, which is a fault of ours.
    """
    try:
        response: Item = getattr(client(), operation)(**parameters)
    except ClientError as error:
        raise _meaning(error) from error
    except (BotoCoreError, ResponseParserError) as error:
        raise ServiceUnavailable(operation) from error
    return response


def _meaning(error: ClientError) -> Exception:
    code = error.response["Error"]["Code"]
    reasons: Sequence[Mapping[str, Any]] = error.response.get("CancellationReasons", ())
    codes = {reason.get("Code") for reason in reasons} or {code}
    if codes & _RACES:
        present: Any = error.response.get("Item")
        again = error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0) > 0
        return Overtaken(from_wire(present) if present else None, again)
    if codes & _THROTTLES:
        return Throttled(code)
    return ServiceUnavailable(code) if code in _UNAVAILABLE else error


def until_settled(decide: Callable[[], T]) -> T:
    """What `decide` returns, called again with growing, jittered pauses for as long as others are faster.

    Raises:
        RetriesExhausted: they were, for eight seconds.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    for pause in _pauses():
        try:
            return decide()
        except Overtaken:
            telemetry.record_retry()
        if time.monotonic() + pause > deadline:
            break
        time.sleep(pause)
    raise RetriesExhausted


def _pauses() -> Iterator[float]:
    longest = 0.02
    while True:
        yield random.uniform(0, longest)
        longest = min(2 * longest, _LONGEST_PAUSE_SECONDS)


def side_by_side(*reads: Callable[[], Any]) -> list[Any]:
    """What independent reads return, for the time of the slowest."""
    if len(reads) == 1:
        return [reads[0]()]
    from concurrent.futures import ThreadPoolExecutor  # only here: most reads are alone

    with ThreadPoolExecutor(min(8, len(reads))) as pool:
        return list(pool.map(lambda read: read(), reads))


def get(table: str, consistent: bool = True, **key: str) -> Item | None:
    """The item with that key."""
    response = call("get_item", TableName=table, Key=to_wire(key), ConsistentRead=consistent)
    return from_wire(response["Item"]) if "Item" in response else None


def batch_get(table: str, ids: Sequence[str], fields: Sequence[str] = ()) -> list[Item]:
    """The items with those ids, in any order; those that are missing are left out."""
    keys: dict[str, Any] = {"Keys": [to_wire({"id": id}) for id in ids]}
    if fields:
        keys |= _projection(fields)
    wanted, items = {table: keys}, []
    for pause in _pauses():
        response = call("batch_get_item", RequestItems=wanted)
        items += [from_wire(item) for item in response["Responses"].get(table, ())]
        wanted = response.get("UnprocessedKeys") or {}
        if not wanted:
            return items
        if pause > _LONGEST_PAUSE_SECONDS / 2:
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
) -> Iterator[Item]:
    """The items of one partition in the order of their sort keys, read page by page as they are asked for.

    Args:
        key: the partition key's name and value.
        between: the sort key's name, and its lowest and highest value, both included.
        limit: how many to return at the most; no page is asked for more than that.
        fields: which to return; all of them if none are named.

    On the table itself, not on an index, the read is consistent.
    """
    for page in _pages(table, key, between, index, descending, limit, fields):
        yield from map(from_wire, page["Items"])


def count(table: str, key: tuple[str, str], between: tuple[str, str, str], index: str) -> int:
    """How many items such a query has."""
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
    parameters |= {"IndexName": index} if index else {"ConsistentRead": True}
    while True:
        page = call(
            "query",
            TableName=table,
            KeyConditionExpression=condition,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=to_wire(values),
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


def put(table: str, item: Item, condition: str | None = None, **values: Any) -> Item:
    """A write of a whole item, to stand alone or in a transaction.

    In an expression `#name` stands for the attribute `name` and `:name` for the value given under that name.
    """
    return {
        "Put": {
            "TableName": table,
            "Item": to_wire(item),
            **_expressions(values, ConditionExpression=condition),
        }
    }


def delete(table: str, **key: str) -> Item:
    """A removal of an item, in a transaction."""
    return {"Delete": {"TableName": table, "Key": to_wire(key)}}


def update(
    table: str, key: Mapping[str, str], change: str, condition: str | None = None, **values: Any
) -> Item:
    """A change of an item, in a transaction."""
    expressions = _expressions(values, UpdateExpression=change, ConditionExpression=condition)
    return {"Update": {"TableName": table, "Key": to_wire(key), **expressions}}


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
            {"ExpressionAttributeValues": to_wire({f":{name}": values[name] for name in values})}
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
        Overtaken: a condition did not hold.
        ServiceUnavailable: one did not hold at a second attempt, and the first may have taken effect.
    """
    kind, parameters = next(iter(operations[0].items()))
    try:
        if len(operations) > 1:
            call("transact_write_items", TransactItems=list(operations))
        else:
            call(f"{kind.lower()}_item", **parameters, ReturnValuesOnConditionCheckFailure="ALL_OLD")
    except Overtaken as overtaken:
        if kind == "Put" and overtaken.present == from_wire(parameters["Item"]):
            return
        if overtaken.again:
            raise ServiceUnavailable("the answer to the first attempt") from overtaken
        raise


def to_wire(item: Mapping[str, Any]) -> Item:
    """An item, or a key, as DynamoDB's JSON has it."""
    return {name: _to_wire(value) for name, value in item.items()}


def from_wire(item: Mapping[str, Any]) -> Item:
    """An item as Python has it. The API stores text, whole numbers, flags, maps and null."""
    return {name: value["S"] if "S" in value else _from_wire(value) for name, value in item.items()}


def _to_wire(value: object) -> Item:
    if isinstance(value, str):
        return {"S": value}
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int):
        return {"N": str(value)}
    if isinstance(value, Mapping):
        return {"M": to_wire(value)}
    raise TypeError(type(value).__name__)


def _from_wire(value: Mapping[str, Any]) -> Any:
    ((kind, content),) = value.items()
    if kind == "N":
        return int(content)
    if kind == "M":
        return from_wire(content)
    return None if kind == "NULL" else content
