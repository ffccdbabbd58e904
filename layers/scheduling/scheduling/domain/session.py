"""Sessions: their rules, their keys, what a client sees of them. Pure.

A session is a mapping with the same names on the wire, in the table and here. A field that is not set is
absent from the stored item and null on the wire.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from scheduling.domain.instants import parse, utc_text
from scheduling.domain.recurrence import Every, occupied, overlaps_itself
from scheduling.errors import Fault

Session = dict[str, Any]

FIELDS = (
    "id",
    "type",
    "timelineId",
    "name",
    "startDateTime",
    "endDateTime",
    "repeatCycleType",
    "recurringDayOfWeek",
    "description",
    "createdAt",
    "updatedAt",
    "removedAt",
)
"""What a client sees, in the order of the reference."""

UNDATED = "none"
"""The `startYear` of a session without a start."""

UNDATED_KEY = "~"
"""What the sort key of a session without a start begins with: it sorts after every date."""


def view(session: Session) -> dict[str, Any]:
    """The session as a client sees it: always every field."""
    return {field: session.get(field) for field in FIELDS}


def create(fields: Mapping[str, Any], id: str, owner_id: str, now: str) -> Session:
    """A new session."""
    stamps = {"id": id, "ownerId": owner_id, "version": 1, "createdAt": now, "updatedAt": now}
    return _keyed({**fields, **stamps})


def change(session: Session, fields: Mapping[str, Any], owner_id: str, now: str) -> Session:
    """The session with those fields changed; the same one when nothing would change.

    A change to ONE_TIME clears the cycle and the day.
    """
    if fields.get("type") == "ONE_TIME":
        fields = {"repeatCycleType": None, "recurringDayOfWeek": None, **fields}
    changed = {**session, **fields, "ownerId": owner_id}
    if all(changed[field] == session.get(field) for field in changed):
        return session
    return _keyed({**changed, "version": session["version"] + 1, "updatedAt": now})


def remove(session: Session, now: str, expires_at: int) -> Session:
    """The session without its sort key, so in no index, to be purged at that time (epoch seconds)."""
    removed = {**session, "version": session["version"] + 1, "updatedAt": now, "removedAt": now}
    del removed["startKey"]
    return {**removed, "expiresAt": expires_at}


def faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
    """What is wrong between fields that are each right by themselves; one that is absent is not judged."""
    absent = object()

    def is_null(field: str) -> bool:
        return fields.get(field, absent) is None

    start, end = fields.get("startDateTime"), fields.get("endDateTime")
    in_order = True
    if end and is_null("startDateTime"):
        yield Fault("startDateTime", "Is needed where endDateTime is given.")
    if start and end and parse(end).instant <= parse(start).instant:
        in_order = False
        yield Fault("endDateTime", "Must be after startDateTime.")
    cycle, day = fields.get("repeatCycleType"), fields.get("recurringDayOfWeek")
    if fields.get("type") == "ONE_TIME":
        for field in ("repeatCycleType", "recurringDayOfWeek"):
            if fields.get(field):
                yield Fault(field, "Is only for a RECURRING session.")
        return
    if day and (is_null("repeatCycleType") or cycle not in (None, "WEEKLY")):
        yield Fault("recurringDayOfWeek", "Is only for a WEEKLY session.")
    if in_order and start and end and cycle:
        series = occupied(fields)
        if isinstance(series, Every) and overlaps_itself(series):
            yield Fault("endDateTime", "Must not come after the next occurrence begins.")


def _keyed(fields: Mapping[str, Any]) -> Session:
    """The session as it is stored: without nulls, with its sort key and year."""
    session = {field: value for field, value in fields.items() if value is not None}
    start = session.get("startDateTime")
    text = utc_text(parse(start).instant) if start else UNDATED_KEY
    session["startKey"] = f"{text}#{session['id']}"
    session["startYear"] = start_year(text)
    return session


def start_year(key: str) -> str:
    """Return the partition of the index of all sessions in which a sort key, or a prefix of keys, lies.

    The partition is the year; outside the years 1900 to 2199 the century, such as `18`.
    """
    if key.startswith(UNDATED_KEY):
        return UNDATED
    return key[:4] if len(key) >= 4 and "1900" <= key[:4] < "2200" else key[:2]
