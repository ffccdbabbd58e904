"""Calendars: the slots of an owner, read and written so that no two sessions of the owner ever overlap.

A writer reads the head of the calendar, and then the slots that may conflict. Then the writer writes one transaction,
on condition that the version of the head has not changed. The head names the slots that the last writes added. A writer
never reads the head in parallel with the slots. Otherwise another writer could add a slot after the writer's read of
the slots, but before the writer's read of the head. Then the writer would miss that slot, and the writer's condition on
the head would still hold.

**Why no two sessions overlap.** The proof has three assumptions. A read never returns an older state of an item than an
earlier read. Transactions, with their conditions, are serializable. The rules of time zones do not change. (After
a change, `tools/overlaps.py` lists the overlaps.) The proof does not assume that the head and the slots of a
transaction become readable at the same time.

1. Every write that adds time to a calendar has the condition on the head, and increases the version. So each version
   above 0 comes from exactly one such write.
2. When version v+1 commits, its writer has read every slot that the head names for version v. If a read did not
   return such a slot, a condition check in the transaction has proved that the slot was deleted. A slot that the
   transaction itself writes needs no check (see `_find_unseen`). By induction, all slots added up to version v were
   readable before version v+1 committed. So a writer that reads the head at version v can miss only the slots that the
   head names for version v. The writer reads those slots by their keys.
3. A deleted slot that is still readable can cause an unnecessary 409, but no overlap.
4. Of the ONCE slots that start before an instant, a writer needs only the last slot. This slot also ends last, because
   readable slots never overlap. To prove this, suppose that two readable slots overlap. The writer of the newer slot
   found no conflict, so it did not read the older slot. By point 2, the older slot had been deleted, and a read showed
   the deletion before the newer slot was written. Then no later read returns both slots.
   The exception is a new slot that overlaps an old slot of the same request, because the writer ignores these old
   slots. So the head also names a released ONCE slot that starts inside an added ONCE slot. If a read still returns the
   released slot, the condition check on the slot fails. So before version v+1 commits, its writer has read that the
   released slots named for version v are deleted.

A write adds time if a slot is new, or has another owner, key or schedule than before. Additional excluded dates do not
count as another schedule. So a write that only deletes a session, excludes another date, or changes a name or
description adds no time. Such a write does not change the version.

**Retries.** If a request found its new times free at version v, a later attempt needs to check only the changes after
v. After a write conflict, the request reads only the slots of these changes, and named slots that earlier reads missed.
If the head no longer names all of these changes, or the new times are other times, the request repeats all reads.
"""

import time
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, combinations, islice
from typing import Any, NamedTuple, cast

from scheduling.domain.conflicts import Conflict, find_conflicts, keep_earliest_of_each_session
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
from scheduling.store.client import ItemKey, WriteConflict, run_in_parallel
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
"""The largest number of conflicts in a response. A conflict check returns at most one more conflict than this number.
With this additional conflict, the response has `hasMore`."""
_NAMED_CHANGES = 8
"""The number of latest versions whose slots the head names. With more versions, the head could exceed 1 KB, the size of
one write unit."""
_MOST_SLOTS_TO_READ = 400
"""If an owner has at most this number of ONE_TIME sessions, the check of a new series reads the ONCE slots between
the start and the end of the series. The check stops after `MAX_CONFLICTS` + 1 conflicts."""
_SLOTS_A_QUERY = 20
"""Reading this number of slots costs about as much as one query for the slots near an occurrence."""
_QUERIES_AT_ONCE = 64
_DECISIVE_FIELDS = ("slot", "sessionId", "startDateTime", "endDateTime")
"""The attributes of a ONCE slot that a conflict check needs."""


class _SlotChange(NamedTuple):
    """The slots of a session before and after a change."""

    old: Slot | None
    new: Slot | None

    @property
    def adds_time(self) -> bool:
        """Return whether the new slot needs a check for conflicts."""
        return self.new is not None and adds_time(self.old, self.new)

    @property
    def releases_time(self) -> bool:
        """Return whether the old slot is deleted."""
        return self.old is not None and (self.new is None or _build_key(self.old) != _build_key(self.new))


