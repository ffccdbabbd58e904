"""Trees of counts in the Counters table. `update_counters` writes the trees, and lists read the trees.

No change is counted twice. A stream has the records of one item in one shard, in the order of the changes. The
transaction that writes counts also writes the last counted sequence number of the shard, on condition that the stored
number has not changed. Records up to this number are skipped. So a record that Lambda sends again is not counted again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from scheduling.domain.counters import COUNTED_FIELDS, Change, Counts, Node, add, count_by_node, top
from scheduling.settings import setting
from scheduling.store.items import Item, deserialize
from scheduling.store.queries import get, get_many, query
from scheduling.store.transactions import put, write

POSITIONS = "POSITIONS"
"""The scope of the items that store the sequence number of the last counted record of each shard."""

Record = Mapping[str, Any]
"""A record of a DynamoDB stream, in the form of Lambda's events."""

_KINDS = ("ONE_TIME", "RECURRING", "TIMELINE")
_MOST_NODES = 99
"""The largest number of nodes in one transaction. With the position, a transaction has 100 items, DynamoDB's limit."""
_KEPT_SECONDS = 3 * 24 * 60 * 60
"""Empty nodes and positions are kept for three days, because a stream keeps its records for one day."""


def tops(scope: str, low: str, high: str) -> dict[Node, Counts]:
    """Return the counts of the top nodes of a scope. The nodes count periods from `low` to `high`, such as years."""
    between = ("node", top(low), top(high))
    items = query(setting("COUNTERS_TABLE"), ("scope", scope), between, consistent=False)
    return {Node(scope, item["node"]): counts_of(item) for item in items}


def nodes(wanted: Iterable[Node]) -> dict[Node, Counts]:
    """Return the counts of the nodes that exist, by eventually consistent reads."""
    return {node: counts_of(item) for node, item in _read_items(wanted, consistent=False).items()}


def counts_of(item: Item) -> Counts:
    """Return the counts in the item of a node."""
    return {kind: item[kind] for kind in _KINDS if kind in item}


def count_changes(stream: str, shard: str, records: Sequence[Record], now: int) -> None:
    """Count the changes in the records of one shard, each change once.

    Args:
        stream: the stream's ARN.
        shard: the id of the shard.
        records: records in the order of the shard; some may have been counted already.
        now: the time in epoch seconds.

    Raises:
        WriteConflict: another transaction has written the position or one of the nodes since the read.
    """
    place = {"scope": POSITIONS, "node": f"{stream}/{shard}"}
    stored = get(setting("COUNTERS_TABLE"), True, **place) or {}
    position = stored.get("position")
    new = [record for record in records if position is None or _read_number(record) > int(position)]
    for part in _split_records(new):
        steps = count_by_node(changes_of(part))
        if not steps:
            continue  # these records change no count, so the position need not change
        present = _read_items(steps, consistent=True)
        moved = {
            **place,
            "position": part[-1]["dynamodb"]["SequenceNumber"],
            "expiresAt": now + _KEPT_SECONDS,
        }
        table, unmoved = setting("COUNTERS_TABLE"), "attribute_not_exists(#position)"
        write(
            put(table, moved, "#position = :position", position=position)
            if position
            else put(table, moved, unmoved),
            *(_put_node(node, present.get(node), steps[node], now) for node in steps),
        )
        position = moved["position"]


def changes_of(records: Iterable[Record]) -> list[Change]:
    """Return the changes in the records of a stream."""
    return [_read_change(record) for record in records]


def _put_node(node: Node, present: Item | None, steps: Mapping[str, Mapping[str, int]], now: int) -> Item:
    counts = add(counts_of(present or {}), steps)
    version = present["version"] if present else 0
    item = {"scope": node.scope, "node": node.name, **counts, "version": version + 1}
    if not counts:  # keep the node for three days, so that tools/recount.py sees the new version
        item["expiresAt"] = now + _KEPT_SECONDS
    if present:
        return put(setting("COUNTERS_TABLE"), item, "#version = :version", version=version)
    return put(setting("COUNTERS_TABLE"), item, "attribute_not_exists(#version)")


def _read_items(wanted: Iterable[Node], consistent: bool) -> dict[Node, Item]:
    keys = [{"scope": node.scope, "node": node.name} for node in wanted]
    found = get_many(setting("COUNTERS_TABLE"), keys, consistent=consistent) if keys else []
    return {Node(item["scope"], item["node"]): item for item in found}


def _split_records(records: Sequence[Record]) -> Iterator[list[Record]]:
    """Yield the records in parts. One transaction can count all records of a part."""
    part: list[Record] = []
    touched: set[Node] = set()
    for record in records:
        change = _read_change(record)
        more = set(count_by_node([Change(change.old, None)])) | set(count_by_node([Change(None, change.new)]))
        if part and len(touched | more) > _MOST_NODES:
            yield part
            part, touched = [], set()
        part.append(record)
        touched |= more
    if part:
        yield part


def _read_change(record: Record) -> Change:
    return Change(*(_read_image(record["dynamodb"].get(which)) for which in ("OldImage", "NewImage")))


def _read_image(image: Mapping[str, Any] | None) -> Item | None:
    if image is None:
        return None
    return deserialize({field: image[field] for field in COUNTED_FIELDS if field in image})


def _read_number(record: Record) -> int:
    return int(record["dynamodb"]["SequenceNumber"])
