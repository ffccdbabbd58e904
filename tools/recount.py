"""Count all sessions and timelines anew, and say where the counts kept with each write differ.

The counts and what they count change in one transaction, so there is never a difference to be found unless
somebody wrote to the tables past the API, or restored one of them alone. `--mend` then sets it right: only
counts that have not moved since they were read, so it may run while the API is in use.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import boto3
from botocore.exceptions import ClientError

from scheduling.domain import counters
from scheduling.store.items import deserialize, serialize


class Difference(NamedTuple):
    """A count that is not what it should be."""

    id: str
    """The timeline's, or the shard's."""
    path: tuple[str, ...]
    kept: int | None
    counted: int

    def __str__(self) -> str:
        return f"{self.id} {self.path[-1]}: kept {self.kept or 0}, counted {self.counted}"


def differences(dynamodb: Any, sessions_table: str, timelines_table: str) -> list[Difference]:
    """Where kept and counted differ. The kept are read first, so that a write meanwhile makes mending fail."""
    kept = {item["id"]: item for item in _scan(dynamodb, timelines_table)}
    counted: dict[str, Counter[tuple[str, ...]]] = {id: Counter() for id in kept}
    for timeline in kept.values():
        if "createdKey" in timeline:
            shard = counted.setdefault(counters.shard(timeline["ownerId"]), Counter())
            shard[(f"timelines#{timeline['createdAt'][:7]}",)] += 1
    for session in _scan(dynamodb, sessions_table):
        if "startKey" in session:
            month = session["startMonth"]
            counted.setdefault(session["timelineId"], Counter())["sessionCounts", month] += 1
            counted.setdefault(counters.shard(session["ownerId"]), Counter())[(f"sessions#{month}",)] += 1
    found = []
    for id, right in counted.items():
        present = dict(_kept(kept.get(id, {})))
        for path in sorted(right.keys() | present.keys()):
            if right[path] != present.get(path, 0):
                found.append(Difference(id, path, present.get(path), right[path]))
    return found


def mend(dynamodb: Any, timelines_table: str, difference: Difference) -> bool:
    """Set one count right; False if it has moved since it was read."""
    names = {f"#n{number}": name for number, name in enumerate(difference.path)}
    path = ".".join(names)
    unmoved = f"{path} = :kept" if difference.kept is not None else f"attribute_not_exists({path})"
    values = {
        ":counted": difference.counted,
        **({":kept": difference.kept} if difference.kept is not None else {}),
    }
    try:
        dynamodb.update_item(
            TableName=timelines_table,
            Key=serialize({"id": difference.id}),
            UpdateExpression=f"SET {path} = :counted",
            ConditionExpression=unmoved,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=serialize(values),
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return False
    return True


def _scan(dynamodb: Any, table: str) -> Iterator[dict[str, Any]]:
    for page in dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        yield from map(deserialize, page["Items"])


def _kept(item: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], int]]:
    if "createdKey" in item:
        for month, count in item["sessionCounts"].items():
            yield ("sessionCounts", month), count
    for name, count in item.items():
        if name.startswith(("sessions#", "timelines#")):
            yield (name,), count


def main() -> int:
    """The command. Ends with 1 where a difference is left."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--sessions-table", required=True, help="the stack's output SessionsTableName")
    parser.add_argument("--timelines-table", required=True, help="the stack's output TimelinesTableName")
    parser.add_argument("--mend", action="store_true", help="set the counts right")
    options = parser.parse_args()
    dynamodb = boto3.client("dynamodb")
    left = 0
    for difference in differences(dynamodb, options.sessions_table, options.timelines_table):
        mended = options.mend and mend(dynamodb, options.timelines_table, difference)
        left += not mended
        print(difference, "- mended" if mended else "")
    print(
        f"{left} counts differ. Run it again, with --mend to set them right."
        if left
        else "All counts are right."
    )
    return int(left > 0)


if __name__ == "__main__":
    sys.exit(main())
