"""DynamoDB calls of each endpoint, counted below botocore, in sequence and in parallel."""

import time
from collections.abc import Callable
from functools import partial
from threading import Lock
from typing import Any

import pytest

from scheduling.store.client import client
from tests.dynamodb.conftest import Call, new_timeline
from tests.support.api import Caller

ANNA, BERT, ROOT = Caller("anna"), Caller("bert"), Caller("root", "[ADMIN]")
TIMES = {"startDateTime": "2023-12-01T09:00:00Z", "endDateTime": "2023-12-01T10:00:00Z"}
LATER = {"startDateTime": "2024-01-05T09:00:00Z", "endDateTime": "2024-01-05T10:00:00Z"}
WEEKLY = {"type": "RECURRING", "repeatCycleType": "WEEKLY"}
SLOWED_SECONDS = 0.15

Rounds = Callable[..., list[list[str]]]


@pytest.fixture
def rounds(dynamodb: Any) -> Rounds:
    """Return the DynamoDB calls of a request in rounds; the calls of one round run in parallel.

    Each DynamoDB call is delayed, so that parallel calls are recognized.
    """
    begun: list[tuple[float, str]] = []
    lock = Lock()

    def hold(request: Any, **_: object) -> None:
        with lock:
            begun.append((time.monotonic(), request.headers["X-Amz-Target"].decode().partition(".")[2]))
        time.sleep(SLOWED_SECONDS)

    def of(call: Call, status: int = 200) -> list[list[str]]:
        begun.clear()
        client().meta.events.register("before-send.dynamodb", hold)
        try:
            assert call().status == status
        finally:
            client().meta.events.unregister("before-send.dynamodb", hold)
        found: list[list[str]] = []
        first = float("-inf")
        for moment, operation in begun:
            if moment - first >= SLOWED_SECONDS:
                found.append([])
                first = moment
            found[-1].append(operation)
        return [sorted(operations) for operations in found]

    return of


@pytest.fixture
def id(timeline: str) -> str:
    """Create a session in a calendar that has others; return the id."""
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
DECIDE = [GET], [QUERY, QUERY, QUERY], [WRITE]
"""The head; then the slot written last, the series that end and the neighbours; then the transaction."""


def test_a_read_by_id_is_one(rounds: Rounds, id: str, timeline: str) -> None:
    assert rounds(partial(ANNA.call, "get_session", id=id)) == [[GET]]
    assert rounds(partial(ANNA.call, "get_timeline", id=timeline)) == [[GET]]


def test_a_removal_is_two(rounds: Rounds, id: str) -> None:
    assert rounds(partial(ANNA.call, "delete_session", id=id)) == [[GET], [WRITE]]


def test_a_creation_is_four(rounds: Rounds, id: str, timeline: str) -> None:
    assert rounds(create(timeline, **LATER)) == [[GET], *DECIDE]
    refused = rounds(create(timeline, **LATER), 409)
    assert refused == [*[[GET], *DECIDE][:-1], [QUERY], [QUERY]], "the request looks for more conflicts"


def test_a_creation_with_a_key_is_four_and_its_replay_one(rounds: Rounds, id: str, timeline: str) -> None:
    creation = create(timeline, key="attempt-1", **LATER)
    assert rounds(creation) == [[GET, GET], *DECIDE]
    assert rounds(creation) == [[GET, GET]]


def test_a_creation_without_a_start_is_two(rounds: Rounds, timeline: str) -> None:
    assert rounds(create(timeline)) == [[GET], [WRITE]]


def test_a_series_is_five(rounds: Rounds, id: str, timeline: str) -> None:
    """A series also reads the single sessions after its start."""
    head, reads, written = DECIDE
    assert rounds(create(timeline, **LATER, **WEEKLY)) == [[GET], head, reads, [QUERY], written]


def test_a_change_of_times_is_four(rounds: Rounds, id: str) -> None:
    assert rounds(change(id, **LATER)) == [[GET], *DECIDE]


def test_a_move_to_another_owner_is_four(rounds: Rounds, id: str) -> None:
    """The other calendar is empty, so its head names no slot."""
    moved = change(id, timelineId=new_timeline(BERT), **LATER)
    assert rounds(moved) == [[GET, GET], [GET], [QUERY, QUERY], [WRITE]]


def test_a_change_of_words_is_two(rounds: Rounds, id: str) -> None:
    """The slot has a copy of the name, so a new name writes the slot too."""
    assert rounds(change(id, description="Bring a mat")) == [[GET], [PUT]]
    assert rounds(change(id, name="Pilates")) == [[GET], [WRITE]]


def test_a_change_that_changes_nothing_is_one(rounds: Rounds, id: str) -> None:
    assert rounds(change(id)) == [[GET]]
    assert rounds(change(id, name="Yoga")) == [[GET]]
