"""Calendars: the slots of an owner, read and written so that no two sessions of the owner ever overlap.

A writer reads the head of the calendar, then the slots that may conflict, and writes in one transaction on condition
that the head still has the version that was read. The head comes first, alone: otherwise a slot written between the
two reads would be missed although the version fits. The head names the slots that the last writes added.

**Why no two sessions overlap.** Assumed: reads of one item never go back in time; transactions are serializable, and
their conditions are checked inside them. Not assumed: that a committed slot is readable as soon as the head is.

1. The head's condition orders all writes that add time to one calendar.
2. When version v+1 commits, its writer has read every slot named at version v. Or a condition check inside the
   transaction has proved that the slot is as it was read: absent, because the slot was deleted. By induction, all
   slots added at versions before v were readable before v+1 committed. So a writer that has read the head at v can
   miss only the slots named at v, and the writer reads those slots separately.
3. A deleted slot that is still readable can only make a writer refuse a session.
4. Of the ONCE slots that start before an instant, as a writer reads them, the last slot to start is also the last to
   end: one neighbour decides. The reason is that the readable slots never overlap each other. If two did, the writer
   of the later slot had not read the earlier slot, so the deletion of the earlier slot was readable before the later
   slot was written. The exception is a session that moves over its own former time, because its writer ignores the
   session's own slots. So the head also names a released slot that starts inside an added slot, and point 2 applies.

A write adds time when a slot is new or has another key or schedule than before. A deletion, another excluded date, and
a new name or description add no time and do not change the version.

**Retries.** The slots that a request found free stay free up to the version that was read. After a write conflict only
the slots that the head has named since are read. If the head names too few changes, everything is read again.
"""

import time
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, combinations, islice
from typing import Any, NamedTuple, cast

from scheduling.domain.conflicts import Conflict, earliest_of_each_session, find_conflicts
from scheduling.domain.recurrence import Once, last_end, occurrences
from scheduling.domain.session import SessionChange
from scheduling.domain.session_counts import count_changes
from scheduling.domain.slots import (
    AFTER_ALL,
    EVERY,
    HEAD,
    ONCE,
    UNTIL,
    Head,
    Reference,
    Slot,
    adds_time,
    ending_after,
    endless_series_near,
    first_start,
    hides,
    length_class,
    parse_reference,
    reference_text,
    reserves_same_time,
    slot,
    slot_schedule,
    starting_at,
)
from scheduling.errors import DecisionTooLong
from scheduling.settings import setting
from scheduling.store.client import ItemKey, run_in_parallel
from scheduling.store.queries import get, query
from scheduling.store.transactions import (
    Operation,
    check,
    counter_clauses,
    delete,
    item_key,
    put,
    update,
)

MAX_CONFLICTS = 10
"""How many conflicts a request looks for. One more is read, to know whether there are more."""
_NAMED_CHANGES = 8
"""How many changes the head names: as many as fit in its first kilobyte."""
_SLOTS_A_PAGE = 400
"""The largest number of ONCE slots that a new series reads without leaping."""
_SLOTS_A_LEAP = 20
"""The number of slots whose reading costs about as much as a query for one occurrence."""
_LEAPS_AT_ONCE = 64
_DECISIVE = ("slot", "sessionId", "startDateTime", "endDateTime")
"""The attributes of a ONCE slot that a decision needs."""


class _SlotChange(NamedTuple):
    """The slots of a session before and after a change."""

    old: Slot | None
    new: Slot | None

    @property
    def adds_time(self) -> bool:
        """Return whether other sessions must be checked."""
        return self.new is not None and adds_time(self.old, self.new)

    @property
    def releases_time(self) -> bool:
        """Return whether the old slot is deleted."""
        return self.old is not None and (self.new is None or _key(self.old) != _key(self.new))


