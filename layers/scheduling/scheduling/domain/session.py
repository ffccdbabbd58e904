"""Sessions: their rules, their keys, and the fields that a client sees.

A session is a mapping. Its fields have the same names in JSON, in the table and in this module. A field without a value
is absent from the stored item, and null in JSON.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypedDict, cast

from scheduling.domain import schedule_validation
from scheduling.domain.instants import DAY, parse, utc_text
from scheduling.domain.recurrence import RULE_FIELDS, WEEKDAYS
from scheduling.domain.schedule_validation import normalize
from scheduling.errors import Fault


class Session(TypedDict, total=False):
    """A session as it is stored. `docs/guide.md` explains the fields that a client sees."""

    id: str
    type: str
    timelineId: str
    name: str
    startDateTime: str
    endDateTime: str
    timeZone: str
    repeatCycleType: str
    repeatInterval: int
    recurringDayOfWeek: str
    recurringDaysOfWeek: list[str]
    repeatUntil: str
    repeatCount: int
    excludedDates: list[str]
    seriesId: str
    """The id of a series. The session replaces one occurrence of this series."""
    originalDate: str
    """The local date of the replaced occurrence."""
    description: str
    createdAt: str
    updatedAt: str
    removedAt: str
    ownerId: str
    """The owner of the timeline."""
    version: int
    slot: str
    """The key of the slot that reserves the time of the session (see `slots.reserve`)."""
    startKey: str
    """The sort key in the indexes. A deleted session has no sort key."""
    startYear: str
    """The partition key in the index of all sessions (see `start_year`)."""
    expiresAt: int
    """The epoch second after which DynamoDB purges the deleted session."""


class SessionChange(NamedTuple):
    """A session before and after a write. `before` is None when the session is new."""

    before: Session | None
    after: Session


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
    "seriesId",
    "originalDate",
    "description",
    "createdAt",
    "updatedAt",
    "removedAt",
)
"""The fields that a client sees, in the order of the OpenAPI document."""

_EITHER_OR = {
    "recurringDayOfWeek": "recurringDaysOfWeek",
    "recurringDaysOfWeek": "recurringDayOfWeek",
    "repeatUntil": "repeatCount",
    "repeatCount": "repeatUntil",
}
"""Pairs of fields that exclude each other. For example, a PATCH that sets `repeatUntil` clears `repeatCount`."""

UNDATED = "none"
"""The `startYear` of a session without a start."""

UNDATED_KEY = "~"
"""The beginning of the sort key of a session without a start. Such a key sorts after every date."""


def view(session: Mapping[str, Any]) -> dict[str, Any]:
    """Return every field of the session that a client sees. A field without a value is None."""
    return {field: session.get(field) for field in FIELDS}


def is_live(session: Session) -> bool:
    """Return whether the session is not deleted."""
    return "removedAt" not in session


def create(fields: Mapping[str, Any], id: str, owner_id: str, now: str) -> Session:
    """Return a new session."""
    stamps = {"id": id, "ownerId": owner_id, "version": 1, "createdAt": now, "updatedAt": now}
    return _add_keys({**normalize(fields), **stamps})


def update(session: Session, fields: Mapping[str, Any], owner_id: str, now: str) -> Session:
    """Return the session with the changed fields. Return the same object if no field changes.

    Fields that no longer apply are cleared, unless `fields` sets them (see `_find_implied_changes`).
    """
    fields = {**_find_implied_changes(session, fields), **fields}
    changed = normalize({**session, **fields, "ownerId": owner_id})
    if all(changed[field] == session.get(field) for field in changed):
        return session
    return _add_keys({**changed, **_increase_version(session, now)})


def delete(session: Session, now: str, expires_at: int) -> Session:
    """Return the deleted session: without a sort key and a slot, and with the epoch second at which it expires."""
    stamps = _increase_version(session, now)
    removed: dict[str, Any] = {**session, **stamps, "removedAt": stamps["updatedAt"], "expiresAt": expires_at}
    removed.pop("slot", None)
    del removed["startKey"]
    return cast(Session, removed)


def restore(session: Session, now: str) -> Session:
    """Return the restored session: without `removedAt` and `expiresAt`."""
    restored = {**session, **_increase_version(session, now), "removedAt": None, "expiresAt": None}
    return _add_keys(restored)


def _increase_version(session: Session, now: str) -> dict[str, Any]:
    """Return the new version, and the time of the change.

    `updatedAt` never decreases, even if the clocks of two machines differ.
    """
    return {"version": session["version"] + 1, "updatedAt": max(now, session["updatedAt"])}


def faults(
    fields: Mapping[str, Any], before: Session | None = None, *, partial: bool = False
) -> Iterator[Fault]:
    """Return the faults in the combination of fields. `schedule_validation.faults` explains the parameters."""
    return schedule_validation.faults(fields, before, partial=partial)


def _find_implied_changes(session: Session, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the changes that a PATCH of these fields implies for other fields."""
    implied: dict[str, Any] = {}
    if fields.get("type") == "ONE_TIME":
        return dict.fromkeys(("repeatCycleType", *RULE_FIELDS))
    if fields.get("type") == "RECURRING":
        implied |= dict.fromkeys(("seriesId", "originalDate"))
    cycle = fields.get("repeatCycleType", session.get("repeatCycleType"))
    if cycle is None:
        implied |= dict.fromkeys(RULE_FIELDS)
    elif cycle != "WEEKLY":
        implied |= dict.fromkeys(("recurringDayOfWeek", "recurringDaysOfWeek"))
    elif fields.get("startDateTime") and session.get("startDateTime"):
        old, new = _find_weekday(session), _find_weekday(normalize({**session, **fields}))
        if session.get("recurringDayOfWeek") == old:  # keep the day equal to the weekday of the start
            implied["recurringDayOfWeek"] = new
    implied |= {other: None for field, other in _EITHER_OR.items() if fields.get(field)}
    return implied


def _find_weekday(session: Mapping[str, Any]) -> str:
    """Return the local weekday of the start."""
    return WEEKDAYS[parse(session["startDateTime"]).local // DAY % 7]


def _add_keys(fields: Mapping[str, Any]) -> Session:
    """Return the session with its index keys, but without nulls and without a slot."""
    session = {field: value for field, value in fields.items() if value is not None and field != "slot"}
    session["startKey"] = start_key(session.get("startDateTime"), session["id"])
    session["startYear"] = start_year(session["startKey"])
    return cast(Session, session)


def start_key(start: str | None, id: str) -> str:
    """Return the sort key of a session in lists."""
    return f"{utc_text(parse(start).instant) if start else UNDATED_KEY}#{id}"


def start_year(key: str) -> str:
    """Return the partition key of a sort key in the index of all sessions. `key` may be a prefix of sort keys.

    The partition key is the year, like `2023`. Outside the years 1900 to 2199, the key is the century, like `18`. For a
    session without a start, the key is `none`.
    """
    if key.startswith(UNDATED_KEY):
        return UNDATED
    return key[:4] if len(key) >= 4 and "1900" <= key[:4] < "2200" else key[:2]
