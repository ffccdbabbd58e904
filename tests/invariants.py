"""What must hold between the raw tables at any moment, whatever happened before."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import combinations
from typing import Any

from scheduling.domain import counters
from scheduling.domain.recurrence import conflict, schedule
from scheduling.store.items import deserialize

Item = dict[str, Any]

SESSION_INDEXES = ("timeline-startDateTime-index", "owner-startDateTime-index", "month-startDateTime-index")
_OF_A_SLOT = ("startDateTime", "endDateTime", "repeatCycleType", "recurringDayOfWeek")


def scan(dynamodb: Any, table: str, index: str | None = None) -> list[Item]:
    """Every item of a table, or of an index."""
    which = {"IndexName": index} if index else {"ConsistentRead": True}
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, **which)
    return [deserialize(item) for page in pages for item in page["Items"]]


def live(dynamodb: Any) -> list[Item]:
    """The sessions that were not removed."""
    return [session for session in scan(dynamodb, "SessionsTable") if "removedAt" not in session]


def breaches(dynamodb: Any) -> list[str]:
    """What does not hold: overlaps, calendars, counts and indexes that say other than the sessions do."""
    sessions, timelines = live(dynamodb), scan(dynamodb, "TimelinesTable")
    return [
        *_overlaps(sessions),
        *_calendars(sessions, scan(dynamodb, "CalendarTable")),
        *_counts(sessions, timelines),
        *_sort_keys(sessions),
        *(
            breach
            for index in SESSION_INDEXES
            for breach in _differences(index, scan(dynamodb, "SessionsTable", index), sessions, "id")
        ),
        *_timeline_indexes(dynamodb, timelines),
    ]


def _overlaps(sessions: list[Item]) -> Iterator[str]:
    for one, other in combinations(sessions, 2):
        first, second = schedule(one), schedule(other)
        if one["ownerId"] == other["ownerId"] and first and second and conflict(first, second):
            yield f"{one['name']} and {other['name']} overlap"


def _calendars(sessions: list[Item], items: list[Item]) -> Iterator[str]:
    slots = [item for item in items if item["slot"] != "HEAD"]
    expected = [_slot(session) for session in sessions if "startDateTime" in session]
    yield from _differences("slot", slots, expected, "ownerId", "slot")
    heads = {item["ownerId"] for item in items if item["slot"] == "HEAD" and item["version"] > 0}
    for owner_id in {slot["ownerId"] for slot in expected} - heads:
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


def _month(start: str) -> str:
    return start[:7] if 1900 <= int(start[:4]) < 2200 else start[:2]


def _counts(sessions: list[Item], timelines: list[Item]) -> Iterator[str]:
    """Removed timelines must be empty too."""
    kept: Counter[tuple[str, str]] = Counter()
    counted: Counter[tuple[str, str]] = Counter()
    owners = {}
    for item in timelines:
        if item["id"].startswith("COUNTS#"):
            kept.update({(item["id"], name): count for name, count in item.items() if name != "id"})
            continue
        kept.update({(item["id"], month): count for month, count in item["sessionCounts"].items()})
        if "removedAt" not in item:
            owners[item["id"]] = item["ownerId"]
            counted[counters.shard(item["ownerId"]), f"timelines#{item['createdAt'][:7]}"] += 1
    for session in sessions:
        month = _month(_instant(session["startDateTime"])) if "startDateTime" in session else "none"
        counted[session["timelineId"], month] += 1
        counted[counters.shard(session["ownerId"]), f"sessions#{month}"] += 1
        if owners.get(session["timelineId"]) != session["ownerId"]:
            yield f"{session['name']} is on no timeline of its owner"
    for key in kept.keys() | counted.keys():
        if kept[key] != counted[key]:
            yield f"{key} should be {counted[key]} and is {kept[key]}"


def _sort_keys(sessions: list[Item]) -> Iterator[str]:
    for session in sessions:
        start = _instant(session["startDateTime"]) if "startDateTime" in session else "~"
        if session["startKey"] != f"{start}#{session['id']}":
            yield f"{session['name']} is sorted as {session['startKey']}"


def _timeline_indexes(dynamodb: Any, timelines: list[Item]) -> Iterator[str]:
    """A removed timeline and the shards are in none; the counts are not in that of all."""
    indexed = [item for item in timelines if "removedAt" not in item and "ownerId" in item]
    without_counts = [{field: item[field] for field in item if field != "sessionCounts"} for item in indexed]
    for index, expected in (("owner-index", indexed), ("all-index", without_counts)):
        yield from _differences(index, scan(dynamodb, "TimelinesTable", index), expected, "id")


def _differences(what: str, found: list[Item], expected: list[Item], *key: str) -> Iterator[str]:
    present = {tuple(item[name] for name in key): item for item in found}
    right = {tuple(item[name] for name in key): item for item in expected}
    for one in present.keys() | right.keys():
        if present.get(one) != right.get(one):
            yield f"{what} {one} should be {right.get(one)} and is {present.get(one)}"
