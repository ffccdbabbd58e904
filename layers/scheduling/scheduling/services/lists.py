"""Use cases that list sessions and timelines. A stand-in that reads whole lists, until lists read counts."""

from functools import partial
from itertools import chain
from typing import Any

from scheduling.domain import timeline
from scheduling.domain.pagination import window
from scheduling.domain.permissions import Action, Reach, may, reaches
from scheduling.errors import Forbidden
from scheduling.services.request import Request
from scheduling.services.results import Page
from scheduling.settings import setting
from scheduling.store import timelines
from scheduling.store.client import run_in_parallel
from scheduling.store.queries import query

_YEARS = [
    *(f"{century:02}" for century in (*range(19), *range(22, 100))),
    *map(str, range(1900, 2200)),
    "none",
]


def list_sessions(request: Request) -> Page:
    """Return the sessions that match and that the caller may read, by their starts."""
    fields, principal = request.fields, request.principal
    skip, take, ascending = fields["skip"], fields["take"], fields["startDateTimeSortOrder"] == "ASC"
    found: list[Any] = []
    if timeline_id := fields["timelineId"]:
        routine = timelines.find(timeline_id)
        if routine and may(principal, Action.READ, routine["ownerId"]):
            found = _read("timeline-startDateTime-index", ("timelineId", timeline_id))
    else:
        match reaches(principal, Action.READ):
            case Reach.ANY:
                years = [partial(_read, "all-startDateTime-index", ("startYear", year)) for year in _YEARS]
                found = list(chain.from_iterable(run_in_parallel(*years)))
            case Reach.OWN:
                found = _read("owner-startDateTime-index", ("ownerId", principal.id))
            case _:
                raise Forbidden
    limits = window(fields["startDateTimeFrom"], fields["startDateTimeTo"])
    found = [each for each in found if not limits.bounded or limits.low <= each["startKey"] < limits.high]
    dated = sorted((each for each in found if each["startKey"][0] != "~"), key=lambda each: each["startKey"])
    undated = sorted(
        (each for each in found if each["startKey"][0] == "~"), key=lambda each: each["startKey"]
    )
    ordered = [*dated, *undated] if ascending else [*reversed(dated), *reversed(undated)]
    return Page(ordered[skip : skip + take], skip, take, len(ordered))


def _read(index: str, key: tuple[str, str]) -> list[Any]:
    return list(query(setting("SESSIONS_TABLE"), key, index=index))


def list_timelines(request: Request) -> Page:
    """Return the timelines that the caller may read, newest first."""
    skip, take = request.fields["skip"], request.fields["take"]
    match reaches(request.principal, Action.READ):
        case Reach.OWN:
            found: list[Any] = list(timelines.of_owner(request.principal.id, (*timeline.FIELDS, "version")))
        case Reach.ANY:
            found = list(
                query(
                    setting("TIMELINES_TABLE"), ("allKey", timeline.ALL), index="all-index", descending=True
                )
            )
        case _:
            raise Forbidden
    return Page(found[skip : skip + take], skip, take, len(found))
