"""Conflicts: the slots of a calendar that overlap a new slot. Pure."""

from collections.abc import Container, Iterable, Iterator
from typing import Any, NamedTuple

from scheduling.domain.recurrence import Occurrence, first_conflict, local_times
from scheduling.domain.slots import Slot, slot_schedule


class Conflict(NamedTuple):
    """A slot that overlaps a new slot, with its first occurrence that does."""

    occurrence: Occurrence
    slot: Slot


def find_conflicts(new: Slot, slots: Iterable[Slot], ignored: Container[str] = ()) -> Iterator[Conflict]:
    """Return the slots that conflict with `new`, in their order, without the slots of the ignored sessions.

    A session never conflicts with itself.
    """
    schedule = slot_schedule(new)
    for other in slots:
        if other["sessionId"] == new["sessionId"] or other["sessionId"] in ignored:
            continue
        occurrence = first_conflict(slot_schedule(other), schedule)
        if occurrence:
            yield Conflict(occurrence, other)


def earliest_of_each_session(conflicts: Iterable[Conflict]) -> list[Conflict]:
    """Return one conflict for each session, the earliest, in order of time.

    A session that moves while its calendar is read may be found in its old slot and in its new one.
    """
    found: dict[str, Conflict] = {}
    for conflict in sorted(conflicts, key=lambda conflict: (conflict.occurrence, conflict.slot["slot"])):
        found.setdefault(conflict.slot["sessionId"], conflict)
    return list(found.values())


def describe_conflict(conflict: Conflict, *, readable: bool) -> dict[str, Any]:
    """Return what a 409 says of a conflict: which session, if the caller may read the session, and when.

    The times are those of the conflicting occurrence, on the clock of its session. They are null after the year 9999.
    """
    slot = conflict.slot
    start, end = local_times(slot, conflict.occurrence)
    session = {
        "sessionId": slot["sessionId"],
        "timelineId": slot.get("timelineId"),
        "type": slot.get("type"),
        "name": slot.get("name"),
    }
    return {**(session if readable else {}), "startDateTime": start, "endDateTime": end}
