"""Backups: the API works with tables that were filled from an export."""

import sys
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.support.api import Caller, new_timeline
from tests.support.invariants import breaches, scan
from tools import backup

ANNA = Caller("anna")
TABLES = {kind: f"{kind.capitalize()}Table" for kind in ("sessions", "timelines", "calendar", "idempotency")}


def session(timeline: str, day: int, **fields: Any) -> dict[str, Any]:
    """Build the body of a request that creates a session."""
    start = f"2023-12-{day:02}T09:00:00Z"
    return {"type": "ONE_TIME", "timelineId": timeline, "name": "Yoga", "startDateTime": start, **fields}


def test_filling_empty_tables_from_an_export_restores_every_item(
    dynamodb: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    timeline, key = new_timeline(ANNA), {"Idempotency-Key": "first"}
    for day in range(1, 29):
        ANNA.call("create_session", body=session(timeline, day), headers=key if day == 1 else {})
    removed = ANNA.call("list_sessions", query={"take": 1}).data[0]["id"]
    ANNA.call("delete_session", id=removed)
    before = {table: sorted(scan(dynamodb, table), key=str) for table in TABLES.values()}

    monkeypatch.setattr(boto3, "client", lambda _: dynamodb)
    names = [part for kind, table in TABLES.items() for part in (f"--{kind}-table", table)]
    monkeypatch.setattr(sys, "argv", ["backup", "export", str(tmp_path / "all"), *names])
    backup.main()
    for table in TABLES.values():
        keys = [
            key["AttributeName"] for key in dynamodb.describe_table(TableName=table)["Table"]["KeySchema"]
        ]
        for item in scan(dynamodb, table):
            dynamodb.delete_item(TableName=table, Key={name: {"S": item[name]} for name in keys})
    assert ANNA.call("list_sessions").count == 0
    monkeypatch.setattr(sys, "argv", ["backup", "fill", str(tmp_path / "all"), *names])
    backup.main()

    assert {table: sorted(scan(dynamodb, table), key=str) for table in TABLES.values()} == before
    items = sum(map(len, before.values()))
    assert capsys.readouterr().out.splitlines()[-1] == f"{items} items."
    assert breaches(dynamodb) == []
    assert ANNA.call("list_sessions").count == 27
    assert ANNA.call("create_session", body=session(timeline, 2)).status == 409
    again = ANNA.call("create_session", body=session(timeline, 1), headers=key)
    assert again.headers["Idempotency-Replayed"] == "true"
