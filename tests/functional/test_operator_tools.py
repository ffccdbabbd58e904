"""Exit statuses of the operators' tools: wrong names of tables, and an import into tables that are not empty."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.functional.conftest import ANNA
from tests.support.api import new_timeline
from tests.support.invariants import scan
from tools import backup, overlaps, recount

TABLES = ("sessions", "timelines", "calendar", "idempotency")


def name_tables(*kinds: str, **names: str) -> list[str]:
    """Return the options that name the tables of the test. `names` replaces the names of some tables."""
    return [
        part for kind in kinds for part in (f"--{kind}-table", names.get(kind, f"{kind.capitalize()}Table"))
    ]


def run_and_exit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tool: ModuleType, *options: str
) -> str:
    """Run a tool that exits with the status 2; return the last line of stderr."""
    monkeypatch.setattr(sys, "argv", ["tool", *options])
    with pytest.raises(SystemExit) as caught:
        tool.main()
    assert caught.value.code == 2
    return capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing", "A table does not exist. Check the names of the tables, the account and the region."),
        ("", "The name of the table is empty."),
    ],
)
@pytest.mark.parametrize(
    ("tool", "command", "kinds"),
    [
        (overlaps, [], ("calendar",)),
        (recount, [], ("sessions", "timelines", "calendar", "counters")),
        (backup, ["export", "all.jsonl"], TABLES),
        (backup, ["fill", "all.jsonl"], TABLES),
    ],
    ids=["overlaps", "recount", "export", "fill"],
)
def test_a_wrong_table_name_exits_with_2_and_a_sentence(
    tables: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    tool: ModuleType,
    command: list[str],
    kinds: tuple[str, ...],
    name: str,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    line = run_and_exit(monkeypatch, capsys, tool, *command, *name_tables(*kinds, calendar=name))
    assert line.endswith(message)


def test_a_fill_of_tables_that_are_not_empty_writes_nothing(
    tables: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    new_timeline(ANNA)
    file, names = str(tmp_path / "all.jsonl"), name_tables(*TABLES)
    monkeypatch.setattr(sys, "argv", ["backup", "export", file, *names])
    backup.main()
    before = scan(tables, "TimelinesTable")
    tables.delete_item(TableName="TimelinesTable", Key={"id": {"S": before[0]["id"]}})

    line = run_and_exit(monkeypatch, capsys, backup, "fill", file, *names)
    assert line == "These tables are not empty, so nothing was written: CalendarTable."
    assert scan(tables, "TimelinesTable") == []

    monkeypatch.setattr(sys, "argv", ["backup", "fill", file, *names, "--force"])
    backup.main()
    assert scan(tables, "TimelinesTable") == before
