"""List of the sessions that overlap since a country has changed its time zone rules.

The API never stores two sessions of an owner that overlap. But if a country changes its time zone rules, occurrences of
a series with a time zone start earlier or later. Then these occurrences may overlap other sessions. Run this command
after an update of `tzdata`. The command reads the slots of the Calendar table, and computes the occurrences with the
`tzdata` that its Python environment contains.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, cast

import boto3

from scheduling.domain.conflicts import find_conflicts
from scheduling.domain.instants import parse
from scheduling.domain.recurrence import Once, last_end, local_times
from scheduling.domain.slots import HEAD, Slot, slot_schedule
from scheduling.domain.time_zones import database_version
from scheduling.store.items import deserialize, serialize
from tools.tables import add_table_options, exit_on_aws_errors


class Overlap(NamedTuple):
    """Two overlapping sessions of an owner.

    `start` and `end` are the times of the first occurrence of session `other_id` that overlaps session `session_id`.
    """

    owner_id: str
    session_id: str
    other_id: str
    start: str | None
    end: str | None

    def __str__(self) -> str:
        when = f"at {self.start} - {self.end or self.start}" if self.start else "after the year 9999"
        return f"owner {self.owner_id}: session {self.session_id} overlaps session {self.other_id} {when}"


def find_overlaps(slots: Iterable[Slot]) -> Iterator[Overlap]:
    """Yield the overlaps between the slots of one calendar."""
    single: list[Slot] = []
    series: list[Slot] = []
    for slot in slots:
        (single if isinstance(slot_schedule(slot), Once) else series).append(slot)
    for number, each in enumerate(series):
        yield from _find_overlaps_of(each, [*series[number + 1 :], *single])
    single.sort(key=_read_start)
    for number, each in enumerate(single):
        yield from _find_overlaps_of(each, _find_slots_starting_within(each, single[number + 1 :]))


def _find_overlaps_of(slot: Slot, others: Iterable[Slot]) -> Iterator[Overlap]:
    for occurrence, other in find_conflicts(slot, others):
        times = local_times(other, occurrence)
        yield Overlap(slot["ownerId"], slot["sessionId"], other["sessionId"], *times)


def _find_slots_starting_within(slot: Slot, later: Iterable[Slot]) -> Iterator[Slot]:
    end = last_end(slot_schedule(slot)) or 0
    for each in later:
        if _read_start(each) >= end:
            return
        yield each


def _read_start(slot: Slot) -> int:
    return parse(slot["startDateTime"]).instant


def read_calendars(dynamodb: Any, table: str, owner_id: str | None = None) -> dict[str, list[Slot]]:
    """Return the slots of one owner or of all owners, grouped by owner."""
    options: dict[str, Any] = {"TableName": table, "ConsistentRead": True}
    operation = "scan"
    if owner_id is not None:
        operation = "query"
        options["KeyConditionExpression"] = "ownerId = :owner"
        options["ExpressionAttributeValues"] = serialize({":owner": owner_id})
    pages = dynamodb.get_paginator(operation).paginate(**options)
    calendars: dict[str, list[Slot]] = {}
    for item in (deserialize(item) for page in pages for item in page["Items"]):
        if item["slot"] != HEAD:
            calendars.setdefault(item["ownerId"], []).append(cast(Slot, item))
    return calendars


def main() -> int:
    """Print the overlaps. Return the exit status: 1 if any sessions overlap, otherwise 0.

    Exit with the status 2 after an error of AWS, such as a wrong name of the table.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    add_table_options(parser, ["calendar"])
    parser.add_argument("--owner", help="the ownerId of one calendar (default: all calendars)")
    options = parser.parse_args()
    found = 0
    with exit_on_aws_errors(parser):
        calendars = read_calendars(boto3.client("dynamodb"), options.calendar_table, options.owner)
    for slots in calendars.values():
        for overlap in find_overlaps(slots):
            found += 1
            print(overlap)
    print(f"{found} overlaps by the time zone database {database_version()}.")
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())