class Calendar:
    """The calendar in which a request reserves time. The object keeps the results of reads for later attempts."""

    def __init__(self, deadline: float = float("inf")) -> None:
        """Create the object. Conflict checks must end before `time.monotonic()` passes the deadline."""
        self._deadline = deadline
        self._owner_id = ""
        self._head: Head = {}
        self._free: list[Slot] = []
        """The new slots for which the last check found no conflict. The check covered all changes up to the head's
        version."""
        self._unseen: dict[Reference, Slot | None] = {}
        """The slots that the head names, but whose change a read did not return yet, each with the result of the
        read."""

    def find_conflicts(self, changes: Sequence[SessionChange]) -> list[Conflict]:
        """Return the earliest conflict with each session that overlaps the changed sessions.

        Return at most `MAX_CONFLICTS` + 1 conflicts. If another writer deletes or moves a conflicting session during
        the check, the result may lack this session.

        Args:
            changes: The changed sessions. All new times must be in one calendar. The old times of these sessions count
                as free.

        Raises:
            DecisionTooLong: the deadline passed before all slots were compared.
            WriteConflict: other writers have deleted or moved all conflicting sessions during the check.
        """
        slots = _build_slot_changes(changes)
        new = [change.new for change in slots if change.new and change.adds_time]
        if not new:
            return []
        changing = {found["sessionId"] for change in slots for found in change if found}
        found = self._read_slots(new, changing)
        conflicts = [
            conflict
            for each in new
            for conflict in find_conflicts(each, _stop_at_deadline(self._deadline, found), changing)
        ]
        for one, other in combinations([change.new for change in slots if change.new], 2):
            conflicts += find_conflicts(one, [other])
        if not conflicts:
            self._free = new
            return []
        earliest = keep_earliest_of_each_session(conflicts)[: MAX_CONFLICTS + 1]
        found_again = run_in_parallel(*(partial(self._complete_conflict, conflict) for conflict in earliest))
        completed = [conflict for conflict in found_again if conflict]
        if not completed:
            raise WriteConflict({}, resent=False)
        return completed

    def save(self, changes: Sequence[SessionChange], lost: Container[ItemKey] = ()) -> list[Operation]:
        """Build the writes of slots and heads for changed sessions.

        Args:
            changes: The changes. `find_conflicts` must have found no conflict for the same changes before.
            lost: The keys of items that do not exist. The counts of a missing head are not updated.
        """
        slots = _build_slot_changes(changes)
        operations = []
        for change in slots:
            if change.old and change.releases_time:
                operations.append(delete(setting("CALENDAR_TABLE"), _build_key(change.old)))
            if change.new and not _has_same_content(change.old, change.new):
                operations.append(put(setting("CALENDAR_TABLE"), change.new))
        added = [change.new for change in slots if change.new and change.adds_time]
        written = {found["slot"] for change in slots for found in change if found}
        counts = count_changes(changes, lambda session: session["ownerId"])
        if added:
            operations += [_check_unseen(self._owner_id, *unseen) for unseen in self._find_unseen(written)]
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
            operations.append(self._build_head_update(named, classes, counts.pop(self._owner_id, {})))
        for owner_id, steps in counts.items():
            operation = _build_count_update(owner_id, steps)
            if item_key(operation) not in lost:
                operations.append(operation)
        return operations

    def _read_slots(self, new: Sequence[Slot], changing: Collection[str]) -> list[Slot]:
        """Return the slots that may conflict with new slots, except slots that an earlier attempt has checked.

        Args:
            new: The slots that need free time.
            changing: The ids of the sessions that the request changes. Their old slots never conflict.
        """
        owner_id, checked = new[0]["ownerId"], self._head.get("version", 0)
        known = owner_id == self._owner_id and _have_same_times(self._free, new)
        self._owner_id = owner_id
        self._head, self._free = read_head(owner_id), []
        named = self._head.get("changes", [])
        missed = self._head.get("version", 0) - checked
        reads: list[Callable[[], list[Slot]]] = []
        if known and 0 <= missed <= len(named):
            references = [*self._unseen, *_parse_references(named[len(named) - missed :])]
        else:
            references = _parse_references(named[-1:])
            reads = [read for each in new for read in self._plan_reads(each, changing)]
        exact = [partial(_read_slot, owner_id, each.key) for each in references]
        results = run_in_parallel(*exact, *reads)
        seen = dict(zip(references, results, strict=False))
        self._unseen = {}
        for each in _parse_references(named[-1:]):
            found = next(iter(seen.get(each, ())), None)
            if each in seen and not each.is_readable_in(found):
                self._unseen[each] = found
        return list({found["slot"]: found for slots in results for found in slots}.values())

    def _plan_reads(self, new: Slot, changing: Collection[str]) -> Iterator[Callable[[], list[Slot]]]:
        """Yield the reads that find the slots that may conflict with a new slot."""
        owner_id, start = new["ownerId"], first_start(new)
        yield partial(_read_range, owner_id, *ending_after(start))
        for keys in endless_series_near(new, self._head.get("lengthClasses", [])):
            yield partial(_read_range, owner_id, *keys)
        if isinstance(slot_schedule(new), Once):
            yield partial(_read_once_slots_for_occurrence, new, changing)
        else:
            one_time_sessions = self._head.get("sessionCounts", {}).get("ONE_TIME", 0)
            yield partial(_read_once_slots_for_series, new, changing, one_time_sessions, self._deadline)

    def _complete_conflict(self, conflict: Conflict) -> Conflict | None:
        """Return the conflict with all attributes of its slot. Return None if the slot no longer exists.

        For a new series, the check has read only `_DECISIVE_FIELDS` of ONCE slots.
        """
        if "name" in conflict.slot:
            return conflict
        found = _read_slot(self._owner_id, conflict.slot["slot"])
        return conflict._replace(slot=found[0]) if found else None

    def _find_unseen(self, written: Container[str]) -> Iterator[tuple[Reference, Slot | None]]:
        """Yield the slots of `_unseen` that the transaction must check, each with the result of its read.

        A slot that the transaction writes needs no check, because the transaction also writes the slot's session, on
        condition that the session has not changed.
        """
        for named, found in self._unseen.items():
            if named.key not in written:
                yield named, found

    def _build_head_update(
        self, named: Sequence[Reference], classes: set[int], steps: dict[str, int]
    ) -> Operation:
        """Build the write that increases the version of the head and adds references to the changed slots."""
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
            _build_head_key(self._owner_id),
            "SET " + ", ".join(clauses),
            condition,
            **values,
        )


