"""Recount of all sessions and timelines, compared with the stored counts.

Counts can be wrong after an operator changed items without the API, after a restore of a single table, and after
Lambda dropped stream records. `--repair` writes the right counts. The API may be in use during a run. A run has four
steps:

1. Wait until UpdateCountersFunction has counted all records of the streams. Read the stored counts.
2. Count the sessions and timelines. Wait again until UpdateCountersFunction has counted all records.
3. Compare the stored counts with the counts of step 2. Skip each node (item of the Counters table) whose version has
   changed since step 1, because the counts in this node changed during the run. Skip the totals of its scope too.
4. With `--repair`, write the right counts, on condition that the stored counts are still those that the run read.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import boto3
from botocore.exceptions import ClientError

from scheduling.domain import counters
from scheduling.domain.counters import Change, Node, count_by_node
from scheduling.domain.slots import HEAD
from scheduling.store.counters import POSITIONS, changes_of, counts_of
from scheduling.store.items import Item, deserialize, serialize
from tools.tables import add_table_options, exit_on_aws_errors

_LONGEST_WAIT_SECONDS = 300
_PAUSE_SECONDS = 1
_COUNTED_WITHIN_SECONDS = 60
"""If a shard has no stored position, the recount assumes that records older than 60 seconds are counted."""


class Tables(NamedTuple):
    """The names of the tables."""

    sessions: str
    timelines: str
    calendar: str
    counters: str


class Difference(NamedTuple):
    """Stored counts that are wrong."""

    table: str
    key: Mapping[str, str]
    stored: Item | None
    """The stored item; None if the item does not exist."""
    fields: Item
    """The right values of the fields that hold counts."""

    def __str__(self) -> str:
        stored = {field: (self.stored or {}).get(field) for field in self.fields}
        return f"{' '.join(self.key.values())}: stored {stored}, counted {dict(self.fields)}"


class UncountedRecords(Exception):
    """Stream records that were not counted in time. The argument names their shards."""


def find_differences(dynamodb: Any, streams: Any, tables: Tables) -> tuple[list[Difference], int]:
    """Return the wrong counts, and the number of nodes that the recount skipped because they changed during the run."""
    wait_until_counted(dynamodb, streams, tables)
    stored = _read_nodes(dynamodb, tables)
    timelines = [item for item in _scan_table(dynamodb, tables.timelines) if "ownerId" in item]
    heads = [item for item in _scan_table(dynamodb, tables.calendar) if item["slot"] == HEAD]
    sessions = list(_scan_table(dynamodb, tables.sessions))
    live = [*sessions, *_scan_table(dynamodb, tables.timelines)]
    wait_until_counted(dynamodb, streams, tables)
    after = _read_nodes(dynamodb, tables)
    nodes = stored.keys() | after.keys()
    changed = {node for node in nodes if _read_version(stored.get(node)) != _read_version(after.get(node))}
    scopes = {node.scope for node in changed}
    right = count_by_node(Change(None, item) for item in live)
    differences: list[Difference] = []
    for node in (nodes | right.keys()) - changed:
        counts = {kind: dict(entries) for kind, entries in right.get(node, {}).items()}
        if counts != counts_of(stored.get(node) or {}):
            key = {"scope": node.scope, "node": node.name}
            differences.append(Difference(tables.counters, key, stored.get(node), counts))
    present = [session for session in sessions if "startKey" in session]
    of_timeline = _count_by_type((session["timelineId"], session) for session in present)
    of_owner = _count_by_type((session["ownerId"], session) for session in present)
    owned = Counter(item["ownerId"] for item in timelines if "createdKey" in item)
    for item in timelines:
        if counters.sessions_of_timeline(item["id"]) not in scopes:
            fields: Item = {"sessionCounts": of_timeline.get(item["id"], {})}
            differences += _compare(tables.timelines, {"id": item["id"]}, item, fields)
    by_owner = {head["ownerId"]: head for head in heads}
    for owner in by_owner.keys() | of_owner.keys() | owned.keys():
        if not {counters.sessions_of_owner(owner), counters.timelines_of_owner(owner)} & scopes:
            fields = {"sessionCounts": of_owner.get(owner, {}), "timelineCount": owned[owner]}
            key = {"ownerId": owner, "slot": HEAD}
            differences += _compare(tables.calendar, key, by_owner.get(owner), fields)
    return differences, len(changed)


def repair(dynamodb: Any, tables: Tables, difference: Difference) -> bool:
    """Write the right counts.

    Return False if the head is missing, or if the stored counts have changed since the run read them.
    """
    table, key, stored, fields = difference
    if table != tables.counters and stored is None:
        return False  # the head is missing, and a new head would not have the version of the calendar
    try:
        if table == tables.counters:
            node = {**key, **fields, "version": _read_version(stored) + 1}
            if not fields:  # let DynamoDB delete a node without counts
                node["expiresAt"] = int(time.time())
            _put_node(dynamodb, table, node, stored)
        else:
            _update_totals(dynamodb, table, key, stored or {}, fields)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return False
    return True


def _put_node(dynamodb: Any, table: str, node: Item, stored: Item | None) -> None:
    unchanged: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(version)"}
    if stored:
        values = serialize({":version": stored["version"]})
        unchanged = {"ConditionExpression": "version = :version", "ExpressionAttributeValues": values}
    dynamodb.put_item(TableName=table, Item=serialize(node), **unchanged)


def _update_totals(dynamodb: Any, table: str, key: Mapping[str, str], stored: Item, fields: Item) -> None:
    old = {f":old_{field}": stored[field] for field in fields if field in stored}
    new = {f":new_{field}": value for field, value in fields.items()}
    dynamodb.update_item(
        TableName=table,
        Key=serialize(key),
        UpdateExpression="SET " + ", ".join(f"{field} = :new_{field}" for field in fields),
        ConditionExpression=" AND ".join(
            f"{field} = :old_{field}" if field in stored else f"attribute_not_exists({field})"
            for field in fields
        ),
        ExpressionAttributeValues=serialize({**old, **new}),
    )


def wait_until_counted(dynamodb: Any, streams: Any, tables: Tables) -> None:
    """Wait until UpdateCountersFunction has counted all records of the streams.

    Raises:
        UncountedRecords: some records are not counted after five minutes.
    """
    deadline = time.monotonic() + _LONGEST_WAIT_SECONDS
    while behind := [
        shard
        for table in (tables.sessions, tables.timelines)
        for shard in _find_uncounted_shards(dynamodb, streams, tables, table)
    ]:
        if time.monotonic() > deadline:
            raise UncountedRecords(", ".join(behind))
        time.sleep(_PAUSE_SECONDS)


def _find_uncounted_shards(dynamodb: Any, streams: Any, tables: Tables, table: str) -> Iterator[str]:
    """Yield those shards of a table's stream that contain changes that are not counted yet."""
    stream = dynamodb.describe_table(TableName=table)["Table"].get("LatestStreamArn")
    if stream is None:
        return
    for shard in _read_shards(streams, stream):
        key = serialize({"scope": POSITIONS, "node": f"{stream}/{shard}"})
        found = dynamodb.get_item(TableName=tables.counters, Key=key, ConsistentRead=True).get("Item")
        position = deserialize(found)["position"] if found else None
        records = list(_read_records(streams, stream, shard, position))
        if position is None:
            oldest = time.time() - _COUNTED_WITHIN_SECONDS
            records = [
                record
                for record in records
                if record["dynamodb"]["ApproximateCreationDateTime"].timestamp() > oldest
            ]
        if count_by_node(changes_of(records)):
            yield shard