class Calendar:
    """The calendar in which a request reserves time. Survives the retries of the request, with what it has read."""

    def __init__(self, deadline: float = float("inf")) -> None:
        """Make the calendar of a request that must decide before `time.monotonic()` passes the deadline."""
        self._deadline = deadline
        self._owner_id = ""
        self._head: Head = {}
        self._free: list[Slot] = []
        """The new slots that nothing conflicts with, up to the version of the head."""
        self._unseen: dict[Reference, Slot | None] = {}
        """The slots that the head names and that are not readable, each as it was read."""

    def find_conflicts(self, changes: Sequence[SessionChange]) -> list[Conflict]:
        """Return the conflicts of a change of several sessions, one for each session that is in the way.

        Args:
            changes: Sessions whose new time lies in one calendar. Their former time counts as free.

        Raises:
            DecisionTooLong: the deadline came before all slots were compared.
        """
        slots = _slot_changes(changes)
        new = [change.new for change in slots if change.new and change.adds_time]
        if not new:
            return []
        changing = {found["sessionId"] for change in slots for found in change if found}
        found = self._read(new, changing)
        conflicts = [
            conflict
            for each in new
            for conflict in find_conflicts(each, _until(self._deadline, found), changing)
        ]
        for one, other in combinations([change.new for change in slots if change.new], 2):
            conflicts += find_conflicts(one, [other])
        if not conflicts:
            self._free = new
        earliest = earliest_of_each_session(conflicts)[: MAX_CONFLICTS + 1]
        return run_in_parallel(*(partial(self._complete, conflict) for conflict in earliest))

    def save(self, changes: Sequence[SessionChange], lost: Container[ItemKey] = ()) -> list[Operation]:
        """Build the writes of the slots and the heads that belong to a change of sessions.

        Args:
            changes: The sessions, after `find_conflicts` found none for them.
            lost: Items that do not exist; the counts of a lost head are left out.
        """
        slots = _slot_changes(changes)
        operations = []
        for change in slots:
            if change.old and change.releases_time:
                operations.append(delete(setting("CALENDAR_TABLE"), _key(change.old)))
            if change.new and not _same_content(change.old, change.new):
                operations.append(put(setting("CALENDAR_TABLE"), change.new))
        added = [change.new for change in slots if change.new and change.adds_time]
        written = {found["slot"] for change in slots for found in change if found}
        counts = count_changes(changes, lambda session: session["ownerId"])
        if added:
            operations += [_check_unseen(self._owner_id, *unseen) for unseen in self._guards(written)]
            released = [change.old for change in slots if change.old and change.releases_time]
            named = [
                *(Reference(each["slot"], each["version"]) for each in added),
                *(
                    Reference(each["slot"], each["version"] + 1, released=True)
                    for each in released
                    if any(hides(each, other) for other in added)
                ),
            ]
            classes = {found for each in added if (found := length_class(each))}
            operations.append(self._move_head(named, classes, counts.pop(self._owner_id, {})))
        for owner_id, steps in counts.items():
            operation = _count(owner_id, steps)
            if item_key(operation) not in lost:
                operations.append(operation)
        return operations

    def _read(self, new: Sequence[Slot], changing: Collection[str]) -> list[Slot]:
        """Return the slots that may conflict with new slots and that this request has not found harmless before.

        Args:
            new: The slots that need free time.
            changing: The ids of the sessions whose present slots do not matter, because the request replaces them.
        """
        owner_id, checked = new[0]["ownerId"], self._head.get("version", 0)
        known = owner_id == self._owner_id and _same_times(self._free, new)
        self._owner_id = owner_id
        self._head, self._free = read_head(owner_id), []
        named = self._head.get("changes", [])
        missed = self._head.get("version", 0) - checked
        reads: list[Callable[[], list[Slot]]] = []
        if known and 0 <= missed <= len(named):
            references = [*self._unseen, *_references(named[len(named) - missed :])]
        else:
            references = _references(named[-1:])
            reads = [read for each in new for read in self._reads(each, changing)]
        exact = [partial(_read_exactly, owner_id, each.key) for each in references]
        results = run_in_parallel(*exact, *reads)
        seen = dict(zip(references, results, strict=False))
        self._unseen = {}
        for each in _references(named[-1:]):
            found = next(iter(seen.get(each, ())), None)
            if each in seen and not each.is_readable_in(found):
                self._unseen[each] = found
        return list({found["slot"]: found for slots in results for found in slots}.values())

    def _reads(self, new: Slot, changing: Collection[str]) -> Iterator[Callable[[], list[Slot]]]:
        """Return the reads that find the slots that may conflict with a new slot."""
        owner_id, start = new["ownerId"], first_start(new)
        yield partial(_read_range, owner_id, *ending_after(start))
        for keys in endless_series_near(new, self._head.get("lengthClasses", [])):
            yield partial(_read_range, owner_id, *keys)
        if isinstance(slot_schedule(new), Once):
            yield partial(_read_once_slots_for_occurrence, new, changing)
        else:
            one_time_sessions = self._head.get("sessionCounts", {}).get("ONE_TIME", 0)
            yield partial(_read_once_slots_for_series, new, changing, one_time_sessions, self._deadline)

    def _complete(self, conflict: Conflict) -> Conflict:
        """Return the conflict with all attributes of its slot, of which a decision may have read some."""
        if "name" in conflict.slot:
            return conflict
        found = _read_exactly(self._owner_id, conflict.slot["slot"])
        return conflict._replace(slot=found[0]) if found else conflict

    def _guards(self, written: Container[str]) -> Iterator[tuple[Reference, Slot | None]]:
        """Return the unseen slots that the transaction must prove to be as they were read.

        A slot that the transaction writes needs no check, because the condition on its session is a check.
        """
        for named, found in self._unseen.items():
            if named.key not in written:
                yield named, found

    def _move_head(self, named: Sequence[Reference], classes: set[int], steps: dict[str, int]) -> Operation:
        """Build the write that gives the head its next version and names the changed slots."""
        head = self._head
        version, known_classes = head.get("version"), set(head.get("lengthClasses", []))
        changes = [*head.get("changes", []), [*map(reference_text, named)]]
        values: dict[str, Any] = {"next": (version or 0) + 1, "changes": changes[-_NAMED_CHANGES:]}
        clauses = ["#version = :next", "#changes = :changes"]
        if classes - known_classes:
            clauses.append("#lengthClasses = :classes")
            values["classes"] = sorted(classes | known_classes)
        if steps and "sessionCounts" in head:
            clauses.append(counter_clauses("sessionCounts", steps))
            values |= {"zero": 0, **steps}
        elif steps:
            clauses.append("#sessionCounts = :counts")
            values["counts"] = steps
        condition = "attribute_not_exists(#version)" if version is None else "#version = :version"
        values |= {} if version is None else {"version": version}
        return update(
            setting("CALENDAR_TABLE"),
            _head_key(self._owner_id),
            "SET " + ", ".join(clauses),
            condition,
            **values,
        )


