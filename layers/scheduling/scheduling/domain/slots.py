"""Slots: the items of a calendar that reserve the time of sessions, and the keys by which conflict checks find slots.

A calendar has one slot for each session that has a start and is not deleted, and one head. The key of a slot depends on
the schedule:

- `ONCE#<start>#<session id>`: a single occurrence.
- `UNTIL#<end of the last occurrence>#<session id>`: a series that ends. The conflict check of a new session reads only
  the keys after the start of the new session. So the check does not read series that ended earlier. For a series with
  a time zone, the key contains a time two days after the end.
- `EVERY#<class>#<minute>#<session id>`: an endless series. In UTC, all occurrences of the series lie within the same
  part of the day (`recurrence.times_of_day`). `minute` is the minute of the day in which this part begins. `class` is
  the length of the part in hours, rounded up to 1, 2, 4, 8 or 24. If the parts of two sessions do not overlap, the
  sessions never overlap, on any day. The conflict check of a new session queries each class that the calendar has. In a
  class, the check reads only the keys whose part of the day may overlap the new session. A series with a time zone
  always has class 24. The conflict check of every new session reads all slots of class 24.

Countries change the rules of time zones, sometimes only weeks in advance. A newer time zone database then moves the
occurrences of stored series, and conflict checks must still find their slots. No change of rules has ever moved a local
time by more than a day. So if a series with a time zone ends, its key contains a time two days after the end, which is
more than enough. The occurrences of an endless series with a time zone may move to any time of day, so the series has
class 24.

The key of a slot is also stored in the item of its session. If a write computed the key again with a newer time zone
database, the result could differ from the stored key. Then the write would not delete the old slot.

Starts and ends in keys are UTC texts of a fixed width, so that sorted keys are in the order of time. An end after the
year 9999 is `~`.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypedDict, cast

from scheduling.domain.instants import DAY, MINUTE, parse, utc_text
from scheduling.domain.recurrence import SCHEDULE_FIELDS, Once, Schedule, last_end, schedule, times_of_day
from scheduling.domain.session import Session, SessionChange, is_live
from scheduling.domain.time_zones import BEGINNING

HEAD = "HEAD"
ONCE = "ONCE#"
UNTIL = "UNTIL#"
EVERY = "EVERY#"
AFTER_ALL = "~~"
"""The suffix of the end of a range: `UNTIL + AFTER_ALL` sorts after every key that begins with `UNTIL`."""

_LENGTH_CLASSES = (1, 2, 4, 8, 24)
_WHOLE_DAY = _LENGTH_CLASSES[-1]
_HOUR = 60 * MINUTE
_ZONE_SLACK = 2 * DAY
_MINUTES_A_DAY = DAY // MINUTE


class Slot(TypedDict, total=False):
    """The reservation of one session's time, with all fields that conflict checks and lists of occurrences need."""

    ownerId: str
    slot: str
    sessionId: str
    timelineId: str
    type: str
    name: str
    version: int
    """The version that the session had when the slot was written."""
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


class Head(TypedDict, total=False):
    """The item of a calendar that changes with every write that adds time or changes the owner's counts."""

    ownerId: str
    slot: str
    version: int
    """The version of the calendar. Every write that adds time (see `adds_time`) increases the version."""
    changes: list[list[str]]
    """References to slots: one list for each of the latest versions, oldest first. Each list names the slots that the
    write of this version added, and the released slots that may hide an added slot (see `hides`)."""
    lengthClasses: list[int]
    """The length classes of all endless series that the calendar has or had."""
    sessionCounts: dict[str, int]
    """The number of sessions of the owner, by type."""
    timelineCount: int


class Reference(NamedTuple):
    """A reference from the head to a slot: the key, and the version of the session that wrote or released the slot."""

    key: str
    version: int
    released: bool = False

    def is_readable_in(self, found: Slot | None) -> bool:
        """Return whether a read of the slot proves that the change in the head was readable.

        `found` is the result of the read: None if the read returned no slot. For an added slot, None proves nothing.
        Then the read may be outdated, or the slot was deleted later.
        """
        if found is None:
            return self.released
        return found["version"] >= self.version


class Range(NamedTuple):
    """A range of keys, including `low` and `high`."""

    low: str
    high: str


def slot(session: Session) -> Slot | None:
    """Return the slot of a session; None for a session without a start, and for a deleted session.

    The slot has the key that is stored in the session. Without a stored key, the key is built from the schedule.
    """
    if not session.get("startDateTime") or not is_live(session):
        return None
    fields = cast(Mapping[str, Any], session)
    return cast(
        Slot,
        {
            "ownerId": session["ownerId"],
            "slot": session.get("slot") or f"{_build_key(session)}#{session['id']}",
            "sessionId": session["id"],
            **{field: fields[field] for field in ("timelineId", "type", "name", "version")},
            **{field: fields[field] for field in SCHEDULE_FIELDS if fields.get(field) is not None},
        },
    )


