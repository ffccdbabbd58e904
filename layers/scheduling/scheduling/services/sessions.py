"""Use cases of sessions: check permissions, apply the domain's rules, and write."""

from collections.abc import Sequence
from functools import partial

from scheduling.domain import session
from scheduling.domain.conflicts import Conflict, describe_conflict
from scheduling.domain.permissions import Action, Principal, may, require
from scheduling.domain.session import Session, SessionChange
from scheduling.domain.slots import reserve
from scheduling.domain.timeline import Timeline
from scheduling.errors import BadRequest, InvalidTimeline, SchedulingConflict
from scheduling.services.idempotency import find_response, save_response
from scheduling.services.request import Request
from scheduling.services.results import EntityResult
from scheduling.services.retries import RetryState, retry_on_conflict
from scheduling.settings import setting
from scheduling.store import sessions, timelines
from scheduling.store.calendars import MAX_CONFLICTS
from scheduling.store.client import WriteConflict, run_in_parallel
from scheduling.store.transactions import Operation, write


def get(request: Request) -> EntityResult:
    """Return one session."""
    found = sessions.get_existing(request.id)
    require(request.principal, Action.READ, found["ownerId"])
    return EntityResult(found)


@retry_on_conflict
def create(request: Request, state: RetryState) -> EntityResult:
    """Create a session.

    Raises:
        InvalidTimeline: the timeline does not exist.
        SchedulingConflict: the session overlaps another session of the same owner.
    """
    find_timeline = partial(timelines.find, request.fields["timelineId"])
    if request.idempotency:
        timeline, response = run_in_parallel(find_timeline, partial(find_response, request))
        if response:
            return EntityResult(*response)
    else:
        timeline = find_timeline()
    owner = _require_owner(timeline)
    require(request.principal, Action.CHANGE_SESSION, owner)
    new = session.create(request.fields, request.new_id, owner, request.timestamp)
    try:
        save(request, state, [SessionChange(None, new)], *save_response(request, new))
    except SchedulingConflict:
        # The client may have sent this request twice at the same time. Then the other copy may have created the
        # conflicting session.
        if response := find_response(request):
            return response
        raise
    return EntityResult(new)


@retry_on_conflict
def update(request: Request, state: RetryState) -> EntityResult:
    """Update a session.

    A caller who moves the session to another owner also needs the permission to delete sessions of the old owner.

    Raises:
        BadRequest: the changed session breaks a rule.
        InvalidTimeline: the new timeline does not exist.
        SchedulingConflict: the changed session overlaps another session of the same owner.
    """
    before, owner = _get_with_new_owner(request)
    require(request.principal, Action.CHANGE_SESSION, before["ownerId"])
    require(request.principal, Action.CHANGE_SESSION, owner)
    if owner != before["ownerId"]:
        require(request.principal, Action.DELETE_SESSION, before["ownerId"])
    request.check_version(before["version"])
    after = session.update(before, request.fields, owner, request.timestamp)
    if after is before:
        return EntityResult(before)
    if faults := tuple(session.faults(session.view(after), before)):
        raise BadRequest(*faults)
    save(request, state, [SessionChange(before, after)])
    return EntityResult(after)


@retry_on_conflict
def delete(request: Request, state: RetryState) -> EntityResult:
    """Delete a session. From then on, new sessions can use the time of the deleted session."""
    before = sessions.get_existing(request.id)
    require(request.principal, Action.DELETE_SESSION, before["ownerId"])
    request.check_version(before["version"])
    after = session.delete(before, request.timestamp, request.epoch_after(int(setting("RETENTION_DAYS"))))
    save(request, state, [SessionChange(before, after)])
    return EntityResult(after)


@retry_on_conflict
def restore(request: Request, state: RetryState) -> EntityResult:
    """Restore a deleted session that has not expired. Do not change a session that is not deleted.

    Raises:
        InvalidTimeline: the timeline was deleted.
        SchedulingConflict: the session's time is no longer free.
    """
    before = sessions.get_retained(request.id, request.epoch_after(days=0))
    require(request.principal, Action.DELETE_SESSION, before["ownerId"])
    if session.is_live(before):
        return EntityResult(before)
    if timelines.find(before["timelineId"]) is None:
        raise InvalidTimeline
    after = session.restore(before, request.timestamp)
    save(request, state, [SessionChange(before, after)])
    return EntityResult(after)


def save(request: Request, state: RetryState, changes: Sequence[SessionChange], *more: Operation) -> None:
    """Write changed sessions, their slots and their counts in one transaction. In a dry run, only find conflicts.

    Args:
        changes: The changed sessions. All new times must be in the calendar of one owner.
        more: Other writes of the same transaction.

    Raises:
        SchedulingConflict: a changed session overlaps another session of the same owner.
        WriteConflict: another writer changed the same items first, or removed every conflict during the check.
    """
    changes = [*map(reserve, changes)]
    conflicts = state.calendar.find_conflicts(changes)
    if conflicts:
        # Another request may have split or moved the session between the read of the session and the conflict check.
        if not all(sessions.is_current(change.before) for change in changes if change.before):
            raise WriteConflict({}, resent=False)
        raise _build_conflict_error(conflicts, request.principal)
    if request.dry_run:
        return
    write(
        *map(sessions.save, changes),
        *state.calendar.save(changes, state.lost),
        *timelines.count_sessions(changes, state.lost),
        *more,
    )


def _build_conflict_error(conflicts: Sequence[Conflict], principal: Principal) -> SchedulingConflict:
    """Return the error for the conflicts. Show only the times of a session that the caller may not read."""
    details = [
        describe_conflict(conflict, readable=may(principal, Action.READ, conflict.slot["ownerId"]))
        for conflict in conflicts[:MAX_CONFLICTS]
    ]
    return SchedulingConflict(details, has_more=len(conflicts) > MAX_CONFLICTS)


def _get_with_new_owner(request: Request) -> tuple[Session, str]:
    """Return the session before the update, and the id of the session's owner after the update."""
    timeline_id = request.fields.get("timelineId")
    if timeline_id is None:
        before = sessions.get_existing(request.id)
        return before, before["ownerId"]
    before, timeline = run_in_parallel(
        partial(sessions.get_existing, request.id), partial(timelines.find, timeline_id)
    )
    return before, _require_owner(timeline)


def _require_owner(timeline: Timeline | None) -> str:
    if timeline is None:
        raise InvalidTimeline
    return timeline["ownerId"]
