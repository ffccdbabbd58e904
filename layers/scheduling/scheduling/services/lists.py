"""Use cases that list sessions and timelines.

A page near the beginning of a list is read from the beginning. Pages deep in a list, and counts of a window of
time, are found by the trees of counts (see `domain.counters`). So no request reads all items before a page.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from itertools import chain, islice
from typing import NamedTuple

from scheduling.domain import counters, timeline
from scheduling.domain.counters import Counts, Node
from scheduling.domain.pagination import (
    MOST_PASSED_OVER,
    Period,
    Range,
    Window,
    find,
    is_undated,
    ordered,
    stretches,
    take,
    window,
)
from scheduling.domain.permissions import Action, Principal, Reach, may, reaches
from scheduling.domain.session import start_year
from scheduling.errors import Forbidden
from scheduling.services.request import Request
from scheduling.services.results import Page
from scheduling.settings import setting
from scheduling.store import calendars, sessions, timelines
from scheduling.store import counters as trees
from scheduling.store.client import run_in_parallel
from scheduling.store.items import Item
from scheduling.store.queries import count, query

_MOST_FROM_BEGINNING = 150
"""The number of first items of a list that are read directly, without reading counts."""

_Totals = Callable[[], Mapping[str, int]]


class _Index(NamedTuple):
    """An index in which items are listed."""

    table: str
    """The setting that names the table."""
    name: str
    partition_key: str
    sort_key: str


_BY_YEAR = _Index("SESSIONS_TABLE", "all-startDateTime-index", "startYear", "startKey")
_OF_OWNER = _Index("SESSIONS_TABLE", "owner-startDateTime-index", "ownerId", "startKey")
_OF_TIMELINE = _Index("SESSIONS_TABLE", "timeline-startDateTime-index", "timelineId", "startKey")
_TIMELINES = _Index("TIMELINES_TABLE", "all-index", "allKey", "createdKey")
_TIMELINES_OF_OWNER = _Index("TIMELINES_TABLE", "owner-index", "ownerId", "createdKey")


class _List(NamedTuple):
    """A list of items in one order."""

    source: _Index
    scopes: Mapping[str, str]
    """The scope of counts that belongs to each partition of the index; `_BY_YEAR` has one scope for all."""
    totals: _Totals | None
    """Returns the exact number of all items by kind; None where only the trees have a count."""
    limits: Window = Window()
    ascending: bool = False
    kind: str | None = None
    """The type of the sessions to list; None for all."""

    def page(self, skip: int, wanted: int) -> Page:
        """Return a page with at most `wanted` items, and the number of all items."""
        if self.limits.empty or not self.scopes:
            return Page([], skip, wanted, 0)
        most = skip + wanted
        if self.kind:
            few = self.totals and sum(self.totals().values()) < _MOST_FROM_BEGINNING
            most = _MOST_FROM_BEGINNING if few else _MOST_FROM_BEGINNING + 1
        if most <= _MOST_FROM_BEGINNING and self.source != _BY_YEAR:
            found = self._read_beginning(most)
            if len(found) < most:
                found = [item for item in found if not self.kind or item["type"] == self.kind]
                return Page(found[skip : skip + wanted], skip, wanted, len(found))
            if not self.kind:
                return Page(found[skip:], skip, wanted, self._total() or _sum(self._periods()))
        periods = self._periods()
        return Page(self._read_deep(periods, skip, wanted), skip, wanted, self._total() or _sum(periods))

    def _total(self) -> int | None:
        """Return the number of all items where that is kept up to date; None for a window of time."""
        if self.totals is None or self.limits.bounded:
            return None
        totals = self.totals()
        return totals.get(self.kind, 0) if self.kind else sum(totals.values())

    def _read_beginning(self, limit: int) -> list[Item]:
        """Read the first items of the list, of every kind."""
        found: list[Item] = []
        for part in self.limits.parts(self.ascending):
            if len(found) < limit:
                found += self._read(part, limit - len(found), None)
        return found

    def _read_deep(self, periods: Sequence[Period], skip: int, wanted: int) -> list[Item]:
        """Read a page that begins in one of the periods, and at the most one hour's items before the page."""
        place = find(periods, skip)
        if place is None:
            return []
        rest = periods[place.number :]
        crowded = place.skip + wanted > _MOST_FROM_BEGINNING or rest[0].others > MOST_PASSED_OVER
        if crowded and counters.is_branch(rest[0].prefix):
            rest = self._divide(rest, rest[:1])
            place = find(rest, place.skip)
            if place is None:
                return []
            rest = rest[place.number :]
        limit = place.skip + wanted
        mixed = [period for period in take(rest, limit) if period.others > MOST_PASSED_OVER]
        rest = self._divide(rest, [period for period in mixed if counters.is_branch(period.prefix)])
        reads, left = [], limit
        for stretch in stretches(take(rest, limit), self.limits, self._partition):
            reads.append(partial(self._read, stretch.range, left, self.kind))
            left -= stretch.wanted
        found = list(chain.from_iterable(run_in_parallel(*reads)))
        return found[place.skip : limit]

    def _partition(self, prefix: str) -> str:
        """Return what two periods have in common if one query can read both."""
        return start_year(prefix) if self.source == _BY_YEAR else str(is_undated(prefix))

    def _periods(self) -> list[Period]:
        """Return the periods in which the list has items: months, or hours where the window cuts a month."""
        low, high = counters.path(self.limits.low).root, self.limits.high
        reads = [partial(trees.tops, scope, low, high) for scope in self.scopes.values()]
        tops = chain.from_iterable(found.items() for found in run_in_parallel(*reads))
        months = self._count(tops)
        return self._divide(months, [month for month in months if not self.limits.covers(month.prefix)])

    def _divide(self, periods: Sequence[Period], months: Sequence[Period]) -> list[Period]:
        """Return the periods with some months divided into hours."""
        if not months:
            return list(periods)
        nodes = [
            Node(scope, counters.lower(month.prefix)) for month in months for scope in self.scopes.values()
        ]
        found = trees.nodes(nodes)
        hours = self._count((node.name.removeprefix(counters.lower("")), found[node]) for node in found)
        cut = [hour for hour in hours if not self.limits.covers(hour.prefix)]
        counted = zip(cut, run_in_parallel(*(partial(self._count_part, hour) for hour in cut)), strict=True)
        parts = [Period(hour.prefix, number) for hour, number in counted]
        kept = [period for period in (*periods, *hours) if period not in (*months, *cut)]
        return ordered((*kept, *parts), self.ascending)

    def _count(self, nodes: Iterable[tuple[str, Counts]]) -> list[Period]:
        """Return the children of nodes that the window touches, with the counts of all scopes together."""
        wanted: Counter[str] = Counter()
        together: Counter[str] = Counter()
        for prefix, counts in nodes:
            wanted.update(counters.children(prefix, counts, self.kind))
            together.update(counters.children(prefix, counts))
        found = [
            Period(prefix, wanted[prefix], together[prefix] - wanted[prefix])
            for prefix in together
            if together[prefix] > 0 and self.limits.touches(prefix)
        ]
        return ordered(found, self.ascending)

    def _count_part(self, period: Period) -> int:
        """Return how many items of a period lie in the window, by reading them or, if that is less, the others."""
        if rest := self.limits.smaller_rest(period.prefix):
            return period.wanted - self._count_items(rest)
        return self._count_items(self.limits.clip(period.prefix, period.prefix))

    def _count_items(self, part: Range) -> int:
        """Count the items of a range by reading them."""
        partitions = [start_year(part.low)] if self.source == _BY_YEAR else self.scopes
        table, between = setting(self.source.table), (self.source.sort_key, *part)
        return sum(
            count(table, (self.source.partition_key, one), between, self.source.name, self._where(self.kind))
            for one in partitions
        )

    def _read(self, part: Range, limit: int, kind: str | None) -> list[Item]:
        """Read the first items of a range, from all partitions that have some of it."""
        partitions = [start_year(part.low)] if self.source == _BY_YEAR else self.scopes
        reads = [partial(self._query, partition, part, limit, kind) for partition in partitions]
        found = chain.from_iterable(run_in_parallel(*reads))
        key = self.source.sort_key
        return sorted(found, key=lambda item: str(item[key]), reverse=not self.ascending)[:limit]

    def _query(self, partition: str, part: Range, limit: int, kind: str | None) -> list[Item]:
        found = query(
            setting(self.source.table),
            (self.source.partition_key, partition),
            (self.source.sort_key, *part),
            index=self.source.name,
            descending=not self.ascending,
            limit=None if kind else limit,  # DynamoDB counts what a filter leaves out
            where=self._where(kind),
        )
        return list(islice(found, limit))

    @staticmethod
    def _where(kind: str | None) -> tuple[str, str] | None:
        return ("type", kind) if kind else None


