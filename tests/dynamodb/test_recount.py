"""Recounts: comparison with the stored counts, repair, and changes during a recount."""

import os
import subprocess
import sys
from typing import Any

import pytest

from scheduling.store.items import serialize
from tests.support.api import Caller, new_timeline
from tests.support.dynamodb import Engine
from tests.support.invariants import breaches, scan
from tests.support.streams import count_changes, create_streams_client
from tests.support.template import ROOT
from tools import recount as tool

ANNA = Caller("anna")
TABLES = ("sessions", "timelines", "calendar", "counters")


def create(timeline: str, **times: str) -> str:
    """Create a session of Anna's; return the id."""
    body = {"type": "ONE_TIME", "timelineId": timeline, "name": "Yoga", **times}
    return str(ANNA.call("create_session", body=body).data["id"])


@pytest.fixture
def timeline(dynamodb_local: Any) -> str:
    """Create a timeline with two sessions in December and a session without a start; return the id."""
    ANNA.call("delete_timeline", id=new_timeline(ANNA))
    timeline = new_timeline(ANNA)
    create(timeline, startDateTime="2023-12-01T09:00:00Z")
    create(timeline, startDateTime="2023-12-02T09:00:00Z")
    create(timeline)
    count_changes(dynamodb_local)
    return timeline


def recount(engine: Engine, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the recount command of docs/operations.md."""
    tables = [part for name in TABLES for part in (f"--{name}-table", f"{name.title()}Table")]
    return subprocess.run(
        [sys.executable, "-m", "tools.recount", *tables, *options],
        env={**os.environ, "PYTHONPATH": "layers/scheduling:.", "AWS_ENDPOINT_URL": engine.endpoint},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def set_fields(dynamodb: Any, table: str, key: dict[str, str], **fields: Any) -> None:
    """Set fields of an item directly in its table."""
    dynamodb.update_item(
        TableName=table,
        Key=serialize(key),
        UpdateExpression="SET " + ", ".join(f"{name} = :{name}" for name in fields),
        ExpressionAttributeValues=serialize({f":{name}": value for name, value in fields.items()}),
    )


def test_a_recount_keeps_correct_counts(engine: Engine, timeline: str, dynamodb_local: Any) -> None:
    before = scan(dynamodb_local, "CountersTable")
    done = recount(engine, "--repair")
    assert (done.returncode, done.stdout) == (0, "All counts are right.\n"), done.stderr
    assert scan(dynamodb_local, "CountersTable") == before


def test_a_recount_lists_and_repairs_wrong_counts(engine: Engine, timeline: str, dynamodb_local: Any) -> None:
    scope = f"TIMELINE#{timeline}"
    set_fields(dynamodb_local, "CountersTable", {"scope": "ALL", "node": "Y#2023"}, ONE_TIME={"-12": 7})
    set_fields(
        dynamodb_local, "CountersTable", {"scope": scope, "node": "Y#1999"}, ONE_TIME={"-01": 1}, version=3
    )
    dynamodb_local.delete_item(
        TableName="CountersTable", Key=serialize({"scope": "OWNER#anna", "node": "M#2023-12"})
    )
    set_fields(dynamodb_local, "TimelinesTable", {"id": timeline}, sessionCounts={"RECURRING": 2})
    set_fields(dynamodb_local, "CalendarTable", {"ownerId": "anna", "slot": "HEAD"}, timelineCount=9)
    listed = recount(engine)
    assert listed.returncode == 1
    assert len(listed.stdout.splitlines()) == 6, listed.stdout
    assert "ALL Y#2023: stored {'ONE_TIME': {'-12': 7}}, counted {'ONE_TIME': {'-12': 2}}" in listed.stdout
    assert "anna HEAD: stored" in listed.stdout
    assert breaches(dynamodb_local) != []
    repaired = recount(engine, "--repair")
    assert repaired.returncode == 0, repaired.stdout
    assert breaches(dynamodb_local) == []
    assert recount(engine).stdout == "All counts are right.\n"


def test_a_recount_recreates_missing_counts(engine: Engine, timeline: str, dynamodb_local: Any) -> None:
    nodes = [node for node in scan(dynamodb_local, "CountersTable") if node["scope"] != "POSITIONS"]
    for node in nodes:
        key = serialize({"scope": node["scope"], "node": node["node"]})
        dynamodb_local.delete_item(TableName="CountersTable", Key=key)
    assert recount(engine, "--repair").returncode == 0
    assert breaches(dynamodb_local) == []


def test_a_missing_timeline_item_does_not_stop_the_recount(
    engine: Engine, timeline: str, dynamodb_local: Any
) -> None:
    dynamodb_local.delete_item(TableName="TimelinesTable", Key=serialize({"id": timeline}))
    count_changes(dynamodb_local)
    assert recount(engine, "--repair").returncode == 0
    assert recount(engine).stdout == "All counts are right.\n"


class ClientWithCallback:
    """DynamoDB client that calls a function after each scan of a table."""

    def __init__(self, dynamodb: Any, callback: Any) -> None:
        self._dynamodb, self._callback = dynamodb, callback

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dynamodb, name)

    def get_paginator(self, name: str) -> Any:
        """Return a paginator that reads a whole table and then calls the function."""
        paginator, callback = self._dynamodb.get_paginator(name), self._callback

        class Paginator:
            """Pages of a table."""

            @staticmethod
            def paginate(TableName: str, **options: Any) -> Any:
                pages = list(paginator.paginate(TableName=TableName, **options))
                callback(TableName)
                return pages

        return Paginator()


def test_a_session_that_is_created_and_deleted_during_a_recount_changes_no_count(
    engine: Engine, timeline: str, dynamodb_local: Any
) -> None:
    """The recount reads the new session. Then the session is deleted before the recount ends."""
    tables = tool.Tables("SessionsTable", "TimelinesTable", "CalendarTable", "CountersTable")
    streams = create_streams_client(dynamodb_local)
    new: list[str] = []

    def callback(table: str) -> None:
        if table == "CalendarTable" and not new:  # the recount scans the calendar before the sessions
            new.append(create(timeline, startDateTime="2023-12-01T09:30:00Z"))
        if table == "SessionsTable":
            ANNA.call("delete_session", id=new[0])
            count_changes(dynamodb_local)

    differences, changed = tool.find_differences(
        ClientWithCallback(dynamodb_local, callback), streams, tables
    )
    assert differences == []
    assert changed > 0
    assert breaches(dynamodb_local) == []


def test_a_repair_skips_counts_that_changed_after_the_comparison(timeline: str, dynamodb_local: Any) -> None:
    tables = tool.Tables("SessionsTable", "TimelinesTable", "CalendarTable", "CountersTable")
    streams = create_streams_client(dynamodb_local)
    set_fields(dynamodb_local, "CountersTable", {"scope": "ALL", "node": "Y#2023"}, ONE_TIME={"-12": 7})
    set_fields(dynamodb_local, "TimelinesTable", {"id": timeline}, sessionCounts={"ONE_TIME": 9})
    differences, _ = tool.find_differences(dynamodb_local, streams, tables)
    assert len(differences) == 2
    create(timeline, startDateTime="2023-12-05T09:30:00Z")
    count_changes(dynamodb_local)
    assert not any(tool.repair(dynamodb_local, tables, difference) for difference in differences)
