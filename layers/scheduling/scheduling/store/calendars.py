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

from scheduling.domain import conflicts
from scheduling.domain.conflicts import EVERY, HEAD, ONCE, Clash, Slot, clash_times, clashes, starting_at
from scheduling.domain.permissions import Action, may
from scheduling.domain.recurrence import Once, occupied
from scheduling.domain.session import Session
from scheduling.errors import SchedulingConflict
from scheduling.services.request import Request
from scheduling.settings import setting
from scheduling.store.client import run_in_parallel
from scheduling.store.items import Item
from scheduling.store.queries import batch_get, get, query
from scheduling.store.timelines import TOTALS
from scheduling.store.transactions import delete, put, update

_NEIGHBOURS = 2
"""Of single sessions that start before a time the last decides; the session itself may be that one."""
_CLASHES_TOLD = 10
_SINGLES_AFTER_A_CLASH = 100
_AFTER_ALL = "~"


def reserve(before: Session | None, after: Session, request: Request) -> list[Item]:
    """What a transaction must write into calendars for a session to take its time, and to give up its former.

    Raises:
        SchedulingConflict: the time is taken.
    """
    old, new = conflicts.slot(before) if before else None, conflicts.slot(after)
    if new is None or new == old:
        return release(old) if new is None else []
    table, head_key = setting("CALENDAR_TABLE"), {"ownerId": new["ownerId"], "slot": HEAD}
    head = get(table, **head_key) or {"version": 0}
    in_the_way = _in_the_way(new, head)
    if in_the_way:
        raise SchedulingConflict(_describe_conflicts(in_the_way, request))
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
        *([] if replaced else release(old)),
    ]


def release(slot: Slot | None) -> list[Item]:
    return [delete(setting("CALENDAR_TABLE"), **_key(slot))] if slot else []


def totals(owner_id: str) -> Item:
    """Return how many sessions of each type an owner has (`sessionCounts`), and how many timelines."""
    found = get(setting("CALENDAR_TABLE"), consistent=False, ownerId=owner_id, slot=TOTALS) or {}
    counts = {kind: found.get(kind, 0) for kind in ("ONE_TIME", "RECURRING")}
    return {"sessionCounts": counts, "timelineCount": found.get("timelineCount", 0)}


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
    found = {slot["slot"]: slot for slots in run_in_parallel(*reads) for slot in slots}
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


def _describe_conflicts(in_the_way: Sequence[Clash], request: Request) -> list[dict[str, Any]]:
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