def reserve(change: SessionChange) -> SessionChange:
    """Return the change, with the slot's key stored in the changed session.

    If the slot adds no time, keep the old key.
    """
    before, after = change
    old, new = slot(before) if before else None, slot(after)
    if new is None:
        return change
    kept: Slot = {**new, "slot": old["slot"]} if old else new
    return SessionChange(before, {**after, "slot": new["slot"] if adds_time(old, kept) else kept["slot"]})


def adds_time(old: Slot | None, new: Slot) -> bool:
    """Return whether a slot is new, or has another owner, key or schedule than before.

    A slot adds no time if the only change of the schedule is that the session excludes more dates than before.
    """
    if old is None:
        return True
    no_more = set(old.get("excludedDates", ())) <= set(new.get("excludedDates", ()))
    return not no_more or not reserves_same_time({**old, "excludedDates": []}, {**new, "excludedDates": []})


def reserves_same_time(one: Slot, other: Slot) -> bool:
    """Return whether two slots have the same owner, key and schedule."""
    a, b = cast(Mapping[str, Any], one), cast(Mapping[str, Any], other)
    return all(a.get(field) == b.get(field) for field in ("ownerId", "slot", *SCHEDULE_FIELDS))


def slot_schedule(slot: Slot) -> Schedule:
    """Return the schedule of the session of a slot."""
    found = schedule(slot)
    assert found, "a slot always has a start"
    return found


def reference_text(reference: Reference) -> str:
    """Return the text of a reference in the head."""
    return f"{'-' if reference.released else ''}{reference.version}@{reference.key}"


def parse_reference(text: str) -> Reference:
    """Parse the text of a reference in the head."""
    version, _, key = text.partition("@")
    return Reference(key, abs(int(version)), version.startswith("-"))


def hides(released: Slot, added: Slot) -> bool:
    """Return whether a released ONCE slot starts within an added ONCE slot.

    A read of the last slot before an instant may still return the released slot. Then the read misses the added slot.
    """
    first, second = slot_schedule(released), slot_schedule(added)
    if not (isinstance(first, Once) and isinstance(second, Once)):
        return False
    start = parse(released["startDateTime"]).instant
    return parse(added["startDateTime"]).instant <= start < (last_end(second) or 0)


def first_start(slot: Slot) -> int:
    """Return the start of the first occurrence of a slot's session.

    By the rules of a newer time zone database, the first occurrence may start before `startDateTime`.
    """
    first = slot_schedule(slot).next(BEGINNING)
    assert first, "every session with a start has an occurrence"
    return first.start


def starting_at(instant: int) -> str:
    """Return the prefix of the keys of ONCE slots that start at an instant.

    Keys of earlier ONCE slots sort before this prefix.
    """
    return ONCE + utc_text(instant)


def ending_after(instant: int) -> Range:
    """Return a range that contains the UNTIL keys of all series whose last occurrence ends after an instant."""
    return Range(UNTIL + utc_text(instant + 1), UNTIL + AFTER_ALL)


def length_class(slot: Slot) -> int | None:
    """Return the length class of an endless series in hours; None for any other slot."""
    return int(slot["slot"].split("#")[1]) if slot["slot"].startswith(EVERY) else None


def endless_series_near(new: Slot, classes: Iterable[int]) -> Iterator[Range]:
    """Yield ranges of keys that contain every endless series that may overlap a new slot.

    Args:
        new: the new slot.
        classes: the length classes that the calendar has.
    """
    times = slot_schedule(new)
    if isinstance(times, Once):
        begin = parse(new["startDateTime"]).instant
        length = (last_end(times) or begin) - begin
    else:
        begin, length = times_of_day(times)
    for hours in classes:
        prefix = f"{EVERY}{hours:02}#"
        if hours == _WHOLE_DAY or length + hours * _HOUR >= DAY - MINUTE:
            yield Range(prefix, prefix + AFTER_ALL)
            continue
        low = (begin - hours * _HOUR) // MINUTE
        high = low % _MINUTES_A_DAY + (begin + length - 1) // MINUTE - low
        low %= _MINUTES_A_DAY
        yield Range(f"{prefix}{low:04}", f"{prefix}{min(high, _MINUTES_A_DAY - 1):04}{AFTER_ALL}")
        if high >= _MINUTES_A_DAY:
            yield Range(prefix, f"{prefix}{high - _MINUTES_A_DAY:04}{AFTER_ALL}")


def _build_key(session: Session) -> str:
    times, zoned = schedule(session), "timeZone" in session
    assert times, "a session without a start has no slot"
    if isinstance(times, Once):
        return starting_at(parse(session["startDateTime"]).instant)
    end = last_end(times)
    if end is not None:
        return UNTIL + utc_text(end + _ZONE_SLACK if zoned else end)
    begin, length = times_of_day(times)
    hours = _WHOLE_DAY
    if not zoned:
        hours = next((hours for hours in _LENGTH_CLASSES if length <= hours * _HOUR), _WHOLE_DAY)
    return f"{EVERY}{hours:02}#{begin // MINUTE:04}"
