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

from scheduling.domain.instants import utc_text
from scheduling.domain.recurrence import (
    SCHEDULE_FIELDS,
    Occurrence,
    Schedule,
    Series,
    first_conflict,
    local_times,
    schedule,
)

Slot = dict[str, Any]

HEAD = "HEAD"
EVERY = "EVERY#"
ONCE = "ONCE#"


class Clash(NamedTuple):
    """A slot that is in the way, by its earliest occurrence that is."""

    occurrence: Occurrence
    slot: Slot


def slot(session: Mapping[str, Any]) -> Slot | None:
    """What the session takes of its owner's calendar; None if no time."""
    taken = schedule(session)
    if taken is None:
        return None
    place = EVERY if isinstance(taken, Series) else starting_at(taken.occurrence.start) + "#"
    return {
        "ownerId": session["ownerId"],
        "slot": place + session["id"],
        "sessionId": session["id"],
        **{field: session[field] for field in SCHEDULE_FIELDS if session.get(field)},
    }


def starting_at(instant: int) -> str:
    """What the keys of ONCE slots with that start begin with; those of earlier ones sort before it."""
    return ONCE + utc_text(instant)


def clashes(new: Slot, slots: Iterable[Slot]) -> list[Clash]:
    """The slots in the way of a new one, by their earliest occurrence that is. None is in its own."""
    wanted = _taken(new)
    found = []
    for other in slots:
        if other["sessionId"] == new["sessionId"]:
            continue
        if occurrence := first_conflict(_taken(other), wanted):
            found.append(Clash(occurrence, other))
    return sorted(found, key=lambda clash: (clash.occurrence.start, clash.slot["slot"]))


def clash_times(clash: Clash) -> dict[str, str | None]:
    """Return the start and the end of the clashing occurrence, on the clock of the session in the way.

    Both are null after the year 9999, and an end is null where the session has none.
    """
    start, end = local_times(clash.slot, clash.occurrence)
    return {"startDateTime": start, "endDateTime": end}


def _taken(slot: Slot) -> Schedule:
    taken = schedule(slot)
    assert taken, "a slot always has a start"
    return taken
