"""Workers killed in the middle of a write: each write is complete, or has no effect."""

import os
import random
import signal
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from scheduling.store import client as store
from tests.support.api import Caller
from tests.support.invariants import breaches, live

ANNA = Caller("anna")
KILLS = 25
LONGEST_LIFE_SECONDS = 0.4
SETTLED_SECONDS = 5
SEED = 20231201


def test_a_write_that_is_killed_is_whole_or_not_there_and_what_was_acknowledged_stays(
    dynamodb_local: Any,
) -> None:
    timeline = ANNA.call("create_timeline", body={"name": "Routine"}).data["id"]
    chance = random.Random(SEED)
    acknowledged = 0
    for life in range(KILLS):
        words = _killed_after(chance.uniform(0, LONGEST_LIFE_SECONDS), timeline, life)
        assert _breaches_once_settled(dynamodb_local) == []
        there = {session["id"] for session in live(dynamodb_local)}
        said = {
            word: {id for other, id in words if other == word} for word in ("made", "removing", "removed")
        }
        assert said["made"] - said["removing"] <= there
        assert not said["removed"] & there
        acknowledged += len(said["made"])
    assert acknowledged, "no worker lived long enough for a write"


def _killed_after(seconds: float, timeline: str, life: int) -> list[tuple[str, str]]:
    """Kill a worker after so many seconds; return the changes that the worker reported."""
    reader, writer = os.pipe()
    worker = os.fork()
    if worker == 0:
        with suppress(BaseException):  # keep exceptions from the forked copy of the test runner
            _work(writer, timeline, life)
        os._exit(1)
    os.close(writer)
    with os.fdopen(reader) as said:
        words = [said.readline()]  # the worker has started
        time.sleep(seconds)
        os.kill(worker, signal.SIGKILL)
        ended = os.waitpid(worker, 0)[1]
        assert os.WIFSIGNALED(ended), "the worker ended before it was killed"
        words += said.readlines()
    return [(word, id) for word, _, id in (line.strip().partition(" ") for line in words[1:])]


def _work(said: int, timeline: str, life: int) -> None:
    """Create, move and delete sessions in an endless loop, and report each change."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    store.client.cache_clear()  # do not share connections with the parent
    assert ANNA.call("get_timeline", id=timeline).status == 200  # warm
    os.write(said, b"begun\n")
    for hours in count(step=2):
        start = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(weeks=life, hours=hours)
        times = {"startDateTime": start.isoformat(), "endDateTime": (start + timedelta(hours=1)).isoformat()}
        body = {"type": "ONE_TIME", "timelineId": timeline, "name": f"{life}.{hours}", **times}
        id = ANNA.call("create_session", body=body).data["id"]
        os.write(said, f"made {id}\n".encode())
        longer = {
            "endDateTime": (start + timedelta(minutes=90)).isoformat(),
            "startDateTime": times["endDateTime"],
        }
        assert ANNA.call("update_session", id=id, body=longer).status == 200
        if hours % 4:
            os.write(said, f"removing {id}\n".encode())
            assert ANNA.call("delete_session", id=id).status == 200
            os.write(said, f"removed {id}\n".encode())


def _breaches_once_settled(dynamodb_local: Any) -> list[str]:
    """Return the broken invariants after DynamoDB has finished the last write of the killed worker."""
    deadline = time.monotonic() + SETTLED_SECONDS
    while (found := breaches(dynamodb_local)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found
