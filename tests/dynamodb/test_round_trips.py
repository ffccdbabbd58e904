"""Round trips to DynamoDB per request. Parallel calls count as one round trip."""

import concurrent.futures
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import groupby
from operator import itemgetter
from threading import local
from typing import Any

import pytest

from scheduling.store.client import client
from tests.dynamodb.conftest import Call
from tests.support.api import Caller, new_timeline

ANNA, BERT, ROOT = Caller("anna"), Caller("bert"), Caller("root", "[ADMIN]")
TIMES = {"startDateTime": "2023-12-01T09:00:00Z", "endDateTime": "2023-12-01T10:00:00Z"}
LATER = {"startDateTime": "2024-01-05T09:00:00Z", "endDateTime": "2024-01-05T10:00:00Z"}
WEEKLY = {"type": "RECURRING", "repeatCycleType": "WEEKLY"}

Rounds = Callable[..., list[list[str]]]


class _Clock(local):
    """Logical clock: the number of DynamoDB calls that the current thread has waited for, one after another."""

    now = 0


@pytest.fixture
def rounds(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> Rounds:
    """Return a function that groups the DynamoDB calls of a request into rounds of parallel calls.

    Each call increases the clock of its thread by one. The clock of a new thread begins at the time of the thread that
    starts the new thread. A thread that waits for other threads sets its clock to the latest of their times. Calls with
    the same time are one round. So the rounds do not depend on how fast the machine is.
    """
    clock, started = _Clock(), []

    class ClockedPool(ThreadPoolExecutor):
        def map(self, work: Callable[[Any], Any], *waiting: Iterable[Any], **_: Any) -> Iterator[Any]:
            begin = clock.now

            def run(*arguments: Any) -> tuple[Any, int]:
                clock.now = begin
                return work(*arguments), clock.now

            done = list(super().map(run, *waiting))
            clock.now = max(end for _, end in done)
            return iter([result for result, _ in done])

    def note_call(model: Any, **_: object) -> None:
        clock.now += 1
        started.append((clock.now, model.name))

    def group_calls(call: Call, status: int = 200) -> list[list[str]]:
        clock.now = 0
        started.clear()
        with monkeypatch.context() as patching:
            patching.setattr(concurrent.futures, "ThreadPoolExecutor", ClockedPool)
            client().meta.events.register("before-call.dynamodb", note_call)
            try:
                assert call().status == status
            finally:
                client().meta.events.unregister("before-call.dynamodb", note_call)
        by_time = groupby(sorted(started), key=itemgetter(0))
        return [[operation for _, operation in round] for _, round in by_time]

    return group_calls


@pytest.fixture
def id(timeline: str) -> str:
    """Create two sessions; return the id of the second session."""
    for day in ("01", "02"):
        body = {"type": "ONE_TIME", "timelineId": timeline, "name": "Yoga"}
        times = {name: time.replace("12-01", f"12-{day}") for name, time in TIMES.items()}
        id: str = ANNA.call("create_session", body=body | times).data["id"]
    return id


def create(timeline: str, key: str | None = None, **fields: Any) -> Call:
    body = {"type": "ONE_TIME", "timelineId": timeline, "name": "Yoga"} | fields
    return partial(ANNA.call, "create_session", body=body, headers={"Idempotency-Key": key} if key else {})


def change(id: str, **fields: Any) -> Call:
    return partial(ROOT.call, "update_session", id=id, body=fields)


GET, WRITE, PUT, QUERY = "GetItem", "TransactWriteItems", "PutItem", "Query"
RESERVE_TIME = [GET], [QUERY, QUERY, QUERY], [WRITE]
"""Rounds that reserve time: one call reads the head, three queries read slots that may conflict, one call writes."""


def test_a_get_by_id_takes_one_round_trip(rounds: Rounds, id: str, timeline: str) -> None:
    assert rounds(partial(ANNA.call, "get_session", id=id)) == [[GET]]
    assert rounds(partial(ANNA.call, "get_timeline", id=timeline)) == [[GET]]


def test_a_delete_takes_two_round_trips(rounds: Rounds, id: str) -> None:
    assert rounds(partial(ANNA.call, "delete_session", id=id)) == [[GET], [WRITE]]


def test_a_post_takes_four_round_trips(rounds: Rounds, id: str, timeline: str) -> None:
    assert rounds(create(timeline, **LATER)) == [[GET], *RESERVE_TIME]
    refused = rounds(create(timeline, **LATER), 409)
    assert refused == [*[[GET], *RESERVE_TIME][:-1], [QUERY], [QUERY]], (
        "after the first conflict, the request looks for more conflicts"
    )


def test_a_post_with_an_idempotency_key_takes_four_round_trips_and_a_replay_takes_one(
    rounds: Rounds, id: str, timeline: str
) -> None:
    creation = create(timeline, key="attempt-1", **LATER)
    assert rounds(creation) == [[GET, GET], *RESERVE_TIME]
    assert rounds(creation) == [[GET, GET]]


def test_a_post_without_a_start_takes_two_round_trips(rounds: Rounds, timeline: str) -> None:
    assert rounds(create(timeline)) == [[GET], [WRITE]]


def test_a_post_of_a_series_takes_five_round_trips(rounds: Rounds, id: str, timeline: str) -> None:
    """The request also reads the one-time sessions after the start of the series."""
    head, reads, written = RESERVE_TIME
    assert rounds(create(timeline, **LATER, **WEEKLY)) == [[GET], head, reads, [QUERY], written]


def test_a_patch_of_times_takes_four_round_trips(rounds: Rounds, id: str) -> None:
    assert rounds(change(id, **LATER)) == [[GET], *RESERVE_TIME]


def test_a_move_to_another_owner_takes_four_round_trips(rounds: Rounds, id: str) -> None:
    """The new owner's calendar has no slots yet. Therefore, no query reads the slots that the latest write added."""
    moved = change(id, timelineId=new_timeline(BERT), **LATER)
    assert rounds(moved) == [[GET, GET], [GET], [QUERY, QUERY], [WRITE]]


def test_a_patch_of_name_or_description_takes_two_round_trips(rounds: Rounds, id: str) -> None:
    """A new name is also written to the slot, in a transaction. A new description is written only to the session."""
    assert rounds(change(id, description="Bring a mat")) == [[GET], [PUT]]
    assert rounds(change(id, name="Pilates")) == [[GET], [WRITE]]


def test_a_patch_that_changes_nothing_takes_one_round_trip(rounds: Rounds, id: str) -> None:
    assert rounds(change(id)) == [[GET]]
    assert rounds(change(id, name="Yoga")) == [[GET]]
