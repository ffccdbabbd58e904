"""Export of the tables of a stack to a file of JSON lines, and import of this file into empty tables.

Use this command to move the data of a stack between accounts, or between AWS and a laptop. Stop all writes before an
export. The export reads one table after the other. So the file could contain only a part of a transaction that runs
during the export. For backups on AWS, use DynamoDB's own backups.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3

from tools.tables import FAILED, add_table_options, exit_on_aws_errors

TABLES = ("sessions", "timelines", "calendar", "idempotency")
_MOST_IN_A_BATCH = 25


def export(dynamodb: Any, tables: Mapping[str, str], file: Path) -> int:
    """Write all items to a file. Return the number of items.

    Each line has one item and the key of its table in `tables`, such as `sessions`.
    """
    written = 0
    with file.open("w", encoding="utf-8") as lines:
        for kind, table in tables.items():
            for page in dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
                for item in page["Items"]:
                    lines.write(json.dumps({"table": kind, "item": item}) + "\n")
                    written += 1
    return written


def find_filled_tables(dynamodb: Any, tables: Mapping[str, str]) -> list[str]:
    """Return the names of the tables that are not empty."""
    return [
        table
        for table in tables.values()
        if dynamodb.scan(TableName=table, Limit=1, ConsistentRead=True)["Items"]
    ]


def fill(dynamodb: Any, tables: Mapping[str, str], file: Path) -> int:
    """Write the items of a file to the tables. Return the number of items."""
    put = 0
    waiting: dict[str, list[Any]] = {}
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            entry = json.loads(line)
            waiting.setdefault(tables[entry["table"]], []).append({"PutRequest": {"Item": entry["item"]}})
            put += 1
            if sum(map(len, waiting.values())) == _MOST_IN_A_BATCH:
                waiting = _write_batch(dynamodb, waiting)
    _write_batch(dynamodb, waiting)
    return put


def _write_batch(dynamodb: Any, waiting: dict[str, list[Any]]) -> dict[str, list[Any]]:
    while waiting:
        waiting = dynamodb.batch_write_item(RequestItems=waiting)["UnprocessedItems"]
    return waiting


def main() -> None:
    """Run the command.

    Exit with the status 2 after an error of AWS, such as a wrong name of a table, and if the tables of a `fill` are not
    empty.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("what", choices=["export", "fill"])
    parser.add_argument("file", type=Path)
    add_table_options(parser, TABLES)
    parser.add_argument(
        "--force",
        action="store_true",
        help="fill tables that are not empty, and replace items with the same key",
    )
    options = parser.parse_args()
    tables = {kind: getattr(options, f"{kind}_table") for kind in TABLES}
    work = export if options.what == "export" else fill
    with exit_on_aws_errors(parser):
        dynamodb = boto3.client("dynamodb")
        if work is fill and not options.force and (filled := find_filled_tables(dynamodb, tables)):
            parser.exit(FAILED, f"These tables are not empty, so nothing was written: {', '.join(filled)}.\n")
        print(f"{work(dynamodb, tables, options.file)} items.")


if __name__ == "__main__":
    main()
