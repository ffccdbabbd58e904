"""Use cases that list sessions and timelines.

For a page near the beginning of a list, a request reads all items from the beginning to the end of the page. The list
of all sessions and long lists of one type are exceptions. The trees of counts (see `domain.counters`) show where any
other page begins, and how many items a time window has. So a request for such a page does not read all items before the
page. If an owner has few series among many sessions, a list of the series reads the owner's calendar.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache, partial
from itertools import chain, islice
from typing import NamedTuple

from scheduling.domain import counters, timeline
from scheduling.domain.counters import Counts, Node
from scheduling.domain.pagination import (
    Period,
    Range,
    Stretch,
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
"""The largest number of items to read at once: the items of a page and the items before the page."""

_Totals = Callable[[], Mapping[str, int]]


class _Index(NamedTuple):
    """An index that a list queries."""

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
    """A list of sessions or timelines, with its limits and its order."""

    source: _Index
    scopes: Mapping[str, str]
    """The scope of the counts, by partition of the index. With `_BY_YEAR`, all partitions share one scope."""
    totals: _Totals | None
    """Function that returns the exact number of all items by kind. None if only the trees contain the counts."""
    limits: Window = Window()
    ascending: bool = False
    kind: str | None = None
    """The type of the sessions to list; None for all types."""
    owners: Collection[str] = ()
    """The owners of the sessions. Empty for all owners, and for a list of timelines."""

    def page(self, skip: int, wanted: int) -> Page:
        """Return the page after the first `skip` items, with at most `wanted` items and the total of the list."""
        if self.limits.empty or not self.scopes:
            return Page([], skip, wanted, 0)
        most = skip + wanted
        if self.kind:
            few = self.totals and sum(self.totals().values()) < _MOST_AT_ONCE
            if not few and (series := self._find_series_in_calendar()) is not None:
                found = sessions.find_many(series[skip : skip + wanted])
                return Page(found, skip, wanted, len(series))
            most = _MOST_AT_ONCE if few else _MOST_AT_ONCE + 1
        if most <= _MOST_AT_ONCE and self.source != _BY_YEAR:
            found = self._read_beginning(most)
            if len(found) < most:
                found = [item for item in found if not self.kind or item["type"] == self.kind]
                return Page(found[skip : skip + wanted], skip, wanted, len(found))
            if not self.kind:
                return _build_page(
                    found[skip:], skip, wanted, self._find_total() or _sum_wanted(self._find_periods())
                )
        periods = self._find_periods()
        found = self._read_deep_page(periods, skip, wanted)
        return _build_page(found, skip, wanted, self._find_total() or _sum_wanted(periods))

    def _find_series_in_calendar(self) -> list[str] | None:
        """Return the ids of all RECURRING sessions in the order of the list, read from the owner's calendar.

        Return None unless the list has one owner, few series, and a series slot for each RECURRING session. Some
        RECURRING sessions have no series slot: without a start they have no slot, and without a `repeatCycleType`
        they have a ONCE slot.
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

    def _find_total(self) -> int | None:
        """Return the stored total of the list. Return None if no total is stored, or if the list has a time window."""
        if self.totals is None or self.limits.bounded:
            return None
        totals = self.totals()
        return totals.get(self.kind, 0) if self.kind else sum(totals.values())

    def _read_beginning(self, limit: int) -> list[Item]:
        """Read the first items of the list, of all kinds."""
        found: list[Item] = []
        for part in self.limits.parts(self.ascending):
            if len(found) < limit:
                whole = Stretch(part, limit, scopes=frozenset(self.scopes.values()))
                found += self._read_stretch(whole, limit - len(found), None)
        return found

    def _read_deep_page(self, periods: Sequence[Period], skip: int, wanted: int) -> list[Item]:
        """Read the page that begins `skip` items after the beginning of the periods.

        Before the read, divide periods that have too many items outside the page.
        """
        while place := find(periods, skip):
            rest, limit = periods[place.number :], place.skip + wanted
            touched = list(take(rest, limit))
            coarse = _find_coarse_periods(touched, place.skip, limit)
            if not coarse:
                return self._read_periods(touched, limit)[place.skip :]
            periods, skip = self._divide_periods(rest, coarse), place.skip
        return []

    def _read_periods(self, periods: Sequence[Period], limit: int) -> list[Item]:
        """Read the first `limit` items of the periods."""
        reads, left = [], limit
        for stretch in stretches(periods, self.limits, self._name_query_group):
            reads.append(partial(self._read_stretch, stretch, left, self.kind))
            left -= stretch.wanted
        return list(chain.from_iterable(run_in_parallel(*reads)))[:limit]

    def _name_query_group(self, prefix: str) -> str:
        """Return the name of a group of periods. One query can read adjacent periods of one group."""
        return start_year(prefix) if self.source == _BY_YEAR else str(is_undated(prefix))

    def _find_periods(self) -> list[Period]:
        """Return the periods in which the list has items, or would have items without its `type`.

        Periods are usually months. If the time window begins or ends within a month, the month is divided into shorter
        periods.
        """
        low, high = counters.path(self.limits.low).root, self.limits.high
        reads = [partial(trees.tops, scope, low, high) for scope in self.scopes.values()]
        periods = self._build_periods(chain.from_iterable(tops.items() for tops in run_in_parallel(*reads)))
        while cut := [each for each in self._find_cut_periods(periods) if not counters.is_leaf(each.prefix)]:
            periods = self._divide_periods(periods, cut)
        cut = self._find_cut_periods(periods)
        counts = run_in_parallel(*(partial(self._count_items, each) for each in cut))
        parts = [each._replace(wanted=count, others=0) for each, count in zip(cut, counts, strict=True)]
        return ordered((*(each for each in periods if each not in cut), *parts), self.ascending)

    def _find_cut_periods(self, periods: Iterable[Period]) -> list[Period]:
        """Return the periods that lie only partly in the time window."""
        return [period for period in periods if not self.limits.covers(period.prefix)]

    def _divide_periods(self, periods: Sequence[Period], divided: Sequence[Period]) -> list[Period]:
        """Return the periods, with each period in `divided` replaced by its parts."""
        names = [counters.node_name(period.prefix) for period in divided]
        found = trees.nodes(Node(scope, name) for name in names for scope in self.scopes.values())
        parts = self._build_periods(found.items())
        return ordered((*(each for each in periods if each not in divided), *parts), self.ascending)

    def _build_periods(self, nodes: Iterable[tuple[Node, Counts]]) -> list[Period]:
        """Return the children of the nodes as periods, with the sums of the counts of all scopes.

        Leave out empty children, and children outside the time window.
        """
        wanted: Counter[str] = Counter()
        together: Counter[str] = Counter()
        scopes: dict[str, set[str]] = defaultdict(set)
        for node, counts in nodes:
            matching = counters.children(node.prefix, counts, self.kind)
            wanted.update(matching)
            together.update(counters.children(node.prefix, counts))
            for prefix in matching:
                scopes[prefix].add(node.scope)
        found = [
            Period(prefix, wanted[prefix], together[prefix] - wanted[prefix], frozenset(scopes[prefix]))
            for prefix in together
            if together[prefix] > 0 and self.limits.touches(prefix)
        ]
        return ordered(found, self.ascending)

    def _count_items(self, period: Period) -> int:
        """Count, by queries of the index, the items that lie both in a period and in the time window."""
        part = self.limits.clip(period.prefix, period.prefix)
        table, between = setting(self.source.table), (self.source.sort_key, *part)
        return sum(
            count(
                table,
                (self.source.partition_key, one),
                between,
                self.source.name,
                self._build_filter(self.kind),
            )
            for one in self._find_partitions(part, period.scopes)
        )

    def _read_stretch(self, stretch: Stretch, limit: int, kind: str | None) -> list[Item]:
        """Read the first `limit` items of a stretch, of one kind or of all kinds (None)."""
        reads = [
            partial(self._query_partition, partition, stretch.range, limit, kind, stretch.others)
            for partition in self._find_partitions(stretch.range, stretch.scopes)
        ]
        found = chain.from_iterable(run_in_parallel(*reads))
        key = self.source.sort_key
        return sorted(found, key=lambda item: str(item[key]), reverse=not self.ascending)[:limit]

    def _find_partitions(self, part: Range, scopes: Collection[str]) -> list[str]:
        """Return the partitions of the index that have items in a range. With `_BY_YEAR`, this is one partition."""
        if self.source == _BY_YEAR:
            return [start_year(part.low)]
        return [partition for partition, scope in self.scopes.items() if scope in scopes]

    def _query_partition(
        self, partition: str, part: Range, limit: int, kind: str | None, others: int
    ) -> list[Item]:
        found = query(
            setting(self.source.table),
            (self.source.partition_key, partition),
            (self.source.sort_key, *part),
            index=self.source.name,
            descending=not self.ascending,
            limit=limit + others,  # DynamoDB's limit also counts items that the filter leaves out
            where=self._build_filter(kind),
        )
        return list(islice(found, limit))

    @staticmethod
    def _build_filter(kind: str | None) -> tuple[str, str] | None:
        return ("type", kind) if kind else None


