"""Sessions: their rules, their keys, what a client sees of them. Pure.

A session is a mapping with the same names on the wire, in the table and here. A field that is not set is
absent from the stored item and null on the wire.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from scheduling.domain import schedule_validation
from scheduling.domain.instants import DAY, parse, utc_text
from scheduling.domain.recurrence import RULE_FIELDS, WEEKDAYS
from scheduling.domain.schedule_validation import normalize
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
    "timeZone",
    "repeatInterval",
    "recurringDaysOfWeek",
    "repeatUntil",
    "repeatCount",
    "excludedDates",
    "description",
    "createdAt",
    "updatedAt",
    "removedAt",
)
"""What a client sees, in the order of the reference."""

_EITHER_OR = {
    "recurringDayOfWeek": "recurringDaysOfWeek",
    "recurringDaysOfWeek": "recurringDayOfWeek",
    "repeatUntil": "repeatCount",
    "repeatCount": "repeatUntil",
}
"""Fields of which a session has one: setting it clears the other."""

UNDATED = "none"
"""The month of a session without a start."""

UNDATED_KEY = "~"
"""What the sort key of a session without a start begins with: it sorts after every date."""


def view(session: Session) -> dict[str, Any]:
    """The session as a client sees it: always every field."""
    return {field: session.get(field) for field in FIELDS}


def create(fields: Mapping[str, Any], id: str, owner_id: str, now: str) -> Session:
    """A new session."""
    stamps = {"id": id, "ownerId": owner_id, "version": 1, "createdAt": now, "updatedAt": now}
    return _keyed({**normalize(fields), **stamps})


def change(session: Session, fields: Mapping[str, Any], owner_id: str, now: str) -> Session:
    """The session with those fields changed; the same one when nothing would change.

    The change clears what no longer fits, unless the fields set it (see `_implied_changes`).
    """
    fields = {**_implied_changes(session, fields), **fields}
    changed = normalize({**session, **fields, "ownerId": owner_id})
    if all(changed[field] == session.get(field) for field in changed):
        return session
    return _keyed({**changed, "version": session["version"] + 1, "updatedAt": now})


def remove(session: Session, now: str, expires_at: int) -> Session:
    """The session without its sort key, so in no index, to be purged at that time (epoch seconds)."""
    removed = {**session, "version": session["version"] + 1, "updatedAt": now, "removedAt": now}
    del removed["startKey"]
    return {**removed, "expiresAt": expires_at}


def faults(
    fields: Mapping[str, Any], before: Session | None = None, *, partial: bool = False
) -> Iterator[Fault]:
    """Return the faults between fields that are each valid; `schedule_validation.faults` explains the parameters."""
    return schedule_validation.faults(fields, before, partial=partial)


def _implied_changes(session: Session, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the changes that a PATCH of these fields implies for fields that it leaves out."""
    implied: dict[str, Any] = {}
    if fields.get("type") == "ONE_TIME":
        return dict.fromkeys(("repeatCycleType", *RULE_FIELDS))
    cycle = fields.get("repeatCycleType", session.get("repeatCycleType"))
    if cycle is None:
        implied |= dict.fromkeys(RULE_FIELDS)
    elif cycle != "WEEKLY":
        implied |= dict.fromkeys(("recurringDayOfWeek", "recurringDaysOfWeek"))
    elif fields.get("startDateTime") and session.get("startDateTime"):
        old, new = _weekday(session), _weekday(normalize({**session, **fields}))
        if session.get("recurringDayOfWeek") == old:  # the day follows the start when the series is moved
            implied["recurringDayOfWeek"] = new
    implied |= {other: None for field, other in _EITHER_OR.items() if fields.get(field)}
    return implied


def _weekday(session: Mapping[str, Any]) -> str:
    """Return the weekday on which the start is, on the clock of the start."""
    return WEEKDAYS[parse(session["startDateTime"]).local // DAY % 7]


def _keyed(fields: Mapping[str, Any]) -> Session:
    """The session as it is stored: without nulls, with its sort key and month."""
    session = {field: value for field, value in fields.items() if value is not None}
    start = session.get("startDateTime")
    text = utc_text(parse(start).instant) if start else UNDATED_KEY
    session["startKey"] = f"{text}#{session['id']}"
    session["startMonth"] = month(text) if start else UNDATED
    return session


def month(start: str) -> str:
    """The month, `2023-12`, under which a start is counted; outside the years 1900 to 2199 the century, `18`.

    So there are 3,697 of them at the most, and no item that counts by them can outgrow DynamoDB's 400 KB. Each
    begins all the starts that it stands for, and they sort as time does.
    """
    return start[:7] if "1900" <= start[:4] < "2200" else start[:2]
