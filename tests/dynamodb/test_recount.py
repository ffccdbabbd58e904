"""The repair command, on tables that somebody has written to past the API."""

import os
import subprocess
import sys
from typing import Any

import pytest

from scheduling.domain import counters
from scheduling.store.items import serialize
from tests.dynamodb.conftest import new_timeline
from tests.support.api import Caller
from tests.support.dynamodb import Engine
from tests.support.invariants import breaches
from tests.support.template import ROOT
from tools.recount import differences

ANNA = Caller("anna")


@pytest.fixture
def timeline(dynamodb_local: Any) -> str:
    """A timeline with two sessions in December and one without a start; another one, removed, beside it."""
    removed = new_timeline(ANNA)
    ANNA.call("delete_timeline", id=removed)
    timeline = new_timeline(ANNA)
    for times in ({"startDateTime": "2023-12-01T09:00:00Z"}, {"startDateTime": "2023-12-02T09:00:00Z"}, {}):
        body = {"type": "ONE_TIME", "timelineId": timeline, "name": "Yoga", **times}
        assert ANNA.call("create_session", body=body).status == 200
    return timeline


def recount(engine: Engine, *options: str) -> subprocess.CompletedProcess[str]:
    """The command, as docs/operations.md has it."""
    tables = ("--sessions-table", "SessionsTable", "--timelines-table", "TimelinesTable")
    return subprocess.run(
        [sys.executable, "-m", "tools.recount", *tables, *options],
        env={**os.environ, "PYTHONPATH": "layers/scheduling:.", "AWS_ENDPOINT_URL": engine.endpoint},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def set_count(dynamodb: Any, id: str, path: str, value: int, **names: str) -> None:
    """Write past the API."""
    dynamodb.update_item(
        TableName="TimelinesTable",
        Key={"id": {"S": id}},
        UpdateExpression=f"SET {path} = :value",
        ExpressionAttributeNames={f"#{name}": text for name, text in names.items()},
        ExpressionAttributeValues=serialize({":value": value}),
    )


def test_counts_that_are_right_are_left_alone(engine: Engine, timeline: str) -> None:
    done = recount(engine)
    assert (done.returncode, done.stdout) == (0, "All counts are right.\n"), done.stderr


def test_counts_that_are_wrong_are_told_and_mended(
    engine: Engine, timeline: str, dynamodb_local: Any
) -> None:
    shard = counters.shard("anna")
    set_count(dynamodb_local, timeline, "sessionCounts.#month", 7, month="2023-12")
    set_count(dynamodb_local, timeline, "sessionCounts.#month", 1, month="1999-01")
    set_count(dynamodb_local, shard, "#sessions", 0, sessions="sessions#none")
    set_count(dynamodb_local, shard, "#timelines", 9, timelines="timelines#2020-01")
    assert len(differences(dynamodb_local, "SessionsTable", "TimelinesTable")) == 4
    told = recount(engine)
    assert told.returncode == 1
    assert f"{timeline} 2023-12: kept 7, counted 2" in told.stdout
    assert f"{timeline} 1999-01: kept 1, counted 0" in told.stdout
    assert f"{shard} sessions#none: kept 0, counted 1" in told.stdout
    assert f"{shard} timelines#2020-01: kept 9, counted 0" in told.stdout
    assert len(breaches(dynamodb_local)) == 4
    mended = recount(engine, "--mend")
    assert mended.returncode == 0, mended.stdout
    assert breaches(dynamodb_local) == []
    assert recount(engine).stdout == "All counts are right.\n"