def count_timeline(owner_id: str, step: int, lost: Container[ItemKey] = ()) -> list[Operation]:
    """Build the update of an owner's number of timelines. The first timeline of an owner creates the head."""
    table, key = setting("CALENDAR_TABLE"), _build_head_key(owner_id)
    if step > 0:
        made = (
            "SET #version = if_not_exists(#version, :zero), "
            "#sessionCounts = if_not_exists(#sessionCounts, :none) ADD #timelineCount :step"
        )
        return [update(table, key, made, zero=0, none={}, step=step)]
    operation = update(table, key, "ADD #timelineCount :step", "attribute_exists(#timelineCount)", step=step)
    return [] if item_key(operation) in lost else [operation]


def _build_count_update(owner_id: str, steps: dict[str, int]) -> Operation:
    """Build the update of an owner's session counts, for a write that adds no time to the owner's calendar."""
    return update(
        setting("CALENDAR_TABLE"),
        _build_head_key(owner_id),
        f"SET {counter_clauses('sessionCounts', steps)}",
        "attribute_exists(#sessionCounts)",
        zero=0,
        **steps,
    )


def _stop_at_deadline(deadline: float, slots: Iterable[Slot]) -> Iterator[Slot]:
    """Yield the slots. Raise DecisionTooLong after the deadline.

    The slowest comparison of two series takes tens of milliseconds. So a comparison with thousands of series could take
    minutes.
    """
    for each in slots:
        if time.monotonic() > deadline:
            raise DecisionTooLong
        yield each


def _build_slot_changes(changes: Sequence[SessionChange]) -> list[_SlotChange]:
    return [_SlotChange(slot(before) if before else None, slot(after)) for before, after in changes]


def _has_same_content(old: Slot | None, new: Slot) -> bool:
    """Return whether two slots are equal, except for their version. Then the stored slot needs no write."""
    return old is not None and {**old, "version": 0} == {**new, "version": 0}


def _have_same_times(some: Sequence[Slot], others: Sequence[Slot]) -> bool:
    return len(some) == len(others) and all(map(reserves_same_time, some, others))


def _parse_references(changes: Sequence[Sequence[str]]) -> list[Reference]:
    return [parse_reference(text) for change in changes for text in change]


def _build_key(slot: Slot) -> dict[str, str]:
    return {"ownerId": slot["ownerId"], "slot": slot["slot"]}


def _build_head_key(owner_id: str) -> dict[str, str]:
    return {"ownerId": owner_id, "slot": HEAD}


