"""Calls that run at once, on DynamoDB's own engine, with the invariants checked after every test."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier, Condition, local
from typing import Any

import pytest

from scheduling.store.client import client
from tests.support import api
from tests.support.api import Answer, Caller
from tests.support.invariants import breaches
from tests.support.streams import count_changes

Call = Callable[[], Answer]
AtOnce = Callable[[Sequence[Call]], list[Answer]]

_PATIENCE_SECONDS = 30


@pytest.fixture
def counted_lists(dynamodb_local: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have all changes counted before each list, as they are within a second on AWS."""
    find = api.handler

    def handler(function: str) -> Any:
        if function.startswith("list_"):
            count_changes(dynamodb_local)
        return find(function)

    monkeypatch.setattr(api, "handler", handler)


@pytest.fixture
def dynamodb(dynamodb_local: Any, counted_lists: None) -> Iterator[Any]:
    """The tables, and what must hold between them still holds at the end."""
    yield dynamodb_local
    assert breaches(dynamodb_local) == []


@pytest.fixture
def timeline(dynamodb: Any) -> str:
    """The id of a timeline of `anna`."""
    return new_timeline(Caller("anna"))


def new_timeline(caller: Caller, **fields: str) -> str:
    """The id of a new timeline."""
    id: str = caller.call("create_timeline", body={"name": "Routine", **fields}).data["id"]
    return id


class _Meeting:
    """Where each call waits before its first transaction, until all that still run have come to theirs.

    So all of them decide on what they read before any of them wrote: the race that is hardest to win.
    """

    def __init__(self, expected: int) -> None:
        self._running, self._waiting, self._change = expected, 0, Condition()
        self._thread = local()

    def join(self, **_: object) -> None:
        """Wait for the others; only the first time."""
        if getattr(self._thread, "met", False):
            return
        self._thread.met = True
        with self._change:
            self._waiting += 1
            self._change.notify_all()
            assert self._change.wait_for(lambda: self._waiting >= self._running, _PATIENCE_SECONDS)

    def leave(self) -> None:
        """Let the others not wait for a call that has ended without a transaction."""
        with self._change:
            if not getattr(self._thread, "met", False):
                self._running -= 1
                self._change.notify_all()


@pytest.fixture(params=["as they come", "all having read before any writes"])
def at_once(request: pytest.FixtureRequest, dynamodb: Any) -> AtOnce:
    """Runs calls at once and returns their answers in the order of the calls."""
    return _as_they_come if request.param == "as they come" else all_having_read


def _as_they_come(calls: Sequence[Call]) -> list[Answer]:
    start = Barrier(len(calls))

    def one(call: Call) -> Answer:
        start.wait(_PATIENCE_SECONDS)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


def all_having_read(calls: Sequence[Call]) -> list[Answer]:
    """Runs calls at once, each having read, and decided, before any of them writes."""
    meeting = _Meeting(len(calls))

    def one(call: Call) -> Answer:
        try:
            return call()
        finally:
            meeting.leave()

    events, write = client().meta.events, "before-call.dynamodb.TransactWriteItems"
    events.register(write, meeting.join)
    try:
        return _as_they_come([partial(one, call) for call in calls])
    finally:
        events.unregister(write, meeting.join)
