"""Fixtures for concurrent calls on DynamoDB Local, and a fixture that checks the invariants after a test."""

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
RunAtOnce = Callable[[Sequence[Call]], list[Answer]]

_TIMEOUT_SECONDS = 30


@pytest.fixture
def count_before_lists(dynamodb_local: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run `update_counters` before each list. On AWS, Lambda runs this function about a second after a change."""
    find_handler = api.handler

    def handler(function: str) -> Any:
        if function.startswith("list_"):
            count_changes(dynamodb_local)
        return find_handler(function)

    monkeypatch.setattr(api, "handler", handler)


@pytest.fixture
def dynamodb(dynamodb_local: Any, count_before_lists: None) -> Iterator[Any]:
    """Yield a DynamoDB client. After the test, check the invariants of the tables."""
    yield dynamodb_local
    assert breaches(dynamodb_local) == []


@pytest.fixture
def timeline(dynamodb: Any) -> str:
    """Create a timeline of Anna's; return the id."""
    return new_timeline(Caller("anna"))


class _WriteBarrier:
    """Barrier at which each call waits before its first transaction, until all running calls wait at the barrier.

    Therefore, all calls check for conflicts before any call writes. A double booking is then most likely.
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
            assert self._change.wait_for(lambda: self._waiting >= self._running, _TIMEOUT_SECONDS)

    def leave(self) -> None:
        """Let the other calls continue, if this call ended without a transaction."""
        with self._change:
            if not getattr(self._thread, "met", False):
                self._running -= 1
                self._change.notify_all()


@pytest.fixture(params=["in any order", "reads before writes"])
def run_at_once(request: pytest.FixtureRequest, dynamodb: Any) -> RunAtOnce:
    """Return a function that runs calls concurrently and returns their answers in the order of the calls."""
    return _run_at_once if request.param == "in any order" else run_with_reads_first


def _run_at_once(calls: Sequence[Call]) -> list[Answer]:
    start = Barrier(len(calls))

    def run(call: Call) -> Answer:
        start.wait(_TIMEOUT_SECONDS)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def run_with_reads_first(calls: Sequence[Call]) -> list[Answer]:
    """Run calls concurrently. Hold the first transaction of each call until all calls have finished their reads."""
    barrier = _WriteBarrier(len(calls))

    def run(call: Call) -> Answer:
        try:
            return call()
        finally:
            barrier.leave()

    events, write = client().meta.events, "before-call.dynamodb.TransactWriteItems"
    events.register(write, barrier.join)
    try:
        return _run_at_once([partial(run, call) for call in calls])
    finally:
        events.unregister(write, barrier.join)
