"""Fixtures for concurrent calls on DynamoDB Local, with the invariants checked after every test."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier, Condition, local
from typing import Any

import pytest

from scheduling.store.client import client
from tests.support import api
from tests.support.api import Answer, Caller, new_timeline
from tests.support.invariants import breaches
from tests.support.streams import count_changes

Call = Callable[[], Answer]
AtOnce = Callable[[Sequence[Call]], list[Answer]]

_PATIENCE_SECONDS = 30


@pytest.fixture
def counted_lists(dynamodb_local: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Count all changes before each list, as AWS does within a second."""
    find = api.handler

    def handler(function: str) -> Any:
        if function.startswith("list_"):
            count_changes(dynamodb_local)
        return find(function)

    monkeypatch.setattr(api, "handler", handler)


@pytest.fixture
def dynamodb(dynamodb_local: Any, counted_lists: None) -> Iterator[Any]:
    """Yield a client of the tables, and check the invariants at the end."""
    yield dynamodb_local
    assert breaches(dynamodb_local) == []


@pytest.fixture
def timeline(dynamodb: Any) -> str:
    """Create a timeline of `anna`; return the id."""
    return new_timeline(Caller("anna"))


class _Meeting:
    """A barrier before the first transaction of each call, until all running calls have arrived.

    So every call decides before any call writes: the hardest order of a race.
    """

    def __init__(self, expected: int) -> None:
        self._running, self._waiting, self._change = expected, 0, Condition()
        self._thread = local()

    def join(self, **_: object) -> None:
        """Wait for the other calls before the first transaction of this call."""
        if getattr(self._thread, "met", False):
            return
        self._thread.met = True
        with self._change:
            self._waiting += 1
            self._change.notify_all()
            assert self._change.wait_for(lambda: self._waiting >= self._running, _PATIENCE_SECONDS)

    def leave(self) -> None:
        """Stop waiting for a call that ended without a transaction."""
        with self._change:
            if not getattr(self._thread, "met", False):
                self._running -= 1
                self._change.notify_all()


@pytest.fixture(params=["as they come", "all having read before any writes"])
def at_once(request: pytest.FixtureRequest, dynamodb: Any) -> AtOnce:
    """Return a function that runs calls at once and returns their answers in the order of the calls."""
    return _as_they_come if request.param == "as they come" else all_having_read


def _as_they_come(calls: Sequence[Call]) -> list[Answer]:
    start = Barrier(len(calls))

    def one(call: Call) -> Answer:
        start.wait(_PATIENCE_SECONDS)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


def all_having_read(calls: Sequence[Call]) -> list[Answer]:
    """Return a function that runs calls at once; no call writes before every call has read and decided."""
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