def _read_shards(streams: Any, stream: str) -> Iterator[str]:
    start: dict[str, str] = {}
    while True:
        found = streams.describe_stream(StreamArn=stream, **start)["StreamDescription"]
        yield from (shard["ShardId"] for shard in found["Shards"])
        if not found.get("LastEvaluatedShardId"):
            return
        start = {"ExclusiveStartShardId": found["LastEvaluatedShardId"]}


def _read_records(streams: Any, stream: str, shard: str, position: str | None) -> Iterator[dict[str, Any]]:
    """Yield the records of a shard after a position. Yield all records if the position is None or too old."""
    start: dict[str, str] = {"ShardIteratorType": "TRIM_HORIZON"}
    if position is not None:
        start = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": position}
    try:
        found = streams.get_shard_iterator(StreamArn=stream, ShardId=shard, **start)
    except ClientError as error:
        if error.response["Error"]["Code"] != "TrimmedDataAccessException":
            raise
        found = streams.get_shard_iterator(StreamArn=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    iterator = found["ShardIterator"]
    while iterator:
        response = streams.get_records(ShardIterator=iterator)
        for record in response["Records"]:
            if position is None or int(record["dynamodb"]["SequenceNumber"]) > int(position):
                yield record
        iterator = response.get("NextShardIterator") if response["Records"] else None


def _read_nodes(dynamodb: Any, tables: Tables) -> dict[Node, Item]:
    items = _scan_table(dynamodb, tables.counters)
    return {Node(item["scope"], item["node"]): item for item in items if item["scope"] != POSITIONS}


def _read_version(item: Item | None) -> int:
    return int(item["version"]) if item else 0


def _count_by_type(sessions: Iterable[tuple[str, Item]]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for owner, session in sessions:
        counts = found.setdefault(owner, {})
        counts[session["type"]] = counts.get(session["type"], 0) + 1
    return found


def _compare(table: str, key: dict[str, str], item: Item | None, fields: Item) -> list[Difference]:
    """Return the difference between stored and counted totals, if any. A missing entry counts as zero."""
    stored = {field: (item or {}).get(field, 0 if field == "timelineCount" else {}) for field in fields}
    if {field: _drop_zeros(value) for field, value in stored.items()} == fields:
        return []
    return [Difference(table, key, item, fields)]


def _drop_zeros(value: Any) -> Any:
    return {name: count for name, count in value.items() if count} if isinstance(value, dict) else value


def _scan_table(dynamodb: Any, table: str) -> Iterator[Item]:
    for response in dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        yield from map(deserialize, response["Items"])


def main() -> int:
    """Run the command. Exit with the status 2 after an error of AWS, such as a wrong name of a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    add_table_options(parser, Tables._fields)
    parser.add_argument("--repair", action="store_true", help="write the right counts")
    options = parser.parse_args()
    tables = Tables(*(getattr(options, f"{name}_table") for name in Tables._fields))
    with exit_on_aws_errors(parser):
        return run(tables, options.repair)


def run(tables: Tables, should_repair: bool) -> int:
    """Print the wrong counts, and repair them on request.

    Return 1 if a count is still wrong, or if some stream records were not counted in time. Otherwise return 0.
    """
    dynamodb, streams = boto3.client("dynamodb"), boto3.client("dynamodbstreams")
    try:
        differences, changed = find_differences(dynamodb, streams, tables)
    except UncountedRecords as behind:
        print(
            f"The records of these shards are not counted yet: {behind}. See CountersDelayAlarm.",
            file=sys.stderr,
        )
        return 1
    left = 0
    for difference in differences:
        repaired = should_repair and repair(dynamodb, tables, difference)
        left += not repaired
        print(difference, "- repaired" if repaired else "")
    if changed:
        print(f"{changed} counts changed during the run and were skipped. Run again to check them.")
    right = "All other counts are right." if changed else "All counts are right."
    print(f"{left} counts are wrong. Run again with --repair." if left else right)
    return int(left > 0)


if __name__ == "__main__":
    sys.exit(main())
