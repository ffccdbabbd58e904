"""Sessions, written: each change one transaction over session, calendar and counts, decided on fresh reads.

The promise that no two sessions of an owner overlap rests on HEAD, the item that carries the version of a
calendar. A writer reads HEAD, then what could be in the way, and writes on condition that HEAD is still at
that version. HEAD comes first, alone: were it read with or after the slots, a slot written in between would
be missed although the version fits.

DynamoDB isolates a query from a transaction item by item only ("read-committed"): a query may see HEAD's
new version and not yet the slot that came with it. Reads of single items are serializable. So HEAD names
the slot that was written last, and that one is read by its key beside the queries.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any

from scheduling.domain import conflicts, session
from scheduling.domain.conflicts import EVERY, HEAD, ONCE, Clash, Slot, clash_times, clashes, starting_at
from scheduling.domain.permissions import Action, may, require
from scheduling.domain.recurrence import Once, occupied
from scheduling.domain.session import Session
from scheduling.domain.timeline import Timeline
from scheduling.errors import BadRequest, InvalidTimeline, SchedulingConflict
from scheduling.services.request import Request
from scheduling.services.results import One
from scheduling.settings import setting
from scheduling.store import sessions, timelines
from scheduling.store.dynamodb import (
    Item,
    batch_get,
    delete,
    get,
    put,
    query,
    side_by_side,
    until_settled,
    update,
    write,
)
from scheduling.store.idempotency import recall, remember

_NEIGHBOURS = 2
"""Of single sessions that start before a time the last decides; the session itself may be that one."""
_CLASHES_TOLD = 10
_SINGLES_AFTER_A_CLASH = 100
_AFTER_ALL = "~"


def create(request: Request) -> One:
    """A new session.

    Raises:
        InvalidTimeline: there is no such timeline.
        SchedulingConflict: its time is taken.
    """

    def decide() -> One:
        find = partial(timelines.find, request.fields["timelineId"])
        if request.idempotency:
            timeline, earlier = side_by_side(find, partial(recall, request))
            if isinstance(earlier, One):
                return earlier
        else:
            timeline = find()
        owner = _owner(timeline)
        require(request.principal, Action.CHANGE_SESSION, owner)
        new = session.create(request.fields, request.new_id, owner, request.timestamp)
        try:
            taken = _take(None, new, request)
        except SchedulingConflict:
            # What is in the way may be the effect of the same request, sent twice at once.
            if earlier := recall(request):
                return earlier
            raise
        write(
            put(setting("SESSIONS_TABLE"), new, "attribute_not_exists(#id)"),
            *taken,
            *timelines.counted(None, new),
            *remember(request, new),
        )
        return One(new)

    return until_settled(decide)


def change(request: Request) -> One:
    """A session, changed: its words alone by a write of its own, its time or place by a transaction.

    Raises:
        BadRequest: what would come of it breaks a rule.
        InvalidTimeline: there is no timeline such as it is to be moved to.
        SchedulingConflict: its new time is taken.
    """

    def decide() -> One:
        before, owner = _with_target(request)
        require(request.principal, Action.CHANGE_SESSION, before["ownerId"])
        require(request.principal, Action.CHANGE_SESSION, owner)
        request.check_version(before["version"])
        after = session.change(before, request.fields, owner, request.timestamp)
        if after is before:
            return One(before)
        if faults := tuple(session.faults(session.view(after))):
            raise BadRequest(*faults)
        write(_replace(before, after), *_take(before, after, request), *timelines.counted(before, after))
        return One(after)

    return until_settled(decide)


def remove(request: Request) -> One:
    """A session, removed; its time is free at once.

    HEAD does not move: a writer who still sees the slot refuses, as it would have a moment before.
    """

    def decide() -> One:
        before = sessions.existing(request.id)
        require(request.principal, Action.DELETE_SESSION, before["ownerId"])
        request.check_version(before["version"])
        after = session.remove(before, request.timestamp, request.epoch_after(int(setting("RETENTION_DAYS"))))
        write(_replace(before, after), *_give_up(conflicts.slot(before)), *timelines.counted(before, None))
        return One(after)

    return until_settled(decide)


def _with_target(request: Request) -> tuple[Session, str]:
    """The session, and the owner of the timeline where it is to be."""
    target = request.fields.get("timelineId")
    if target is None:
        before = sessions.existing(request.id)
        return before, before["ownerId"]
    before, timeline = side_by_side(partial(sessions.existing, request.id), partial(timelines.find, target))
    return before, _owner(timeline)


def _owner(timeline: Timeline | None) -> str:
    if timeline is None:
        raise InvalidTimeline
    owner: str = timeline["ownerId"]
    return owner


def _replace(before: Session, after: Session) -> Item:
    return put(setting("SESSIONS_TABLE"), after, "#version = :version", version=before["version"])


def _take(before: Session | None, after: Session, request: Request) -> list[Item]:
    """What a transaction must write into calendars for a session to take its time, and to give up its former.

    Raises:
        SchedulingConflict: the time is taken.
    """
    old, new = conflicts.slot(before) if before else None, conflicts.slot(after)
    if new is None or new == old:
        return _give_up(old) if new is None else []
    table, head_key = setting("CALENDAR_TABLE"), {"ownerId": new["ownerId"], "slot": HEAD}
    head = get(table, **head_key) or {"version": 0}
    in_the_way = _in_the_way(new, head)
    if in_the_way:
        raise SchedulingConflict(_told(in_the_way, request))
    moved = update(
        table,
        head_key,
        "SET #version = if_not_exists(#version, :version) + :one, #last = :slot",
        "#version = :version" if head["version"] else "attribute_not_exists(#version)",
        version=head["version"],
        one=1,
        slot=new["slot"],
    )
    replaced = old is not None and _key(old) == _key(new)
    return [
        put(table, new),
        moved,
        *([] if replaced else _give_up(old)),
    ]


def _give_up(slot: Slot | None) -> list[Item]:
    return [delete(setting("CALENDAR_TABLE"), **_key(slot))] if slot else []


def _key(slot: Slot) -> dict[str, str]:
    return {"ownerId": slot["ownerId"], "slot": slot["slot"]}


def _in_the_way(new: Slot, head: Item) -> list[Clash]:
    """The slots in the way of a new one: every series that is, and the first few of the single sessions."""
    owner_id, taken = new["ownerId"], occupied(new)
    assert taken
    reads: list[Callable[[], list[Slot]]] = [partial(list, _slots(owner_id, EVERY, EVERY + _AFTER_ALL))]
    if isinstance(taken, Once):
        reads.append(partial(_before, new, starting_at(taken.first + taken.length)))
    else:
        first = starting_at(taken.first)
        reads += [partial(_before, new, first), partial(_from, new, first)]
    if "last" in head:
        reads.append(partial(_slot, owner_id, head["last"]))
    found = {slot["slot"]: slot for slots in side_by_side(*reads) for slot in slots}
    return clashes(new, found.values())


def _slot(owner_id: str, key: str) -> list[Slot]:
    found = get(setting("CALENDAR_TABLE"), ownerId=owner_id, slot=key)
    return [found] if found else []


def _before(new: Slot, end: str) -> list[Slot]:
    """The single sessions that start before a time and may be in the way; the new one may stand among them itself."""
    owner_id = new["ownerId"]
    nearest = list(_slots(owner_id, ONCE, end, descending=True, limit=_NEIGHBOURS))
    if not clashes(new, nearest):
        return nearest
    return list(_slots(owner_id, ONCE, end, descending=True, limit=_CLASHES_TOLD + 1))


def _from(new: Slot, start: str) -> list[Slot]:
    """The first of the single sessions from a time on that is in the way, and some that come after it."""
    later = _slots(new["ownerId"], start, ONCE + _AFTER_ALL)
    for slot in later:
        if clashes(new, [slot]):
            return [slot, *islice(later, _SINGLES_AFTER_A_CLASH)]
    return []


def _slots(
    owner_id: str, low: str, high: str, *, descending: bool = False, limit: int | None = None
) -> Iterator[Slot]:
    return query(
        setting("CALENDAR_TABLE"),
        ("ownerId", owner_id),
        ("slot", low, high),
        descending=descending,
        limit=limit,
    )


def _told(in_the_way: Sequence[Clash], request: Request) -> list[dict[str, Any]]:
    """What the caller may know of the first ten: when, and, where they may read it, which session."""
    in_the_way = in_the_way[:_CLASHES_TOLD]
    readable = [
        clash.slot for clash in in_the_way if may(request.principal, Action.READ, clash.slot["ownerId"])
    ]
    ids = [slot["sessionId"] for slot in readable]
    names = (
        {found["id"]: found["name"] for found in batch_get(setting("SESSIONS_TABLE"), ids, ["id", "name"])}
        if ids
        else {}
    )
    return [
        {
            **(
                {"sessionId": clash.slot["sessionId"], "name": names.get(clash.slot["sessionId"])}
                if clash.slot in readable
                else {}
            ),
            **clash_times(clash),
        }
        for clash in in_the_way
    ]
