"""Use cases of occurrences."""

from collections.abc import Collection
from functools import partial
from itertools import islice

from scheduling.domain.instants import parse
from scheduling.domain.occurrence import occurrences_of, sort_key
from scheduling.domain.permissions import Action, Reach, reaches, require
from scheduling.errors import BadRequest, Fault, Forbidden
from scheduling.services.request import Request
from scheduling.services.results import Page
from scheduling.store import timelines
from scheduling.store.calendars import read_window
from scheduling.store.client import run_in_parallel

MAX_OCCURRENCES = 50_000
"""The largest number of occurrences in one time window."""


def list_occurrences(request: Request) -> Page:
    """List the occurrences in a time window that the caller may read, in the order of their starts.

    Raises:
        BadRequest: a caller who may read all calendars names no owner and no timeline, or the time window has too
            many occurrences.
        Forbidden: the caller may not read the calendar of the owner that the request names.
    """
    fields = request.fields
    skip, take, timeline_ids = fields["skip"], fields["take"], fields["timelineId"]
    start, end = parse(fields["from"]).instant, parse(fields["to"]).instant
    slots = read_window(_find_owners(request), start, end)
    if timeline_ids:
        slots = [slot for slot in slots if slot["timelineId"] in timeline_ids]
    found = list(islice(occurrences_of(slots, start, end), MAX_OCCURRENCES + 1))
    if len(found) > MAX_OCCURRENCES:
        text = f"The time window has more than {MAX_OCCURRENCES:,} occurrences. Ask for a smaller window."
        raise BadRequest(Fault("to", text, "TOO_LARGE"))
    found.sort(key=sort_key)
    return Page(found[skip : skip + take], skip, take, len(found))


def _find_owners(request: Request) -> Collection[str]:
    """Return the owners of the calendars to read."""
    principal, owner_id = request.principal, request.fields["ownerId"]
    if owner_id:
        require(principal, Action.READ, owner_id)
        return [owner_id]
    match reaches(principal, Action.READ):
        case Reach.OWN:
            return [principal.id]
        case Reach.ANY:
            return _find_owners_of_timelines(request.fields["timelineId"])
        case _:
            raise Forbidden


def _find_owners_of_timelines(timeline_ids: Collection[str] | None) -> Collection[str]:
    if not timeline_ids:
        text = "Set ownerId or timelineId. One request cannot list the occurrences of all owners."
        raise BadRequest(Fault("ownerId", text, "REQUIRED"))
    reads = [partial(timelines.find, id, consistent=False) for id in set(timeline_ids)]
    return {found["ownerId"] for found in run_in_parallel(*reads) if found}
