"""What must hold between the raw tables at any moment, whatever happened before."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import combinations
from typing import Any

from scheduling import counts
from scheduling.recurrence import conflict, occupied
from scheduling.store.dynamodb import from_wire

Item = dict[str, Any]

SESSION_INDEXES = ("timeline-startDateTime-index", "owner-startDateTime-index", "month-startDateTime-index")
_OF_A_SLOT = ("startDateTime", "endDateTime", "repeatCycleType", "recurringDayOfWeek")
_OF_THE_INDEX_OF_ALL = (
    *("id", "name", "description", "ownerId", "createdAt", "updatedAt", "version"),
    *("allKey", "createdKey"),
)


def scan(dynamodb: Any, table: str, index: str | None = None) -> list[Item]:
    """Every item of a table, or of an index."""
    which = {"IndexName": index} if index else {"ConsistentRead": True}
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, **which)
    return [from_wire(item) for page in pages for item in page["Items"]]


def live(dynamodb: Any) -> list[Item]:
    """The sessions that were not removed."""
    return [session for session in scan(dynamodb, "SessionsTable") if "removedAt" not in session]


def breaches(dynamodb: Any) -> list[str]:
    """What does not hold: overlaps, calendars, counts and indexes that say other than the sessions do."""
    return [
        *_overlaps(dynamodb),
        *_calendars(dynamodb),
        *_counts(dynamodb),
        *_indexes(dynamodb),
    ]


def _overlaps(dynamodb: Any) -> Iterator[str]:
    for one, other in combinations(live(dynamodb), 2):
        first, second = occupied(one), occupied(other)
        if one["ownerId"] == other["ownerId"] and first and second and conflict(first, second):
            yield f"{one['name']} and {other['name']} overlap"


def _calendars(dynamodb: Any) -> Iterator[str]:
    items = scan(dynamodb, "CalendarTable")
    heads = {item["ownerId"]: item for item in items if item["slot"] == "HEAD"}
    expected = [_slot(session) for session in live(dynamodb) if "startDateTime" in session]
    yield from _differences(
        "slot",
        {(item["ownerId"], item["slot"]): item for item in items if item["slot"] != "HEAD"},
        {(slot["ownerId"], slot["slot"]): slot for slot in expected},
    )
    for owner_id in {slot["ownerId"] for slot in expected}:
        if heads.get(owner_id, {}).get("version", 0) < 1:
            yield f"{owner_id}'s calendar has no HEAD"


def _slot(session: Item) -> Item:
    start = _instant(session["startDateTime"])
    place = "EVERY" if "repeatCycleType" in session else f"ONCE#{start}"
    return {
        "ownerId": session["ownerId"],
        "slot": f"{place}#{session['id']}",
        "sessionId": session["id"],
        **{field: session[field] for field in _OF_A_SLOT if field in session},
    }


def _instant(text: str) -> str:
    moment = datetime.fromisoformat(text).astimezone(UTC)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _counts(dynamodb: Any) -> Iterator[str]:
    """Removed timelines must be empty too."""
    kept: Counter[tuple[str, str]] = Counter()
    counted: Counter[tuple[str, str]] = Counter()
    owners = {}
    for item in scan(dynamodb, "TimelinesTable"):
        if item["id"].startswith("COUNTS#"):
            kept.update({(item["id"], name): count for name, count in item.items() if name != "id"})
            continue
        kept.update({(item["id"], month): count for month, count in item["sessionCounts"].items()})
        if "removedAt" not in item:
            owners[item["id"]] = item["ownerId"]
            counted[counts.shard(item["ownerId"]), f"timelines#{item['createdAt'][:7]}"] += 1
    for session in live(dynamodb):
        month = _instant(session["startDateTime"])[:7] if "startDateTime" in session else "none"
        counted[session["timelineId"], month] += 1
        counted[counts.shard(session["ownerId"]), f"sessions#{month}"] += 1
        if owners.get(session["timelineId"]) != session["ownerId"]:
            yield f"{session['name']} is on no timeline of its owner"
    for key in kept.keys() | counted.keys():
        if kept[key] != counted[key]:
            yield f"{key} should be {counted[key]} and is {kept[key]}"


def _indexes(dynamodb: Any) -> Iterator[str]:
    sessions = {session["id"]: session for session in live(dynamodb)}
    for index in SESSION_INDEXES:
        found = scan(dynamodb, "SessionsTable", index)
        yield from _differences(index, {item["id"]: item for item in found}, sessions)
    for session in sessions.values():
        start = _instant(session["startDateTime"]) if "startDateTime" in session else "~"
        if session["startKey"] != f"{start}#{session['id']}":
            yield f"{session['name']} is sorted as {session['startKey']}"
    timelines = {
        item["id"]: item
        for item in scan(dynamodb, "TimelinesTable")
        if "removedAt" not in item and "ownerId" in item
    }
    for index in ("owner-index", "all-index"):
        fields = None if index == "owner-index" else _OF_THE_INDEX_OF_ALL
        expected = {
            id: {field: item[field] for field in fields or item if field in item}
            for id, item in timelines.items()
        }
        found = scan(dynamodb, "TimelinesTable", index)
        yield from _differences(index, {item["id"]: item for item in found}, expected)


def _differences(what: str, found: dict[Any, Item], expected: dict[Any, Item]) -> Iterator[str]:
    for key in found.keys() | expected.keys():
        if found.get(key) != expected.get(key):
            yield f"{what} {key} should be {expected.get(key)} and is {found.get(key)}"
