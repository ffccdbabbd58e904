"""Invariants of the tables, which must hold after every request."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import combinations, pairwise, product
from typing import Any

from scheduling.domain.instants import utc_text
from scheduling.domain.recurrence import (
    SCHEDULE_FIELDS,
    Once,
    conflict,
    last_end,
    schedule,
    times_of_day,
)
from scheduling.store.items import deserialize
from tests.support import template
from tests.support.streams import count_changes

Item = dict[str, Any]

SESSION_INDEXES = ("timeline-startDateTime-index", "owner-startDateTime-index", "all-startDateTime-index")
REQUEST_TABLES = ("SessionsTable", "TimelinesTable", "CalendarTable", "IdempotencyTable")
_SLOT_FIELDS = ("timelineId", "type", "name", *SCHEDULE_FIELDS)
_LENGTH_CLASSES = (1, 2, 4, 8)
_MICROSECONDS_AN_HOUR = 3_600_000_000


def scan(dynamodb: Any, table: str, index: str | None = None) -> list[Item]:
    """Return every item of a table or an index."""
    which = {"IndexName": index} if index else {"ConsistentRead": True}
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, **which)
    return [deserialize(item) for page in pages for item in page["Items"]]


def scan_all(dynamodb: Any) -> list[list[Item]]:
    """Return every item of the tables that requests write. The result has one list for each table."""
    return [scan(dynamodb, table) for table in REQUEST_TABLES]


def heads(dynamodb: Any) -> list[Item]:
    """Return the head of every calendar."""
    return [item for item in scan(dynamodb, "CalendarTable") if item["slot"] == "HEAD"]


def live_sessions(dynamodb: Any) -> list[Item]:
    """Return the sessions that are not deleted."""
    return [session for session in scan(dynamodb, "SessionsTable") if "removedAt" not in session]


def breaches(dynamodb: Any) -> list[str]:
    """Count all changes with `update_counters`. Then check the invariants, and return a text for each breach.

    A breach is an overlap of two sessions, or a slot, count, index or long description that does not agree with the
    sessions and timelines.
    """
    count_changes(dynamodb)
    sessions = live_sessions(dynamodb)
    timelines = [item for item in scan(dynamodb, "TimelinesTable") if "ownerId" in item]
    calendars = scan(dynamodb, "CalendarTable")
    return [
        *_find_overlaps(sessions),
        *_check_calendars(sessions, calendars),
        *_check_counts(sessions, timelines, calendars),
        *_check_trees(sessions, timelines, scan(dynamodb, "CountersTable")),
        *_check_sort_keys(sessions),
        *(
            breach
            for index in SESSION_INDEXES
            for breach in _find_differences(
                index,
                scan(dynamodb, "SessionsTable", index),
                _project_items("SessionsTable", index, sessions),
                "id",
            )
        ),
        *_check_timeline_indexes(dynamodb, timelines),
        *_check_long_descriptions(scan(dynamodb, "TimelinesTable")),
    ]


def _find_overlaps(sessions: list[Item]) -> Iterator[str]:
    for one, other in combinations(sessions, 2):
        first, second = schedule(one), schedule(other)
        if one["ownerId"] == other["ownerId"] and first and second and conflict(first, second):
            yield f"{one['name']} and {other['name']} overlap"


def _check_calendars(sessions: list[Item], items: list[Item]) -> Iterator[str]:
    """Yield the breaches of the calendars.

    A slot may have a lower version than its session, because some changes of a session do not write the slot.
    """
    slots = [item for item in items if item["slot"] != "HEAD"]
    expected = [_build_expected_slot(session) for session in sessions if "startDateTime" in session]
    unversioned = [{name: slot[name] for name in slot if name != "version"} for slot in slots]
    yield from (breach for session in sessions if (breach := _find_wrong_key(session)))
    yield from _find_differences("slot", unversioned, expected, "ownerId", "slot")
    versions = {session["id"]: session["version"] for session in sessions}
    for slot in slots:
        if slot["version"] > versions.get(slot["sessionId"], 0):
            yield f"slot {slot['slot']} has a higher version than its session"
    heads = {item["ownerId"]: item for item in items if item["slot"] == "HEAD"}
    for slot in expected:
        head = heads.get(slot["ownerId"], {})
        if not head.get("version"):
            yield f"{slot['ownerId']}'s calendar has no HEAD"
        if slot["slot"].startswith("EVERY") and int(slot["slot"][6:8]) not in head.get("lengthClasses", ()):
            yield f"the HEAD of {slot['ownerId']} has no length class for {slot['slot']}"


def _find_wrong_key(session: Item) -> str | None:
    """Return a breach if the slot of a session has a wrong key. A conflict check may miss a slot with a wrong key."""
    times, key = schedule(session), session.get("slot", "")
    if times is None:
        return f"{session['name']} has a slot, but no start" if key else None
    if isinstance(times, Once):
        place = f"ONCE#{_format_instant(session['startDateTime'])}"
    elif (end := last_end(times)) is not None:
        # A further excluded date may change the end of a series, but does not change the key of its slot.
        place = key.rpartition("#")[0] if key >= f"UNTIL#{utc_text(end)}" else "UNTIL"
    else:
        begin, length = times_of_day(times)
        fitting = (each for each in _LENGTH_CLASSES if length <= each * _MICROSECONDS_AN_HOUR)
        hours = 24 if "timeZone" in session else next(fitting, 24)
        place = f"EVERY#{hours:02}#{begin // 60_000_000:04}"
    expected = f"{place}#{session['id']}"
    return (
        None if key == expected else f"the slot of {session['name']} has the key {key} instead of {expected}"
    )


def _build_expected_slot(session: Item) -> Item:
    return {
        "ownerId": session["ownerId"],
        "slot": session.get("slot"),
        "sessionId": session["id"],
        **{field: session[field] for field in _SLOT_FIELDS if field in session},
    }


def _format_instant(text: str) -> str:
    moment = datetime.fromisoformat(text).astimezone(UTC)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _check_counts(sessions: list[Item], timelines: list[Item], calendars: list[Item]) -> Iterator[str]:
    """Yield the wrong counts of timelines and calendars, and the sessions that are not on a timeline of their owner."""
    kept: Counter[tuple[str, str]] = Counter()
    counted: Counter[tuple[str, str]] = Counter()
    owners = {}
    for item in timelines:
        kept.update({(item["id"], type): count for type, count in item["sessionCounts"].items()})
        if "removedAt" not in item:
            owners[item["id"]] = item["ownerId"]
            counted[item["ownerId"], "timelines"] += 1
    for head in (item for item in calendars if item["slot"] == "HEAD"):
        kept.update({(head["ownerId"], type): count for type, count in head["sessionCounts"].items()})
        kept[head["ownerId"], "timelines"] += head["timelineCount"]
    for session in sessions:
        for scope in (session["timelineId"], session["ownerId"]):
            counted[scope, session["type"]] += 1
        if owners.get(session["timelineId"]) != session["ownerId"]:
            yield f"{session['name']} is not on a timeline of its owner"
    for key in kept.keys() | counted.keys():
        if kept[key] != counted[key]:
            yield f"{key} should be {counted[key]} and is {kept[key]}"


def _check_trees(sessions: list[Item], timelines: list[Item], nodes: list[Item]) -> Iterator[str]:
    """Yield the wrong counts in nodes. A count must equal the number of sessions or timelines that are not deleted."""
    kept: Counter[tuple[str, ...]] = Counter()
    counted: Counter[tuple[str, ...]] = Counter()
    for node in (node for node in nodes if node["scope"] != "POSITIONS"):
        kinds = {kind: entries for kind, entries in node.items() if isinstance(entries, dict)}
        for kind, entries in kinds.items():
            kept.update(
                {(node["scope"], node["node"], kind, entry): count for entry, count in entries.items()}
            )
        if ("expiresAt" in node) == bool(kinds) or not all(kinds.values()):
            yield f"{node} must expire only if it has no counts, and must not contain a type without counts"
    for session in sessions:
        scopes = ("ALL", f"OWNER#{session['ownerId']}", f"TIMELINE#{session['timelineId']}")
        counted.update(_find_entries(session["startKey"], session["type"], scopes))
    for timeline in timelines:
        if "removedAt" not in timeline:
            own = ("TIMELINES#ALL", f"TIMELINES#OWNER#{timeline['ownerId']}")
            counted.update(_find_entries(timeline["createdKey"], "TIMELINE", own))
    yield from _find_wrong_counts(kept, counted)


def _find_entries(key: str, kind: str, scopes: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if key.startswith("~"):
        lengths = (1, 2, 3, 5)
    elif 1900 <= int(key[:4]) < 2200:
        lengths = (4, 7, 10, 16)
    else:
        lengths = (2, 3, 7, 13)
    for scope, (letter, (begin, end)) in product(scopes, zip("YMD", pairwise(lengths), strict=True)):
        yield scope, f"{letter}#{key[:begin]}", kind, key[begin:end]


def _find_wrong_counts(kept: Counter[tuple[str, ...]], counted: Counter[tuple[str, ...]]) -> Iterator[str]:
    for key in kept.keys() | counted.keys():
        if kept[key] != counted[key]:
            yield f"{key} should be {counted[key]} and is {kept[key]}"


def _project_items(table: str, index: str, items: list[Item]) -> list[Item]:
    """Return the items with only the attributes that an index contains."""
    properties = template.resources("AWS::DynamoDB::Table")[table]["Properties"]
    (found,) = [one for one in properties["GlobalSecondaryIndexes"] if one["IndexName"] == index]
    keys = [key["AttributeName"] for key in (*properties["KeySchema"], *found["KeySchema"])]
    fields = {*keys, *found["Projection"]["NonKeyAttributes"]}
    return [{field: value for field, value in item.items() if field in fields} for item in items]


def _check_sort_keys(sessions: list[Item]) -> Iterator[str]:
    for session in sessions:
        start = _format_instant(session["startDateTime"]) if "startDateTime" in session else "~"
        if session["startKey"] != f"{start}#{session['id']}":
            yield f"{session['name']} has the wrong sort key {session['startKey']}"


def _check_timeline_indexes(dynamodb: Any, timelines: list[Item]) -> Iterator[str]:
    """Yield the wrong entries in the indexes of timelines. An index must contain all timelines that are not deleted."""
    indexed = [item for item in timelines if "removedAt" not in item]
    for index in ("owner-index", "all-index"):
        expected = _project_items("TimelinesTable", index, indexed)
        yield from _find_differences(index, scan(dynamodb, "TimelinesTable", index), expected, "id")


def _check_long_descriptions(items: list[Item]) -> Iterator[str]:
    """Yield a breach if an item with a long description is missing or unexpected, or has a wrong expiry time."""
    found = {item["id"]: item.get("expiresAt") for item in items if "ownerId" not in item}
    expected = {
        f"{item['id']}#description": item.get("expiresAt") for item in items if item.get("hasLongDescription")
    }
    if found != expected:
        yield f"the long descriptions should be {expected} and are {found}"


def _find_differences(what: str, found: list[Item], expected: list[Item], *key: str) -> Iterator[str]:
    present = {tuple(item[name] for name in key): item for item in found}
    right = {tuple(item[name] for name in key): item for item in expected}
    for one in present.keys() | right.keys():
        if present.get(one) != right.get(one):
            yield f"{what} {one} should be {right.get(one)} and is {present.get(one)}"
