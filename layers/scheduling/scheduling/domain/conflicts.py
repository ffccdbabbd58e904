"""The no-overlap promise: what a calendar holds, and what in it is in the way of a new slot. Pure.

A calendar is all occupied time of one owner: a slot for each session that occupies time, and one HEAD whose
version moves with every slot that is written. Whoever wants to write reads HEAD first, then what could be
in the way, and writes on condition that HEAD has not moved: so of two writers that could not see each
other, one must read again. `store.schedule` does that; here is what it decides by.

The slots never overlap. So of those that are ONCE, the last to start before a new end is also the last to
end: that one neighbour decides, however many there are.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from scheduling.domain.instants import local_text, parse, utc_text
from scheduling.domain.recurrence import Every, Occupied, conflict, first_clash, occupied

Slot = dict[str, Any]

HEAD = "HEAD"
EVERY = "EVERY#"
ONCE = "ONCE#"
_SCHEDULE = ("startDateTime", "endDateTime", "repeatCycleType", "recurringDayOfWeek")


class Clash(NamedTuple):
    """A slot that is in the way, by its earliest occurrence that is."""

    start: int
    slot: Slot


def slot(session: Mapping[str, Any]) -> Slot | None:
    """What the session takes of its owner's calendar; None if no time."""
    taken = occupied(session)
    if taken is None:
        return None
    schedule = {field: session[field] for field in _SCHEDULE if session.get(field)}
    place = EVERY if isinstance(taken, Every) else starting_at(taken.first) + "#"
    return {
        "ownerId": session["ownerId"],
        "slot": place + session["id"],
        "sessionId": session["id"],
        **schedule,
    }


def starting_at(instant: int) -> str:
    """What the keys of ONCE slots with that start begin with; those of earlier ones sort before it."""
    return ONCE + utc_text(instant)


def clashes(new: Slot, slots: Iterable[Slot]) -> list[Clash]:
    """The slots in the way of a new one, by their earliest occurrence that is. None is in its own."""
    wanted = _taken(new)
    found = []
    for other in slots:
        taken = _taken(other)
        if other["sessionId"] != new["sessionId"] and conflict(taken, wanted):
            found.append(Clash(first_clash(taken, wanted), other))
    return sorted(found, key=lambda clash: (clash.start, clash.slot["slot"]))


def clash_times(clash: Clash) -> dict[str, str | None]:
    """Start and end of the clashing occurrence, with the offsets of the session in the way.

    Null where there is no end, or where the first clash comes after the year 9999.
    """
    start, end = parse(clash.slot["startDateTime"]), clash.slot.get("endDateTime")
    ends = clash.start + parse(end).instant - start.instant if end else None
    return {
        "startDateTime": local_text(clash.start, start.offset),
        "endDateTime": local_text(ends, parse(end).offset) if end and ends is not None else None,
    }


def _taken(slot: Slot) -> Occupied:
    taken = occupied(slot)
    assert taken, "a slot always has a start"
    return taken
