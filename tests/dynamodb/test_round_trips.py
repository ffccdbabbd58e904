"""Round trips to DynamoDB per endpoint. Parallel calls count as one round trip."""

import os
import time
from collections.abc import Callable
from functools import partial
from threading import Lock
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


@pytest.fixture
def rounds(dynamodb: Any) -> Rounds:
    """Return a function that groups the DynamoDB calls of a request into rounds of parallel calls.

    Each call is delayed, so that all calls of a round start before the first call of the round ends. On a busy
    machine, threads start late. Therefore, the delay grows with the load of the machine.
    """
    delay_seconds = 0.15 * max(1, os.getloadavg()[0])
    started: list[tuple[float, str]] = []
    lock = Lock()

    def delay(request: Any, **_: object) -> None:
        with lock:
            started.append((time.monotonic(), request.headers["X-Amz-Target"].decode().partition(".")[2]))
        time.sleep(delay_seconds)

    def group_calls(call: Call, status: int = 200) -> list[list[str]]:
        started.clear()
        client().meta.events.register("before-send.dynamodb", delay)
        try:
            assert call().status == status
        finally:
            client().meta.events.unregister("before-send.dynamodb", delay)
        found: list[list[str]] = []
        first = float("-inf")
        for moment, operation in started:
            if moment - first >= delay_seconds:
                found.append([])
                first = moment
            found[-1].append(operation)
        return [sorted(operations) for operations in found]

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
