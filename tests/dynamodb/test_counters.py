"""Counters that `update_counters` computes from DynamoDB's streams.

Each change is counted once, even if Lambda sends records twice, shards arrive in any order, or a function crashes.
"""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from functions.update_counters.handler import lambda_handler
from scheduling.store.client import client
from tests.support.api import Caller, new_timeline
from tests.support.invariants import breaches, scan
from tests.support.streams import Shard, count_changes, shards

ANNA = Caller("anna")


def create(owner: Caller, timeline: str, day: int, kind: str = "ONE_TIME") -> str:
    """Create a session at 09:00 on a day in December 2023. Return its id."""
    start = f"2023-12-{day:02}T09:00:00Z"
    body = {"type": kind, "timelineId": timeline, "name": "Yoga", "startDateTime": start}
    return str(owner.call("create_session", body=body).data["id"])


@pytest.fixture
def history(dynamodb_local: Any) -> list[Shard]:
    """Create, change and delete sessions of several owners. Return the shards of the streams."""
    home, other = new_timeline(ANNA), new_timeline(ANNA)
    ANNA.call("delete_timeline", id=new_timeline(ANNA))
    for day in range(1, 9):
        id = create(ANNA, home, day, "RECURRING" if day % 2 else "ONE_TIME")
        changes = [
            {"name": "Other"},
            {"timelineId": other},
            {"startDateTime": "2024-02-01T09:00:00Z"},
            {"type": "ONE_TIME"},
        ]
        ANNA.call("update_session", id=id, body=changes[day % 4])
        if day % 3 == 0:
            ANNA.call("delete_session", id=id)
    for number in range(3):
        bert = Caller(f"bert-{number}")
        create(bert, new_timeline(bert), 9)
    return list(shards(dynamodb_local))


def read_nodes(dynamodb: Any) -> list[dict[str, Any]]:
    """Return all nodes in the Counters table, without their expiry times."""
    nodes = [node for node in scan(dynamodb, "CountersTable") if node["scope"] != "POSITIONS"]
    without = [{name: value for name, value in node.items() if name != "expiresAt"} for node in nodes]
    return sorted(without, key=lambda node: (node["scope"], node["node"]))


@pytest.mark.parametrize("size", [1, 3, 1_000])
def test_batches_of_any_size_give_correct_counts(
    dynamodb_local: Any, history: list[Shard], size: int
) -> None:
    for shard in history:
        records = shard.records()
        for first in range(0, len(records), size):
            lambda_handler(shard.event(records[first : first + size]), None)
    assert breaches(dynamodb_local) == []


def test_a_record_that_is_sent_twice_is_counted_once(dynamodb_local: Any, history: list[Shard]) -> None:
    for shard in history:
        records = shard.records()
        for first in range(0, len(records), 4):
            lambda_handler(shard.event(records[max(0, first - 3) : first + 4]), None)
            lambda_handler(shard.event(records[first : first + 2]), None)
        counted = read_nodes(dynamodb_local)
        lambda_handler(shard.event(records), None)
        assert read_nodes(dynamodb_local) == counted
    assert breaches(dynamodb_local) == []


