"""Callers, timelines and sessions of the functional tests."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scheduling.store import client as store
from tests.support import api
from tests.support.api import Caller, new_timeline
from tests.support.streams import count_changes

ANNA, BERT = Caller("anna"), Caller("bert")
MANAGER, ADMIN = Caller("mary", "[MANAGER]"), Caller("root", "[ADMIN]")

BERLIN = {
    "type": "RECURRING",
    "name": "Yoga",
    "startDateTime": "2026-01-05T09:00:00+01:00",
    "endDateTime": "2026-01-05T10:00:00+01:00",
    "timeZone": "Europe/Berlin",
    "repeatCycleType": "WEEKLY",
}
"""The body of a request that creates a series on Mondays at 09:00 in Berlin. Tests add the `timelineId`."""

CALLS: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
"""The IAM actions that each function has needed in the tests so far, each with a table or an index."""

WHOLE_FOLDER = pytest.StashKey[bool]()
"""Key of a flag that is true if pytest runs every module of this folder, without `-k` and `-m`."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run `test_roles.py` last, and record whether every module of this folder runs."""
    folder = Path(__file__).parent
    present = {item.path for item in items}
    config.stash[WHOLE_FOLDER] = present >= set(folder.glob("test_*.py")) and not (
        config.option.keyword or config.option.markexpr
    )
    items.sort(key=lambda item: item.path.name == "test_roles.py")


@pytest.fixture(autouse=True)
def _record_calls(tables: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Record the DynamoDB calls of each function for `test_roles.py`.

    If a request other than a GET was sent since the last list, run `update_counters` before the next list.
    """
    running: list[str] = []
    uncounted = False
    find_handler = api.handler

    def handler(function: str) -> Any:
        original = find_handler(function)

        def run(event: Any, context: Any) -> Any:
            nonlocal uncounted
            if uncounted and function.startswith("list_"):
                uncounted = False
                count_changes(tables)
            uncounted |= not function.startswith(("get_", "list_", "update_counters"))
            running.append(function)
            try:
                return original(event, context)
            finally:
                running.pop()

        return run

    def record(params: dict[str, Any], model: Any, **_: object) -> None:
        if running:
            CALLS[running[-1]] |= set(_iam_actions(model.name, params))

    monkeypatch.setattr(api, "handler", handler)
    events = store.client().meta.events
    events.register("provide-client-params.dynamodb", record)
    yield
    events.unregister("provide-client-params.dynamodb", record)


def _iam_actions(operation: str, parameters: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the IAM actions that a call needs. A transaction needs the actions of all its operations."""
    match operation:
        case "TransactWriteItems":
            for member in parameters["TransactItems"]:
                ((kind, inner),) = member.items()
                yield (
                    "ConditionCheckItem" if kind == "ConditionCheck" else f"{kind}Item",
                    inner["TableName"],
                )
        case "BatchGetItem":
            for table in parameters["RequestItems"]:
                yield operation, table
        case _:
            index = parameters.get("IndexName")
            yield operation, parameters["TableName"] + (f"/index/{index}" if index else "")


RunBeforeNext = Callable[[str, Callable[[], object]], None]


@pytest.fixture
def run_before_next(tables: Any) -> RunBeforeNext:
    """Return a function that registers a callback. The callback runs once, before the next call of an operation."""

    def register(operation: str, callback: Callable[[], object]) -> None:
        def run_once(**_: object) -> None:
            events.unregister(name, run_once)
            callback()

        name, events = f"before-call.dynamodb.{operation}", store.client().meta.events
        events.register(name, run_once)

    return register


RunBeforeReads = Callable[[int, Callable[[], object]], None]


@pytest.fixture
def run_before_reads(tables: Any) -> Iterator[RunBeforeReads]:
    """Return a function that registers a callback. The callback runs once, before the n-th GetItem call from now."""
    events, registered = store.client().meta.events, []

    def register(reads: int, callback: Callable[[], object]) -> None:
        left = reads

        def count_read(**_: object) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                callback()

        registered.append(count_read)
        events.register("before-call.dynamodb.GetItem", count_read)

    yield register
    for count_read in registered:
        events.unregister("before-call.dynamodb.GetItem", count_read)


@pytest.fixture
def timeline(tables: Any) -> str:
    """Create a timeline that Anna owns; return the id of the timeline."""
    return new_timeline(ANNA)


def one_time(timeline: str, **fields: Any) -> dict[str, Any]:
    """Build the body of a one-time session on 2023-12-15 from 14:00 to 16:00 UTC."""
    return {
        "type": "ONE_TIME",
        "timelineId": timeline,
        "name": "Special Workshop",
        "startDateTime": "2023-12-15T14:00:00Z",
        "endDateTime": "2023-12-15T16:00:00Z",
        **fields,
    }


def new_session(caller: Caller, timeline: str, **fields: Any) -> dict[str, Any]:
    """Create a session; return the session from the response."""
    session: dict[str, Any] = caller.call("create_session", body=one_time(timeline, **fields)).data
    return session
