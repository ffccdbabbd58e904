"""Timelines in their table, and the counts that they and the shards carry."""

from collections.abc import Iterator, Sequence

from scheduling.domain import counters, timeline
from scheduling.domain.pagination import stretches, window
from scheduling.domain.permissions import Action, Reach, reaches, require
from scheduling.domain.session import Session
from scheduling.domain.timeline import Timeline
from scheduling.errors import Forbidden, NotFound, TimelineNotEmpty
from scheduling.services.request import Request
from scheduling.services.results import One, Page
from scheduling.settings import setting
from scheduling.store.dynamodb import Item, add, add_within, batch_get, get, put, query, until_settled, write
from scheduling.store.idempotency import recall, remember

_COUNTS = "sessionCounts"
_UNCHANGED = f"#version = :version AND #{_COUNTS} = :counts"


def find(id: str, consistent: bool = True) -> Timeline | None:
    """The timeline with that id; None if there is none, or no longer."""
    found = get(setting("TIMELINES_TABLE"), consistent, id=id)
    return found if found and "createdKey" in found else None


def read(request: Request) -> One:
    """One timeline."""
    found = _existing(request.id)
    require(request.principal, Action.READ, found["ownerId"])
    return One(found)


def create(request: Request) -> One:
    """A new timeline, of the caller's unless an ADMIN says whose."""
    owner = request.fields.get("ownerId") or request.principal.id
    require(request.principal, Action.CHANGE_TIMELINE, owner)
    new = timeline.create(request.fields, request.new_id, owner, request.timestamp)

    def decide() -> One:
        if earlier := recall(request):
            return earlier
        write(
            put(setting("TIMELINES_TABLE"), new, "attribute_not_exists(#id)"),
            _counted(new, 1),
            *remember(request, new),
        )
        return One(new)

    return until_settled(decide)


def change(request: Request) -> One:
    """A timeline, changed."""

    def decide() -> One:
        before = _existing(request.id)
        require(request.principal, Action.CHANGE_TIMELINE, before["ownerId"])
        request.check_version(before["version"])
        after = timeline.change(before, request.fields, request.timestamp)
        if after is not before:
            write(_replace(before, after))
        return One(after)

    return until_settled(decide)


def remove(request: Request) -> One:
    """A timeline, removed.

    Raises:
        TimelineNotEmpty: it still has sessions.
    """

    def decide() -> One:
        before = _existing(request.id)
        require(request.principal, Action.CHANGE_TIMELINE, before["ownerId"])
        request.check_version(before["version"])
        if not timeline.is_empty(before):
            raise TimelineNotEmpty
        after = timeline.remove(
            before, request.timestamp, request.epoch_after(int(setting("RETENTION_DAYS")))
        )
        write(_replace(before, after), _counted(before, -1))
        return One(after)

    return until_settled(decide)


def page(request: Request) -> Page:
    """The timelines that the caller may read, newest first."""
    skip, take = request.fields["skip"], request.fields["take"]
    reach = reaches(request.principal, Action.READ)
    if reach is Reach.OWN:
        own = list(_of_owner(request.principal.id, timeline.FIELDS))
        return Page(own[skip : skip + take], skip, take, len(own))
    if reach is not Reach.ANY:
        raise Forbidden
    months = counters.total(counters.of_kind("timelines", shard) for shard in _shards())
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


def counts_of_timeline(found: Timeline) -> dict[str, int]:
    """How many sessions a timeline has, by month."""
    return counters.total([found[_COUNTS]])


def counts_of_owner(owner_id: str) -> dict[str, int]:
    """How many sessions an owner has, by month."""
    return counters.total(found[_COUNTS] for found in _of_owner(owner_id, [_COUNTS]))


def counts_of_all() -> dict[str, int]:
    """How many sessions there are, by month."""
    return counters.total(counters.of_kind("sessions", shard) for shard in _shards())


def counted(before: Session | None, after: Session | None) -> list[Item]:
    """What a transaction must write besides when a session changes: the counts of its timelines and shards.

    It fails where a timeline that gains a session is gone.
    """
    table, changes = setting("TIMELINES_TABLE"), counters.Changes(before, after)
    there = "attribute_exists(#createdKey) AND #ownerId = :owner"
    return [
        *(
            add_within(table, {"id": id}, _COUNTS, steps, there, owner=owner)
            for (id, owner), steps in changes.timelines.items()
        ),
        *(add(table, {"id": id}, steps) for id, steps in changes.shards.items()),
    ]


def _existing(id: str) -> Timeline:
    found = find(id)
    if found is None:
        raise NotFound
    return found


def _of_owner(owner_id: str, fields: Sequence[str]) -> Iterator[Timeline]:
    return query(
        setting("TIMELINES_TABLE"),
        ("ownerId", owner_id),
        index="owner-index",
        descending=True,
        fields=fields,
    )


def _shards() -> list[Item]:
    return batch_get(
        setting("TIMELINES_TABLE"), [counters.shard_id(number) for number in range(counters.SHARDS)]
    )


def _counted(one: Timeline, step: int) -> Item:
    month = one["createdAt"][:7]
    return add(
        setting("TIMELINES_TABLE"), {"id": counters.shard(one["ownerId"])}, {f"timelines#{month}": step}
    )


def _replace(before: Timeline, after: Timeline) -> Item:
    """The whole item: its counts must not have moved meanwhile."""
    return put(
        setting("TIMELINES_TABLE"), after, _UNCHANGED, version=before["version"], counts=before[_COUNTS]
    )