@pytest.mark.parametrize("seed", range(3))
def test_shards_that_are_counted_concurrently_and_in_any_order_give_correct_counts(
    dynamodb_local: Any, history: list[Shard], seed: int
) -> None:
    """Divide each shard into three shards, as DynamoDB may do. All records of one item stay in the same shard."""
    choose = random.Random(seed)
    parts: list[tuple[Shard, list[dict[str, Any]]]] = []
    for shard in history:
        records = shard.records()
        items = {record["dynamodb"]["Keys"]["id"]["S"]: choose.randrange(3) for record in records}
        for number in range(3):
            some = [record for record in records if items[record["dynamodb"]["Keys"]["id"]["S"]] == number]
            parts.append((Shard(None, shard.stream, f"{shard.id}-{number}"), some))
    choose.shuffle(parts)

    def count(part: tuple[Shard, list[dict[str, Any]]]) -> None:
        shard, records = part
        for first in range(0, len(records), 5):
            lambda_handler(shard.event(records[first : first + 5]), None)
            lambda_handler(shard.event(records[first : first + 5]), None)

    with ThreadPoolExecutor(len(parts)) as pool:
        list(pool.map(count, parts))
    for shard in history:  # mark all records as counted; otherwise, `breaches` would count the records again
        last = shard.records()[-1]["dynamodb"]["SequenceNumber"]
        position = {"scope": "POSITIONS", "node": f"{shard.stream}/{shard.id}", "position": last}
        dynamodb_local.put_item(
            TableName="CountersTable", Item={name: {"S": value} for name, value in position.items()}
        )
    assert breaches(dynamodb_local) == []


class Crash(Exception):
    """Error that simulates the crash of a function."""


@pytest.fixture(params=["before-call", "after-call"])
def crashing_transactions(request: pytest.FixtureRequest, dynamodb_local: Any) -> Iterator[None]:
    """Raise a `Crash` before or after every second transaction of DynamoDB."""
    events, when = client().meta.events, f"{request.param}.dynamodb.TransactWriteItems"
    calls = 0

    def crash(**_: object) -> None:
        nonlocal calls
        calls += 1
        if calls % 2:
            raise Crash

    events.register(when, crash)
    yield
    events.unregister(when, crash)


def test_after_a_crash_before_or_after_a_write_each_change_is_counted_once(
    history: list[Shard], crashing_transactions: None, dynamodb_local: Any
) -> None:
    crashes = 0
    for shard in history:
        records = shard.records()
        for first in range(0, len(records), 3):
            done = False
            while not done:
                try:
                    lambda_handler(shard.event(records[first : first + 3]), None)
                    done = True
                except Crash:
                    crashes += 1
    assert crashes > 5
    assert breaches(dynamodb_local) == []


def test_four_concurrent_functions_that_receive_the_same_records_count_each_record_once(
    dynamodb_local: Any, history: list[Shard]
) -> None:
    for shard in history:
        event = shard.event(shard.records())
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda event: lambda_handler(event, None), [event] * 4))
    assert breaches(dynamodb_local) == []


def test_a_batch_with_changes_of_40_owners_is_counted_in_several_transactions(dynamodb_local: Any) -> None:
    """The sessions change 243 nodes in the Counters table, but a transaction has at most 100 items.

    Three nodes (of a year, a month and a day) count all sessions. Each of the 40 owners has three nodes, and each of
    the 40 timelines has three nodes.
    """
    for number in range(40):
        owner = Caller(f"owner-{number}")
        create(owner, new_timeline(owner), 9)
    count_changes(dynamodb_local)
    assert breaches(dynamodb_local) == []
    nodes = [node for node in read_nodes(dynamodb_local) if node["scope"] == "ALL"]
    assert [node["version"] for node in nodes] == [3, 3, 3]


def test_nodes_without_counts_expire_unless_a_new_session_is_counted_in_these_nodes(
    dynamodb_local: Any,
) -> None:
    timeline = new_timeline(ANNA)
    id = create(ANNA, timeline, 1)
    count_changes(dynamodb_local)
    ANNA.call("delete_session", id=id)
    count_changes(dynamodb_local)
    of_sessions = [node for node in scan(dynamodb_local, "CountersTable") if node["scope"] == "ALL"]
    assert [("expiresAt" in node, "ONE_TIME" in node) for node in of_sessions] == [(True, False)] * 3
    create(ANNA, timeline, 1)
    count_changes(dynamodb_local)
    of_sessions = [node for node in scan(dynamodb_local, "CountersTable") if node["scope"] == "ALL"]
    assert [("expiresAt" in node, "ONE_TIME" in node) for node in of_sessions] == [(False, True)] * 3
    assert breaches(dynamodb_local) == []