def _check_unseen(owner_id: str, reference: Reference, found: Slot | None) -> Operation:
    """Build the check that a stored slot equals the result of its read. The check fails if the read was outdated."""
    table, key = setting("CALENDAR_TABLE"), {"ownerId": owner_id, "slot": reference.key}
    if found is None:
        return check(table, key, "attribute_not_exists(#slot)")
    return check(table, key, "#version = :version", version=found["version"])


def read_head(owner_id: str) -> Head:
    """Return the head of an owner's calendar, or an empty mapping if the calendar has no head."""
    return cast(Head, get(setting("CALENDAR_TABLE"), ownerId=owner_id, slot=HEAD) or {})


def totals(owner_id: str) -> tuple[dict[str, int], int]:
    """Return the number of an owner's sessions by type, and the number of the owner's timelines."""
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
    """Return the slots of calendars that may have an occurrence in a time window.

    The result has all endless series, and the series that end after the start of the window. The result also has the
    ONCE slots that start in the window, and the last ONCE slot that starts before the window. All earlier ONCE slots
    have ended when that last slot starts, because slots never overlap. The reads are eventually consistent.
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


def _read_slot(owner_id: str, key: str) -> list[Slot]:
    return _read_range(owner_id, key, key)


def _read_last_before(owner_id: str, instant: int, changing: Collection[str]) -> list[Slot]:
    """Return the last ONCE slots that start before an instant, latest first.

    A check needs only the latest slot of a session that the request does not change. Each session that the request
    changes has at most one slot. So the function reads one slot more than the number of these sessions.
    """
    limit = len(changing) + 1
    return list(_query(owner_id, ONCE, starting_at(instant), descending=True, limit=limit))


def _read_once_slots_for_occurrence(new: Slot, changing: Collection[str]) -> list[Slot]:
    """Return the ONCE slots that may conflict with a slot of one occurrence.

    If there are many such slots, return only the earliest.
    """
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

    The function does the cheaper of the following:
    - read all ONCE slots from the start to the end of the series
    - send one query for each occurrence that starts before the calendar's last ONCE slot ends
    """
    if one_time_sessions > _MOST_SLOTS_TO_READ:
        ends = _find_ends(new, one_time_sessions // _SLOTS_A_QUERY)
        if ends is not None:
            return _read_slots_before_ends(new, changing, ends)
    return _read_later_slots(new, changing, deadline)


def _find_ends(new: Slot, limit: int) -> list[int] | None:
    """Return the ends of the occurrences of a series that start before the calendar's last ONCE slot ends.

    Return None if there are more than `limit` such occurrences.
    """
    last = list(_query(new["ownerId"], ONCE, ONCE + AFTER_ALL, descending=True, limit=1))
    start = first_start(new)
    end = last_end(slot_schedule(last[0])) if last else None
    ends = [each.end for each in islice(occurrences(slot_schedule(new), start, end or start), limit + 1)]
    return ends if len(ends) <= limit else None


def _read_slots_before_ends(new: Slot, changing: Collection[str], ends: Sequence[int]) -> list[Slot]:
    """Return, for each occurrence of a series, the last ONCE slots that start before the end of the occurrence.

    Stop when the slots of more than `MAX_CONFLICTS` sessions conflict with the series.

    Args:
        new: the slot of the series.
        changing: the ids of the sessions that the request changes.
        ends: the ends of the occurrences.
    """
    found: list[Slot] = []
    for first in range(0, len(ends), _QUERIES_AT_ONCE):
        some = ends[first : first + _QUERIES_AT_ONCE]
        reads = [partial(_read_last_before, new["ownerId"], end, changing) for end in some]
        found += [slot for slots in run_in_parallel(*reads) for slot in slots]
        if len(keep_earliest_of_each_session(find_conflicts(new, found, changing))) > MAX_CONFLICTS:
            break
    return found


def _read_later_slots(new: Slot, changing: Collection[str], deadline: float) -> list[Slot]:
    """Return the first ONCE slots that conflict with a series.

    The function reads the ONCE slots between the start and the end of the series, and the last ONCE slots before its
    start.
    """
    owner_id, start = new["ownerId"], first_start(new)
    end = last_end(slot_schedule(new))
    high = ONCE + AFTER_ALL if end is None else starting_at(end)
    slots = chain(
        _read_last_before(owner_id, start, changing),
        _query(owner_id, starting_at(start), high, fields=_DECISIVE_FIELDS),
    )
    conflicts = find_conflicts(new, _stop_at_deadline(deadline, slots), changing)
    return [conflict.slot for conflict in islice(conflicts, MAX_CONFLICTS + 1)]
