"""Workers killed at random moments: each write is complete, or has no effect."""

import os
import random
import select
import signal
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from io import FileIO
from itertools import count
from typing import Any

import pytest

from scheduling.store import client as store
from tests.support.api import Caller
from tests.support.invariants import breaches, live_sessions

ANNA = Caller("anna")
KILLS = 25
MOST_REPORTS = 16
LONGEST_PAUSE_SECONDS = 0.05
TIMEOUT_SECONDS = 60
SEED = 20231201


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")  # from Python 3.12 on, if threads run
def test_a_killed_write_is_complete_or_has_no_effect_and_acknowledged_writes_are_kept(
    dynamodb_local: Any,
) -> None:
    timeline = ANNA.call("create_timeline", body={"name": "Routine"}).data["id"]
    chance = random.Random(SEED)
    acknowledged = 0
    for life in range(KILLS):
        reports, pause = chance.randint(0, MOST_REPORTS), chance.uniform(0, LONGEST_PAUSE_SECONDS)
        words = _run_and_kill_worker(reports, pause, timeline, life)
        assert _wait_for_consistency(dynamodb_local) == []
        stored = {session["id"] for session in live_sessions(dynamodb_local)}
        said = {
            word: {id for other, id in words if other == word} for word in ("made", "removing", "removed")
        }
        assert said["made"] - said["removing"] <= stored
        assert not said["removed"] & stored
        acknowledged += len(said["made"])
    assert acknowledged, "no worker lived long enough for a write"


def _run_and_kill_worker(reports: int, pause: float, timeline: str, life: int) -> list[tuple[str, str]]:
    """Start a worker; kill the worker `pause` seconds after its report number `reports`. Return all its reports.

    Killing by reports instead of by time lets the worker write on a slow machine too.
    """
    reader, writer = os.pipe()
    worker = os.fork()
    if worker == 0:
        with suppress(BaseException):  # an exception must not propagate into the forked copy of pytest
            _write_in_a_loop(writer, timeline, life)
        os._exit(1)
    os.close(writer)
    with os.fdopen(reader, "rb", buffering=0) as said:
        try:
            text = _read_lines(said, reports + 1)  # the first line says that the worker has started
            time.sleep(pause)
        finally:
            os.kill(worker, signal.SIGKILL)
            ended = os.waitpid(worker, 0)[1]
        assert os.WIFSIGNALED(ended), "the worker ended before it was killed"
        text += said.read()
    return [(word, id) for word, _, id in (line.partition(" ") for line in text.decode().splitlines()[1:])]


def _read_lines(said: FileIO, number: int) -> bytes:
    """Read at least `number` lines from a pipe."""
    text = b""
    while text.count(b"\n") < number:
        assert select.select([said], [], [], TIMEOUT_SECONDS)[0], "the worker reports nothing"
        part = said.read(4096)
        assert part, "the worker ended before it was killed"
        text += part
    return text


def _write_in_a_loop(said: int, timeline: str, life: int) -> None:
    """Create, move and delete sessions in an endless loop, and report each creation and each deletion."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    store.client.cache_clear()  # the worker must not share connections with its parent
    # The first call is slow. So the worker makes this call before it reports its start.
    assert ANNA.call("get_timeline", id=timeline).status == 200
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


def _wait_for_consistency(dynamodb_local: Any) -> list[str]:
    """Wait until DynamoDB has finished the last write of the worker; return the broken invariants."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while (found := breaches(dynamodb_local)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found
