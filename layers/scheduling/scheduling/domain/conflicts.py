"""Conflicts: the slots of a calendar that overlap a new slot."""

from collections.abc import Container, Iterable, Iterator
from typing import Any, NamedTuple

from scheduling.domain.recurrence import Occurrence, first_conflict, local_times
from scheduling.domain.slots import Slot, slot_schedule


class Conflict(NamedTuple):
    """A slot that overlaps a new slot, and the first overlapping occurrence of the slot's session."""

    occurrence: Occurrence
    slot: Slot


def find_conflicts(new: Slot, slots: Iterable[Slot], ignored: Container[str] = ()) -> Iterator[Conflict]:
    """Yield the conflicts of `new` with other slots, in the order of `slots`.

    A session never conflicts with itself, nor with the sessions whose ids are in `ignored`.
    """
    schedule = slot_schedule(new)
    for other in slots:
        if other["sessionId"] == new["sessionId"] or other["sessionId"] in ignored:
            continue
        occurrence = first_conflict(slot_schedule(other), schedule)
        if occurrence:
            yield Conflict(occurrence, other)


def keep_earliest_of_each_session(conflicts: Iterable[Conflict]) -> list[Conflict]:
    """Return the earliest conflict of each session, in order of time.

    A session can have several conflicts. For example, if the session moves while its calendar is read, the reads may
    return both its old slot and its new slot.
    """
    found: dict[str, Conflict] = {}
    for conflict in sorted(conflicts, key=lambda conflict: (conflict.occurrence, conflict.slot["slot"])):
        found.setdefault(conflict.slot["sessionId"], conflict)
    return list(found.values())


def describe_conflict(conflict: Conflict, *, readable: bool) -> dict[str, Any]:
    """Return the entry of a conflict in the `details` of a 409.

    The times are the local times of the conflicting occurrence. A time after the year 9999 is None.

    Args:
        readable: whether the caller may read the session. Otherwise the entry has only the times.
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
