"""Command `tools/overlaps.py`, which lists overlaps of sessions.

The API refuses overlaps. So the tests create overlaps by changing slots directly in the table.
"""

import sys
from typing import Any

import pytest

from scheduling.domain.time_zones import database_version
from scheduling.store.items import deserialize, serialize
from tests.functional.conftest import ANNA, BERLIN, BERT, new_session
from tests.support.api import new_timeline
from tools import overlaps as tool

TABLE = "CalendarTable"
JULY = {"startDateTime": "2026-07-06T08:00:00+02:00", "endDateTime": "2026-07-06T09:00:00+02:00"}


def move_slot(dynamodb: Any, session: dict[str, Any], **fields: str) -> None:
    """Change the times of a session's slot directly in the table, so that the slot overlaps another slot."""
    for item in map(deserialize, dynamodb.scan(TableName=TABLE)["Items"]):
        if item.get("sessionId") == session["id"]:
            dynamodb.put_item(TableName=TABLE, Item=serialize({**item, **fields}))


def run_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *options: str
) -> tuple[int, list[str]]:
    """Run the command as in docs/operations.md; return the exit status and the printed lines."""
    monkeypatch.setattr(sys, "argv", ["overlaps", "--calendar-table", TABLE, *options])
    capsys.readouterr()
    status = tool.main()
    return status, capsys.readouterr().out.splitlines()


def test_the_command_lists_an_overlap_that_was_written_directly_to_the_table(
    tables: Any, timeline: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class_in_berlin = new_session(ANNA, timeline, **BERLIN)
    before = new_session(ANNA, timeline, **JULY)
    new_session(BERT, new_timeline(BERT), **BERLIN)
    summary = f"overlaps by the time zone database {database_version()}."
    assert run_command(monkeypatch, capsys) == (0, [f"0 {summary}"])

    move_slot(
        tables, before, startDateTime="2026-07-06T08:30:00+02:00", endDateTime="2026-07-06T09:30:00+02:00"
    )
    line = (
        f"owner anna: session {class_in_berlin['id']} overlaps session {before['id']} "
        "at 2026-07-06T08:30:00+02:00 - 2026-07-06T09:30:00+02:00"
    )
    assert run_command(monkeypatch, capsys) == (1, [line, f"1 {summary}"])
    assert run_command(monkeypatch, capsys, "--owner", "anna") == (1, [line, f"1 {summary}"])
    assert run_command(monkeypatch, capsys, "--owner", "bert") == (0, [f"0 {summary}"])


def test_each_overlap_of_two_series_or_two_one_time_sessions_is_found_once(
    tables: Any, timeline: str
) -> None:
    pilates = new_session(ANNA, timeline, **{**BERLIN, **JULY})
    yoga = new_session(ANNA, timeline, **BERLIN)
    noon = new_session(
        ANNA, timeline, startDateTime="2026-07-07T12:00:00Z", endDateTime="2026-07-07T13:00:00Z"
    )
    one = new_session(
        ANNA, timeline, startDateTime="2026-07-07T13:00:00Z", endDateTime="2026-07-07T14:00:00Z"
    )
    move_slot(tables, pilates, endDateTime="2026-07-06T09:30:00+02:00")
    move_slot(tables, noon, endDateTime="2026-07-07T13:30:00Z")
    (slots,) = tool.read_calendars(tables, TABLE).values()
    found = [{overlap.session_id, overlap.other_id} for overlap in tool.find_overlaps(slots)]
    assert found == [{pilates["id"], yoga["id"]}, {noon["id"], one["id"]}]
