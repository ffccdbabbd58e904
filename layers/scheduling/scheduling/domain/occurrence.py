"""Occurrences for clients: each with its session, its local date and its times. Pure."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from scheduling.domain.recurrence import Occurrence, Schedule, local_date, local_times, occurrences
from scheduling.domain.slots import Slot, slot_schedule


class SlotOccurrence(NamedTuple):
    """An occurrence of the session of a slot."""

    occurrence: Occurrence
    schedule: Schedule
    slot: Slot


def occurrences_of(slots: Iterable[Slot], start: int, end: int) -> Iterator[SlotOccurrence]:
    """Yield the occurrences of slots that overlap the interval [start, end), slot by slot."""
    for slot in slots:
        schedule = slot_schedule(slot)
        for occurrence in occurrences(schedule, start, end):
            yield SlotOccurrence(occurrence, schedule, slot)


def sort_key(found: SlotOccurrence) -> tuple[int, str]:
    """Return the sort key of an occurrence in a list: its start, then the id of its session."""
    return found.occurrence.start, found.slot["sessionId"]


def view(found: SlotOccurrence) -> dict[str, Any]:
    """Return an occurrence as clients see it, on the clock of its session."""
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