def list_sessions(request: Request) -> Page:
    """List the sessions that match and that the caller may read, by their starts."""
    fields = request.fields
    limits = window(fields["startDateTimeFrom"], fields["startDateTimeTo"])
    ascending = fields["startDateTimeSortOrder"] == "ASC"
    found = _readable_sessions(request)._replace(limits=limits, ascending=ascending, kind=fields["type"])
    page = found.page(fields["skip"], fields["take"])
    return page._replace(items=sessions.complete(page.items))


def _readable_sessions(request: Request) -> _List:
    """Return the sessions of the timelines that were asked for, or all, as far as the caller may read them."""
    principal, ids = request.principal, request.fields["timelineId"]
    reach = reaches(principal, Action.READ)
    if reach is None:
        raise Forbidden
    if ids:
        unique = list(dict.fromkeys(ids))
        found = [one for one in timelines.find_many(unique) if may(principal, Action.READ, one["ownerId"])]
        scopes = {one["id"]: counters.sessions_of_timeline(one["id"]) for one in found}
        return _List(_OF_TIMELINE, scopes, lambda: _together(one["sessionCounts"] for one in found))
    if reach is Reach.ANY:
        return _List(_BY_YEAR, {"": counters.ALL_SESSIONS}, None)
    scopes = {principal.id: counters.sessions_of_owner(principal.id)}
    return _List(_OF_OWNER, scopes, cache(lambda: calendars.totals(principal.id)[0]))


def list_timelines(request: Request) -> Page:
    """List the timelines that the caller may read, newest first."""
    page = _readable_timelines(request.principal).page(request.fields["skip"], request.fields["take"])
    return page._replace(items=timelines.complete(page.items))


def _readable_timelines(principal: Principal) -> _List:
    reach = reaches(principal, Action.READ)
    if reach is None:
        raise Forbidden
    if reach is Reach.ANY:
        return _List(_TIMELINES, {timeline.ALL: counters.ALL_TIMELINES}, None)
    scopes = {principal.id: counters.timelines_of_owner(principal.id)}
    totals = cache(lambda: {counters.TIMELINES: calendars.totals(principal.id)[1]})
    return _List(_TIMELINES_OF_OWNER, scopes, totals)


def _together(counts: Iterable[Mapping[str, int]]) -> Counter[str]:
    sums: Counter[str] = Counter()
    for one in counts:
        sums.update(one)
    return sums


def _sum(periods: Iterable[Period]) -> int:
    return sum(period.wanted for period in periods)
