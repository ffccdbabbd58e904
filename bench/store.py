"""Databases on DynamoDB Local with the items that the API would write, and the cost of requests to these databases."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from io import StringIO
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

import boto3

from scheduling.domain import session, slots, timeline
from scheduling.domain.session import Session
from scheduling.store import client as store
from scheduling.store.items import serialize
from tests.support import template
from tests.support.api import Answer, Caller
from tests.support.dynamodb import Engine

OWNER = Caller("anna")
MANAGER = Caller("maria", "[MANAGER]")
TIMELINE_ID = "a1b2c3d4-e5f6-7890-g1h2-i3j4k5l6m7n8"

YEARS = range(2016, 2026)
BEGIN = datetime(YEARS.start, 1, 1, tzinfo=UTC)
SINGLE_SIZES = (10, 1_000, 100_000)
SPAN = SINGLE_SIZES[-1] * timedelta(weeks=1) / 192
"""The time over which the one-time sessions are spread: ten years minus a few days. In each week, 192 of the 100,000
sessions start, at the same times as in all other weeks. So a weekly series can take place between these sessions
without a conflict.
"""
SERIES = 5_000

_CREATED = "2020-12-01T08:00:00.000Z"
_BATCH = 25
_WRITERS = 4


class Cost(NamedTuple):
    """The DynamoDB cost of a request."""

    calls: int
    items: int
    """The number of items that DynamoDB read, including items that a filter excluded."""
    read_units: float
    write_units: float


class Database:
    """A database with the API's tables, separate from other databases of the same engine."""

    def __init__(self, endpoint: str, name: str) -> None:
        self._environment = {
            **template.environment(
                JwtIssuer="https://issuer.test", JwtAudience="sessions", **{"AWS::StackName": "s"}
            ),
            "AWS_ACCESS_KEY_ID": name,
            "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "DYNAMODB_ENDPOINT": endpoint,
        }
        self.use()
        self.client = boto3.Session().client("dynamodb", endpoint_url=endpoint)
        for table in template.tables():
            self.client.create_table(**table)

    def use(self) -> None:
        """Make the handlers use this database."""
        os.environ.update(self._environment)
        store.client.cache_clear()

    def fill(self, sessions: Iterable[Session], total: int) -> None:
        """Write a timeline, its sessions, their slots, and the head of the calendar. Do not write counters."""
        kept = {"ONE_TIME": 0, "RECURRING": 0}
        home = timeline.create({"name": "Routine"}, TIMELINE_ID, OWNER.id, _CREATED)
        classes = set()

        def items() -> Iterator[tuple[str, Mapping[str, Any]]]:
            for number, one in enumerate(sessions):
                if number % 1000 == 0:
                    print_progress(f"writing session {number:,} of {total:,}")
                kept[one["type"]] += 1
                yield "SessionsTable", one
                slot = slots.slot(one)
                assert slot
                classes.add(slots.length_class(slot))
                yield "CalendarTable", slot

        self._write(items())
        home["sessionCounts"] = kept
        head = {
            "ownerId": OWNER.id,
            "slot": slots.HEAD,
            "version": total,
            "lengthClasses": sorted(filter(None, classes)),
            "sessionCounts": kept,
            "timelineCount": 1,
        }
        self._write([("TimelinesTable", home), ("CalendarTable", head)])
        print_progress("")

    def _write(self, items: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        waiting = iter(items)

        def write(batch: list[tuple[str, Mapping[str, Any]]]) -> None:
            requests: dict[str, list[Any]] = {}
            for table, item in batch:
                requests.setdefault(table, []).append({"PutRequest": {"Item": serialize(item)}})
            while requests:
                requests = self.client.batch_write_item(RequestItems=requests).get("UnprocessedItems") or {}

        with ThreadPoolExecutor(_WRITERS) as pool:
            while some := [batch for _ in range(10 * _WRITERS) if (batch := list(islice(waiting, _BATCH)))]:
                list(pool.map(write, some))


def build_singles(total: int) -> Iterator[Session]:
    """Yield `total` one-time sessions of one timeline, spread over SPAN, with free time after each session."""
    distance = SPAN / total
    length = min(timedelta(hours=1), distance / 2)
    for number in range(total):
        start = BEGIN + number * distance
        yield _build_session(number, "ONE_TIME", start, start + length)


def build_series(total: int) -> Iterator[Session]:
    """Yield `total` weekly series of one timeline without conflicts, with free time after each occurrence."""
    distance = timedelta(weeks=1) / total
    for number in range(total):
        start = BEGIN + number * distance
        yield _build_session(number, "RECURRING", start, start + distance / 2, repeatCycleType="WEEKLY")


def _build_session(number: int, kind: str, start: datetime, end: datetime, **rule: str) -> Session:
    fields = {
        "type": kind,
        "timelineId": TIMELINE_ID,
        "name": f"Session {number}",
        "description": "Bring a mat, a towel and a bottle of water. The door opens early. " + 40 * "word ",
        "startDateTime": _format_time(start),
        "endDateTime": _format_time(end),
        **rule,
    }
    return session.create(fields, build_id(number), OWNER.id, _CREATED)


def build_id(number: int) -> str:
    """Return an id for a number. The ids of successive numbers are distributed like random ids."""
    return str(UUID(int=number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128, version=4))


def _format_time(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


@lru_cache
def start_engine() -> Engine:
    """Return the engine of DynamoDB Local. The first call starts the engine, which stops when this process ends."""
    return Engine().__enter__()


def create_database(name: str) -> Database:
    """Create a database with empty tables."""
    return Database(start_engine().endpoint, name)


@lru_cache
def get_database_with_singles(total: int) -> Database:
    """Return a database with `total` one-time sessions. The first call creates the database."""
    made = Database(start_engine().endpoint, f"singles{total}")
    made.fill(build_singles(total), total)
    return made


@lru_cache
def get_database_with_series(total: int) -> Database:
    """Return a database with `total` weekly series. The first call creates the database."""
    made = Database(start_engine().endpoint, f"series{total}")
    made.fill(build_series(total), total)
    return made


def request(caller: Caller, function: str, **arguments: Any) -> tuple[Answer, Cost]:
    """Call a function of the API. Return the answer, and the cost of the function's DynamoDB calls."""
    with record_costs() as costs, redirect_stdout(StringIO()):
        answer = caller.call(function, **arguments)
    return answer, costs()


@contextmanager
def record_costs(client: Any = None) -> Iterator[Any]:
    """Record the cost of all DynamoDB calls while the context is open. Yield a function that returns the total cost."""
    events = (client or store.client()).meta.events
    seen: list[Cost] = []

    def request_capacity(params: dict[str, Any], **_: object) -> None:
        params["ReturnConsumedCapacity"] = "INDEXES"  # with TOTAL, DynamoDB Local omits some units

    def record_cost(parsed: Mapping[str, Any], model: Any, **_: object) -> None:
        capacity = parsed.get("ConsumedCapacity") or []
        units = sum(one["CapacityUnits"] for one in ([capacity] if isinstance(capacity, dict) else capacity))
        batch = (
            sum(len(items) for items in parsed.get("Responses", {}).values())
            if model.name == "BatchGetItem"
            else 0
        )
        items = parsed.get("ScannedCount", 0) + batch + ("Item" in parsed)
        writes = model.name not in ("GetItem", "Query", "BatchGetItem", "Scan")
        seen.append(Cost(1, items, 0 if writes else units, units if writes else 0))

    events.register("before-parameter-build.dynamodb", request_capacity)
    events.register("after-call.dynamodb", record_cost)
    try:
        yield lambda: Cost(*(sum(column) for column in zip(*seen, strict=True)))
    finally:
        events.unregister("before-parameter-build.dynamodb", request_capacity)
        events.unregister("after-call.dynamodb", record_cost)


def print_progress(text: str) -> None:
    """Print a progress message if stderr is a terminal. The next message overwrites this message."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