def count_timeline(owner_id: str, step: int, lost: Container[ItemKey] = ()) -> list[Operation]:
    """Build the change of an owner's count of timelines. The first timeline of an owner makes the head."""
    table, key = setting("CALENDAR_TABLE"), _head_key(owner_id)
    if step > 0:
        made = (
            "SET #version = if_not_exists(#version, :zero), "
            "#sessionCounts = if_not_exists(#sessionCounts, :none) ADD #timelineCount :step"
        )
        return [update(table, key, made, zero=0, none={}, step=step)]
    operation = update(table, key, "ADD #timelineCount :step", "attribute_exists(#timelineCount)", step=step)
    return [] if item_key(operation) in lost else [operation]


def _count(owner_id: str, steps: dict[str, int]) -> Operation:
    """Build the change of an owner's counts of sessions in a write that adds no time to the owner's calendar."""
    return update(
        setting("CALENDAR_TABLE"),
        _head_key(owner_id),
        f"SET {counter_clauses('sessionCounts', steps)}",
        "attribute_exists(#sessionCounts)",
        zero=0,
        **steps,
    )


def _until(deadline: float, slots: Iterable[Slot]) -> Iterator[Slot]:
    """Return the slots one by one. Raise DecisionTooLong once the deadline has passed.

    A pair of series may take milliseconds, so a calendar that was filled on purpose could take minutes.
    """
    for each in slots:
        if time.monotonic() > deadline:
            raise DecisionTooLong
        yield each


