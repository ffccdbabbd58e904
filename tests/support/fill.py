"""Function that writes the items that lists of sessions and timelines read, directly to the tables."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, cast

from scheduling.domain import slots
from scheduling.domain.counters import Change, count_by_node
from scheduling.domain.session import Session
from scheduling.store.descriptions import split, to_item
from scheduling.store.items import serialize

_BATCH = 25
_WRITERS = 4

Item = Mapping[str, Any]


def fill(dynamodb: Any, sessions: Iterable[Item], timelines: Iterable[Item]) -> None:
    """Write sessions, timelines, their counts, and the slots of series. `list_sessions` reads no other slots."""
    counted: list[Change] = []
    of_timelines: dict[str, Counter[str]] = {}
    of_owners: dict[str, Counter[str]] = {}
    owned: Counter[str] = Counter()

    def items() -> Iterator[tuple[str, Item]]:
        for session in sessions:
            counted.append(Change(None, session))
            of_timelines.setdefault(session["timelineId"], Counter())[session["type"]] += 1
            of_owners.setdefault(session["ownerId"], Counter())[session["type"]] += 1
            yield "SessionsTable", to_item(session)
            if session.get("repeatCycleType") and (slot := slots.slot(cast(Session, session))):
                yield "CalendarTable", slot
        for timeline in timelines:
            counted.append(Change(None, timeline))
            owned[timeline["ownerId"]] += 1
            item, description = split(timeline)
            yield "TimelinesTable", {**item, "sessionCounts": of_timelines.get(timeline["id"], {})}
            if description:
                yield "TimelinesTable", description

    write_items(dynamodb, items())
    heads: list[dict[str, Any]] = [
        {
            "ownerId": owner,
            "slot": "HEAD",
            "version": 1,
            "sessionCounts": of_owners.get(owner, {}),
            "timelineCount": owned[owner],
        }
        for owner in of_owners.keys() | owned.keys()
    ]
    nodes = [
        {"scope": node.scope, "node": node.name, "version": 1, **counts}
        for node, counts in count_by_node(counted).items()
    ]
    write_items(
        dynamodb, [*(("CalendarTable", head) for head in heads), *(("CountersTable", node) for node in nodes)]
    )


def write_items(dynamodb: Any, items: Iterable[tuple[str, Item]]) -> None:
    """Write items in parallel batches. Each item comes with the name of its table."""
    waiting = iter(items)

    def write(batch: list[tuple[str, Item]]) -> None:
        requests: dict[str, list[Any]] = {}
        for table, item in batch:
            requests.setdefault(table, []).append({"PutRequest": {"Item": serialize(item)}})
        while requests:
            requests = dynamodb.batch_write_item(RequestItems=requests).get("UnprocessedItems") or {}

    with ThreadPoolExecutor(_WRITERS) as pool:
        while some := [batch for _ in range(10 * _WRITERS) if (batch := list(islice(waiting, _BATCH)))]:
            list(pool.map(write, some))
