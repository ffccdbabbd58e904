"""Use cases that list sessions and timelines."""

from collections.abc import Iterable, Mapping
from functools import partial
from itertools import groupby, islice
from typing import NamedTuple

from scheduling.domain import counters, timeline
from scheduling.domain.pagination import Span, Stretch, Window, stretches, window
from scheduling.domain.permissions import Action, Reach, may, reaches
from scheduling.domain.session import UNDATED
from scheduling.errors import Forbidden
from scheduling.services.request import Request
from scheduling.services.results import Page
from scheduling.settings import setting
from scheduling.store import timelines
from scheduling.store.client import run_in_parallel
from scheduling.store.items import Item
from scheduling.store.queries import count, query

_SORT = "startKey"


def list_sessions(request: Request) -> Page:
    """The sessions that match and that the caller may read, by their starts.

    The counts are read first; they say where the page lies. Then one query reads the page, and as much of the
    month it begins in as is skipped: nothing that lies before. Bounds that cut through a month cost a count
    of that part of it.
    """
    fields = request.fields
    skip, take, ascending = fields["skip"], fields["take"], fields["startDateTimeSortOrder"] == "ASC"
    scope = _scope(request)
    limits = window(fields["startDateTimeFrom"], fields["startDateTimeTo"])
    months = limits.narrow(scope.counts)
    cut = [month for month in months if limits.cuts(month)]
    if cut:
        counted = run_in_parallel(*(partial(scope.count_in, month, limits) for month in cut))
        months |= dict(zip(cut, counted, strict=True))
    parts = stretches(months, skip, take, ascending)
    reads = [partial(scope.read, part, limits, not ascending) for part in scope.together(parts)]
    found = [item for items in run_in_parallel(*reads) for item in items] if reads else []
    return Page(found, skip, take, sum(months.values()))


class _Scope(NamedTuple):
    """The sessions among which a list is made."""

    counts: Mapping[str, int]
    index_name: str
    key: str
    value: str | None
    """The partition of the index; None where each month is one."""

    def count_in(self, month: str, limits: Window) -> int:
        """How many start in that part of the month that is within the limits."""
        low, high = limits.span(month)
        return count(
            setting("SESSIONS_TABLE"), (self.key, self.value or month), (_SORT, low, high), self.index_name
        )

    def together(self, parts: Iterable[Stretch]) -> list[list[Stretch]]:
        """The parts of a page that one query can read: what has a start, in one partition."""
        if self.value is None:
            return [[part] for part in parts]
        return [list(some) for _, some in groupby(parts, lambda part: part.month == UNDATED)]

    def read(self, parts: list[Stretch], limits: Window, descending: bool) -> list[Item]:
        """Those parts, read by one query."""
        spans = [limits.span(part.month) for part in parts]
        span = Span(min(span.low for span in spans), max(span.high for span in spans))
        skip, take = parts[0].skip, sum(part.take for part in parts)
        found = query(
            setting("SESSIONS_TABLE"),
            (self.key, self.value or parts[0].month),
            (_SORT, *span),
            index=self.index_name,
            descending=descending,
            limit=skip + take,
        )
        return list(islice(found, skip, None))


def _scope(request: Request) -> _Scope:
    """One timeline, if it may be read; without one all of the caller's, and for some roles all there is."""
    principal, timeline_id = request.principal, request.fields["timelineId"]
    if timeline_id:
        found = timelines.find(timeline_id)
        readable = found and may(principal, Action.READ, found["ownerId"])
        counts = timelines.counts_of_timeline(found) if found and readable else {}
        return _Scope(counts, "timeline-startDateTime-index", "timelineId", timeline_id)
    match reaches(principal, Action.READ):
        case Reach.ANY:
            return _Scope(timelines.counts_of_all(), "month-startDateTime-index", "startMonth", None)
        case Reach.OWN:
            counts = timelines.counts_of_owner(principal.id)
            return _Scope(counts, "owner-startDateTime-index", "ownerId", principal.id)
        case _:
            raise Forbidden


def list_timelines(request: Request) -> Page:
    """The timelines that the caller may read, newest first."""
    skip, take = request.fields["skip"], request.fields["take"]
    reach = reaches(request.principal, Action.READ)
    if reach is Reach.OWN:
        own = list(timelines.of_owner(request.principal.id, (*timeline.FIELDS, "version")))
        return Page(own[skip : skip + take], skip, take, len(own))
    if reach is not Reach.ANY:
        raise Forbidden
    months = counters.total(counters.of_kind("timelines", shard) for shard in timelines.shards())
    parts = list(stretches(months, skip, take, ascending=False))
    found: list[Item] = []
    if parts:
        passed = parts[0].skip
        keys = ("createdKey", "0", window(None, None).span(parts[0].month).high)
        wanted = passed + sum(part.take for part in parts)
        found = list(
            query(
                setting("TIMELINES_TABLE"),
                ("allKey", timeline.ALL),
                keys,
                index="all-index",
                descending=True,
                limit=wanted,
            )
        )[passed:]
    return Page(found, skip, take, sum(months.values()))