def _find_coarse_periods(periods: Sequence[Period], skip: int, limit: int) -> list[Period]:
    """Return the periods to divide before a query, because too many of their items are not on the page.

    A period without wanted items is never divided: a query reads it as a whole, or not at all.
    """
    if limit + sum(period.others for period in periods) <= _MOST_AT_ONCE:
        return []
    divisible = [period for period in periods if not counters.is_leaf(period.prefix)]
    return [
        period for period in divisible if period.wanted and (period.others or (skip and period == periods[0]))
    ]


def _build_page(items: list[Item], skip: int, wanted: int, total: int) -> Page:
    """Return a page. The counts may be older than the items, so the total is at least the end of the page."""
    return Page(items, skip, wanted, max(total, skip + len(items)) if items else total)


def list_sessions(request: Request) -> Page:
    """List the matching sessions that the caller may read, in the order of their starts."""
    fields = request.fields
    limits = window(fields["startDateTimeFrom"], fields["startDateTimeTo"])
    ascending = fields["startDateTimeSortOrder"] == "ASC"
    found = _build_session_list(request)._replace(limits=limits, ascending=ascending, kind=fields["type"])
    page = found.page(fields["skip"], fields["take"])
    return page._replace(items=sessions.complete(page.items))


def _build_session_list(request: Request) -> _List:
    """Return the list of all sessions that the caller may read, or only of the requested timelines."""
    principal, ids = request.principal, request.fields["timelineId"]
    reach = reaches(principal, Action.READ)
    if reach is None:
        raise Forbidden
    if ids:
        unique = list(dict.fromkeys(ids))
        found = [one for one in timelines.find_many(unique) if may(principal, Action.READ, one["ownerId"])]
        used = [one["id"] for one in found if any(one["sessionCounts"].values())]
        scopes = {id: counters.sessions_of_timeline(id) for id in used}
        totals = partial(_add_counts, [one["sessionCounts"] for one in found])
        return _List(_OF_TIMELINE, scopes, totals, owners={one["ownerId"] for one in found})
    if reach is Reach.ANY:
        return _List(_BY_YEAR, {"": counters.ALL_SESSIONS}, None)
    scopes = {principal.id: counters.sessions_of_owner(principal.id)}
    of_owner = cache(lambda: calendars.totals(principal.id)[0])
    return _List(_OF_OWNER, scopes, of_owner, owners=[principal.id])


def list_timelines(request: Request) -> Page:
    """List the timelines that the caller may read, newest first."""
    page = _build_timeline_list(request.principal).page(request.fields["skip"], request.fields["take"])
    return page._replace(items=timelines.complete(page.items))


def _build_timeline_list(principal: Principal) -> _List:
    reach = reaches(principal, Action.READ)
    if reach is None:
        raise Forbidden
    if reach is Reach.ANY:
        return _List(_TIMELINES, {timeline.ALL: counters.ALL_TIMELINES}, None)
    scopes = {principal.id: counters.timelines_of_owner(principal.id)}
    totals = cache(lambda: {counters.TIMELINES: calendars.totals(principal.id)[1]})
    return _List(_TIMELINES_OF_OWNER, scopes, totals)


def _add_counts(counts: Iterable[Mapping[str, int]]) -> Counter[str]:
    sums: Counter[str] = Counter()
    for one in counts:
        sums.update(one)
    return sums


def _sum_wanted(periods: Iterable[Period]) -> int:
    return sum(period.wanted for period in periods)