def _slot_changes(changes: Sequence[SessionChange]) -> list[_SlotChange]:
    return [_SlotChange(slot(before) if before else None, slot(after)) for before, after in changes]


def _same_content(old: Slot | None, new: Slot) -> bool:
    """Return whether the stored slot can stay as it is; its version may be behind the session's."""
    return old is not None and {**old, "version": 0} == {**new, "version": 0}


def _same_times(some: Sequence[Slot], others: Sequence[Slot]) -> bool:
    return len(some) == len(others) and all(map(reserves_same_time, some, others))


def _references(changes: Sequence[Sequence[str]]) -> list[Reference]:
    return [parse_reference(text) for change in changes for text in change]


def _key(slot: Slot) -> dict[str, str]:
    return {"ownerId": slot["ownerId"], "slot": slot["slot"]}


def _head_key(owner_id: str) -> dict[str, str]:
    return {"ownerId": owner_id, "slot": HEAD}


def _check_unseen(owner_id: str, reference: Reference, found: Slot | None) -> Operation:
    """Build the condition that a slot is as it was read, which shows whether the change that the head names is over."""
    table, key = setting("CALENDAR_TABLE"), {"ownerId": owner_id, "slot": reference.key}
    if found is None:
        return check(table, key, "attribute_not_exists(#slot)")
    return check(table, key, "#version = :version", version=found["version"])


def read_head(owner_id: str) -> Head:
    """Return the head of an owner's calendar; empty if there is none."""
    return cast(Head, get(setting("CALENDAR_TABLE"), ownerId=owner_id, slot=HEAD) or {})


def totals(owner_id: str) -> tuple[dict[str, int], int]:
    """Return how many sessions of each type an owner has, and how many timelines."""
    head = read_head(owner_id)
    return head.get("sessionCounts", {}), head.get("timelineCount", 0)


def read_series(owner_id: str) -> list[Slot]:
    """Return the slots of all series of an owner. The reads are eventually consistent."""
    read = partial(_read_range, owner_id, consistent=False)
    found = run_in_parallel(
        partial(read, EVERY, EVERY + AFTER_ALL),
        partial(read, UNTIL, UNTIL + AFTER_ALL),
    )
    return list(chain.from_iterable(found))


def read_window(owner_ids: Iterable[str], start: int, end: int) -> list[Slot]:
    """Return the slots of calendars that may have an occurrence in a window of time.

    The slots are all endless series, the series that end after the window's start, the ONCE slots that start in the
    window, and the last ONCE slot before: of the earlier ones only this slot may still run. So nothing that is over is
    read. The reads are eventually consistent.
    """
    reads: list[Callable[[], list[Slot]]] = []
    for owner_id in owner_ids:
        read = partial(_read_range, owner_id, consistent=False)
        reads += [
            partial(read, EVERY, EVERY + AFTER_ALL),
            partial(read, *ending_after(start)),
            partial(read, starting_at(start), starting_at(end)),
            partial(read, ONCE, starting_at(start), descending=True, limit=1),
        ]
    return list(chain.from_iterable(run_in_parallel(*reads)))


def _read_range(owner_id: str, low: str, high: str, **options: Any) -> list[Slot]:
    return list(_query(owner_id, low, high, **options))


