"""Occurrences as clients see them, with the session, the local date and the local times."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from scheduling.domain.recurrence import (
    Occurrence,
    Schedule,
    ends_by_9999,
    local_date,
    local_times,
    occurrences,
)
from scheduling.domain.slots import Slot, slot_schedule


class SlotOccurrence(NamedTuple):
    """An occurrence, with the slot and the schedule of its session."""

    occurrence: Occurrence
    schedule: Schedule
    slot: Slot


def occurrences_of(slots: Iterable[Slot], start: int, end: int) -> Iterator[SlotOccurrence]:
    """Yield the occurrences that overlap the interval [start, end), in the order of the slots.

    Leave out occurrences that start or end after the year 9999.
    """
    for slot in slots:
        schedule = slot_schedule(slot)
        for occurrence in occurrences(schedule, start, end):
            if ends_by_9999(slot, occurrence):
                yield SlotOccurrence(occurrence, schedule, slot)


def sort_key(found: SlotOccurrence) -> tuple[int, str]:
    """Return the sort key of an occurrence in a list: the start, then the id of the session."""
    return found.occurrence.start, found.slot["sessionId"]


def view(found: SlotOccurrence) -> dict[str, Any]:
    """Return the fields of an occurrence that clients see, with local times."""
    slot = found.slot
    start, end = local_times(slot, found.occurrence)
    return {
        "sessionId": slot["sessionId"],
        "timelineId": slot["timelineId"],
        "type": slot["type"],
        "name": slot["name"],
        "date": local_date(found.schedule, found.occurrence),
        "startDateTime": start,
        "endDateTime": end,
    }
