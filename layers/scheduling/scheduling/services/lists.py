"""Use cases that list sessions and timelines.

A page near the beginning of a list is read from the beginning. Pages deep in a list, and counts of a window of
time, are found by the trees of counts (see `domain.counters`). So no request reads all items before a page. Few
series among many sessions are found in the calendar of their owner.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache, partial
from itertools import chain, islice
from typing import NamedTuple

from scheduling.domain import counters, timeline
from scheduling.domain.counters import Counts, Node
from scheduling.domain.pagination import (
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
from scheduling.domain.session import start_key, start_year
from scheduling.errors import Forbidden
from scheduling.services.request import Request
from scheduling.services.results import Page
from scheduling.settings import setting
from scheduling.store import calendars, sessions, timelines
from scheduling.store import counters as trees
from scheduling.store.client import run_in_parallel
from scheduling.store.items import Item
from scheduling.store.queries import count, query

_MOST_AT_ONCE = 150
"""The number of items up to which a page is read with the items before it, without reading counts."""

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
    owners: Collection[str] = ()
    """The owners of the items; empty for all owners."""

    def page(self, skip: int, wanted: int) -> Page:
        """Return a page with at most `wanted` items, and the number of all items."""
        if self.limits.empty or not self.scopes:
            return Page([], skip, wanted, 0)
        most = skip + wanted
        if self.kind:
            few = self.totals and sum(self.totals().values()) < _MOST_AT_ONCE
            if not few and (series := self._find_few_series()) is not None:
                found = sessions.find_many(series[skip : skip + wanted])
                return Page(found, skip, wanted, len(series))
            most = _MOST_AT_ONCE if few else _MOST_AT_ONCE + 1
        if most <= _MOST_AT_ONCE and self.source != _BY_YEAR:
            found = self._read_beginning(most)
            if len(found) < most:
                found = [item for item in found if not self.kind or item["type"] == self.kind]
                return Page(found[skip : skip + wanted], skip, wanted, len(found))
            if not self.kind:
                return Page(found[skip:], skip, wanted, self._total() or _sum(self._periods()))
        periods = self._periods()
        return Page(self._read_deep(periods, skip, wanted), skip, wanted, self._total() or _sum(periods))

    def _find_few_series(self) -> list[str] | None:
        """Return the ids of all RECURRING sessions, in order, from the calendar; None if that is not possible.

        The calendar must belong to one owner with few series, and must have a slot of each RECURRING session. A
        session without a start has no slot, and a RECURRING session with a single occurrence has a ONCE slot.
        """
        if self.kind != "RECURRING" or self.totals is None or len(self.owners) != 1:
            return None
        total, [owner] = self.totals().get(self.kind, 0), self.owners
        if total > _MOST_AT_ONCE:
            return None
        if self.source == _OF_TIMELINE and calendars.totals(owner)[0].get(self.kind, 0) > _MOST_AT_ONCE:
            return None
        slots = calendars.read_series(owner)
        if self.source == _OF_TIMELINE:
            slots = [slot for slot in slots if slot["timelineId"] in self.scopes]
        if len(slots) != total:
            return None
        by_key = {start_key(slot["startDateTime"], slot["sessionId"]): slot["sessionId"] for slot in slots}
        keys = sorted((key for key in by_key if self.limits.contains(key)), reverse=not self.ascending)
        return [by_key[key] for key in keys]

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
        """Read a page that begins in one of the periods, and before the page at the most one minute's items."""
        while place := find(periods, skip):
            rest, limit = periods[place.number :], place.skip + wanted
            touched = list(take(rest, limit))
            coarse = _too_coarse(touched, place.skip, limit)
            if not coarse:
                return self._read_periods(touched, limit)[place.skip :]
            periods, skip = self._divide(rest, coarse), place.skip
        return []

    def _read_periods(self, periods: Sequence[Period], limit: int) -> list[Item]:
        """Read the first items of some periods."""
        reads, left = [], limit
        for stretch in stretches(periods, self.limits, self._partition):
            reads.append(partial(self._read, stretch.range, left, self.kind, stretch.others))
            left -= stretch.wanted
        return list(chain.from_iterable(run_in_parallel(*reads)))[:limit]

    def _partition(self, prefix: str) -> str:
        """Return what two periods have in common if one query can read both."""
        return start_year(prefix) if self.source == _BY_YEAR else str(is_undated(prefix))

    def _periods(self) -> list[Period]:
        """Return the periods in which the list has items: months, or shorter periods where the window cuts a month."""
        low, high = counters.path(self.limits.low).root, self.limits.high
        reads = [partial(trees.tops, scope, low, high) for scope in self.scopes.values()]
        tops = chain.from_iterable(found.items() for found in run_in_parallel(*reads))
        periods = self._count(tops)
        while cut := [each for each in self._cut(periods) if not counters.is_leaf(each.prefix)]:
            periods = self._divide(periods, cut)
        cut = self._cut(periods)
        counts = run_in_parallel(*(partial(self._count_items, each.prefix) for each in cut))
        parts = [Period(each.prefix, count) for each, count in zip(cut, counts, strict=True)]
        return ordered((*(each for each in periods if each not in cut), *parts), self.ascending)

    def _cut(self, periods: Iterable[Period]) -> list[Period]:
        """Return the periods of which only a part lies in the window."""
        return [period for period in periods if not self.limits.covers(period.prefix)]

    def _divide(self, periods: Sequence[Period], divided: Sequence[Period]) -> list[Period]:
        """Return the periods with some of them divided into their parts."""
        names = [counters.node_name(period.prefix) for period in divided]
        found = trees.nodes(Node(scope, name) for name in names for scope in self.scopes.values())
        parts = self._count((node.prefix, counts) for node, counts in found.items())
        return ordered((*(each for each in periods if each not in divided), *parts), self.ascending)

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

    def _count_items(self, prefix: str) -> int:
        """Count the items of a period that lie in the window, by reading the items."""
        part = self.limits.clip(prefix, prefix)
        table, between = setting(self.source.table), (self.source.sort_key, *part)
        return sum(
            count(table, (self.source.partition_key, one), between, self.source.name, self._where(self.kind))
            for one in self._partitions(part)
        )

    def _read(self, part: Range, limit: int, kind: str | None, others: int = 0) -> list[Item]:
        """Read the first items of a range, of all kinds or of one among some others."""
        reads = [
            partial(self._query, partition, part, limit, kind, others) for partition in self._partitions(part)
        ]
        found = chain.from_iterable(run_in_parallel(*reads))
        key = self.source.sort_key
        return sorted(found, key=lambda item: str(item[key]), reverse=not self.ascending)[:limit]

    def _partitions(self, part: Range) -> Iterable[str]:
        """Return the partitions of the index that can have items of a range of one year."""
        return [start_year(part.low)] if self.source == _BY_YEAR else self.scopes

    def _query(self, partition: str, part: Range, limit: int, kind: str | None, others: int) -> list[Item]:
        found = query(
            setting(self.source.table),
            (self.source.partition_key, partition),
            (self.source.sort_key, *part),
            index=self.source.name,
            descending=not self.ascending,
            limit=limit + others,  # DynamoDB's limit counts what a filter leaves out
            where=self._where(kind),
        )
        return list(islice(found, limit))

    @staticmethod
    def _where(kind: str | None) -> tuple[str, str] | None:
        return ("type", kind) if kind else None


def _too_coarse(periods: Sequence[Period], skip: int, limit: int) -> list[Period]:
    """Return the periods to divide before a page is read, because they have too many items that are not on the page."""
    if limit + sum(period.others for period in periods) <= _MOST_AT_ONCE:
        return []
    divisible = [period for period in periods if not counters.is_leaf(period.prefix)]
    return [period for period in divisible if period.others or (skip and period == periods[0])]


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
        used = [one["id"] for one in found if any(one["sessionCounts"].values())]
        scopes = {id: counters.sessions_of_timeline(id) for id in used}
        totals = partial(_together, [one["sessionCounts"] for one in found])
        return _List(_OF_TIMELINE, scopes, totals, owners={one["ownerId"] for one in found})
    if reach is Reach.ANY:
        return _List(_BY_YEAR, {"": counters.ALL_SESSIONS}, None)
    scopes = {principal.id: counters.sessions_of_owner(principal.id)}
    of_owner = cache(lambda: calendars.totals(principal.id)[0])
    return _List(_OF_OWNER, scopes, of_owner, owners=[principal.id])


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