def _query(owner_id: str, low: str, high: str, **options: Any) -> Iterator[Slot]:
    found = query(setting("CALENDAR_TABLE"), ("ownerId", owner_id), ("slot", low, high), **options)
    return cast(Iterator[Slot], found)


def _read_exactly(owner_id: str, key: str) -> list[Slot]:
    return _read_range(owner_id, key, key)


def _read_last_before(owner_id: str, instant: int, changing: Collection[str]) -> list[Slot]:
    """Return the last ONCE slots that start before an instant, the last one first.

    The last one decides. The slots of the changing sessions do not count and may stand before it.
    """
    limit = len(changing) + 1
    return list(_query(owner_id, ONCE, starting_at(instant), descending=True, limit=limit))


def _read_once_slots_for_occurrence(new: Slot, changing: Collection[str]) -> list[Slot]:
    """Return the ONCE slots that may conflict with a slot of one occurrence: the first few, if there are many."""
    owner_id, start = new["ownerId"], first_start(new)
    end = last_end(slot_schedule(new)) or start
    nearest = _read_last_before(owner_id, end, changing)
    if not any(find_conflicts(new, nearest, changing)):
        return nearest
    limit = len(changing) + MAX_CONFLICTS + 1
    later = _query(owner_id, starting_at(start), starting_at(end), limit=limit)
    return [*_read_last_before(owner_id, start, changing), *later]


def _read_once_slots_for_series(
    new: Slot, changing: Collection[str], one_time_sessions: int, deadline: float
) -> list[Slot]:
    """Return the ONCE slots that may conflict with a series.

    Reading all later slots costs units by their number. Leaping from occurrence to occurrence costs by the number of
    occurrences up to the last slot. The function chooses the cheaper way.
    """
    if one_time_sessions > _SLOTS_A_PAGE:
        ends = _ends_up_to_last_slot(new, one_time_sessions // _SLOTS_A_LEAP)
        if ends is not None:
            return _leap(new, changing, ends)
    return _read_later_slots(new, changing, deadline)


def _ends_up_to_last_slot(new: Slot, limit: int) -> list[int] | None:
    """Return the ends of the occurrences of a series up to the last ONCE slot; None if they are more than `limit`."""
    last = list(_query(new["ownerId"], ONCE, ONCE + AFTER_ALL, descending=True, limit=1))
    start = first_start(new)
    end = last_end(slot_schedule(last[0])) if last else None
    ends = [each.end for each in islice(occurrences(slot_schedule(new), start, end or start), limit + 1)]
    return ends if len(ends) <= limit else None


def _leap(new: Slot, changing: Collection[str], ends: Sequence[int]) -> list[Slot]:
    """Return the neighbours of the occurrences of a series that end at these instants."""
    found: list[Slot] = []
    for first in range(0, len(ends), _LEAPS_AT_ONCE):
        some = ends[first : first + _LEAPS_AT_ONCE]
        reads = [partial(_read_last_before, new["ownerId"], end, changing) for end in some]
        found += [slot for slots in run_in_parallel(*reads) for slot in slots]
        if len(earliest_of_each_session(find_conflicts(new, found, changing))) > MAX_CONFLICTS:
            break
    return found


def _read_later_slots(new: Slot, changing: Collection[str], deadline: float) -> list[Slot]:
    """Return the first few ONCE slots that conflict with a series, found by reading all from its start on."""
    owner_id, start = new["ownerId"], first_start(new)
    end = last_end(slot_schedule(new))
    high = ONCE + AFTER_ALL if end is None else starting_at(end)
    slots = chain(
        _read_last_before(owner_id, start, changing),
        _query(owner_id, starting_at(start), high, fields=_DECISIVE),
    )
    conflicts = find_conflicts(new, _until(deadline, slots), changing)
    return [conflict.slot for conflict in islice(conflicts, MAX_CONFLICTS + 1)]
