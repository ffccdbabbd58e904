"""Trees of counts in their table: read by lists, written by the consumer of the tables' streams alone.

A change is counted exactly once. Records of one item come in one shard of a stream, in the order of the
changes. The last sequence number of each shard is stored in the transaction that writes the counts, on condition
that the number is still the one that was read. So a record that Lambda sends again is recognized and skipped.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from scheduling.domain.counters import COUNTED_FIELDS, Change, Counts, Node, add, fold, top
from scheduling.settings import setting
from scheduling.store.items import Item, deserialize
from scheduling.store.queries import get, get_many, query
from scheduling.store.transactions import put, write

POSITIONS = "POSITIONS"
"""The scope of the items that store the last counted record of each shard."""

Record = Mapping[str, Any]
"""A record of a DynamoDB stream, as Lambda passes records on."""

_KINDS = ("ONE_TIME", "RECURRING", "TIMELINE")
_MOST_NODES = 99
"""How many nodes one transaction writes beside the position: DynamoDB takes 100 items."""
_KEPT_SECONDS = 3 * 24 * 60 * 60
"""How long empty nodes and positions are kept; a stream keeps its records for a day."""


def tops(scope: str, low: str, high: str) -> dict[str, Counts]:
    """Return the top nodes of a scope from one root to another, by root."""
    between = ("node", top(low), top(high))
    items = query(setting("COUNTERS_TABLE"), ("scope", scope), between, consistent=False)
    return {Node(scope, item["node"]).prefix: counts_of(item) for item in items}


def nodes(wanted: Iterable[Node]) -> dict[Node, Counts]:
    """Return the counts of those nodes that exist."""
    return {node: counts_of(item) for node, item in _items(wanted, consistent=False).items()}


def counts_of(item: Item) -> Counts:
    """Return the counts that a stored node has."""
    return {kind: item[kind] for kind in _KINDS if kind in item}


def count_changes(stream: str, shard: str, records: Sequence[Record], now: int) -> None:
    """Add the changes that the records of one shard report to the counts, each change once.

    Args:
        stream: the stream's ARN.
        shard: the id of the shard.
        records: records in the order of the shard; some may have been counted already.
        now: the time in epoch seconds.

    Raise WriteConflict when the changes of another shard were written to the same nodes.
    """
    place = {"scope": POSITIONS, "node": f"{stream}/{shard}"}
    stored = get(setting("COUNTERS_TABLE"), True, **place) or {}
    position = stored.get("position")
    new = [record for record in records if position is None or _number(record) > int(position)]
    for part in _parts(new):
        steps = fold(changes_of(part))
        if not steps:
            continue  # counting these records again would change no count
        present = _items(steps, consistent=True)
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
    """Return the changes that records of a stream report."""
    return [_change(record) for record in records]


def _put_node(node: Node, present: Item | None, steps: Mapping[str, Mapping[str, int]], now: int) -> Item:
    counts = add(counts_of(present or {}), steps)
    version = present["version"] if present else 0
    item = {"scope": node.scope, "node": node.name, **counts, "version": version + 1}
    if not counts:  # kept for a while, so that the repair tool can tell that the node has changed
        item["expiresAt"] = now + _KEPT_SECONDS
    if present:
        return put(setting("COUNTERS_TABLE"), item, "#version = :version", version=version)
    return put(setting("COUNTERS_TABLE"), item, "attribute_not_exists(#version)")


def _items(wanted: Iterable[Node], consistent: bool) -> dict[Node, Item]:
    keys = [{"scope": node.scope, "node": node.name} for node in wanted]
    found = get_many(setting("COUNTERS_TABLE"), keys, consistent=consistent) if keys else []
    return {Node(item["scope"], item["node"]): item for item in found}


def _parts(records: Sequence[Record]) -> Iterator[list[Record]]:
    """Yield the records in parts that one transaction can count."""
    part: list[Record] = []
    touched: set[Node] = set()
    for record in records:
        change = _change(record)
        more = set(fold([Change(change.old, None)])) | set(fold([Change(None, change.new)]))
        if part and len(touched | more) > _MOST_NODES:
            yield part
            part, touched = [], set()
        part.append(record)
        touched |= more
    if part:
        yield part


def _change(record: Record) -> Change:
    return Change(*(_image(record["dynamodb"].get(which)) for which in ("OldImage", "NewImage")))


def _image(image: Mapping[str, Any] | None) -> Item | None:
    if image is None:
        return None
    return deserialize({field: image[field] for field in COUNTED_FIELDS if field in image})


def _number(record: Record) -> int:
    return int(record["dynamodb"]["SequenceNumber"])
