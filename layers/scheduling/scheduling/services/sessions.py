"""Use cases of sessions: authorize, decide, store."""

from functools import partial

from scheduling.domain import conflicts, session
from scheduling.domain.permissions import Action, require
from scheduling.domain.session import Session
from scheduling.domain.timeline import Timeline
from scheduling.errors import BadRequest, InvalidTimeline, SchedulingConflict
from scheduling.services.request import Request
from scheduling.services.results import One
from scheduling.settings import setting
from scheduling.store import calendars, sessions, timelines
from scheduling.store.client import run_in_parallel
from scheduling.store.idempotency import recall, remember
from scheduling.store.transactions import retry_until_settled, write


def get(request: Request) -> One:
    """Return one session."""
    found = sessions.get_existing(request.id)
    require(request.principal, Action.READ, found["ownerId"])
    return One(found)


def create(request: Request) -> One:
    """A new session.

    Raises:
        InvalidTimeline: there is no such timeline.
        SchedulingConflict: its time is taken.
    """

    def decide() -> One:
        find = partial(timelines.find, request.fields["timelineId"])
        if request.idempotency:
            timeline, earlier = run_in_parallel(find, partial(recall, request))
            if isinstance(earlier, One):
                return earlier
        else:
            timeline = find()
        owner = _owner(timeline)
        require(request.principal, Action.CHANGE_SESSION, owner)
        new = session.create(request.fields, request.new_id, owner, request.timestamp)
        try:
            taken = calendars.reserve(None, new, request)
        except SchedulingConflict:
            # What is in the way may be the effect of the same request, sent twice at once.
            if earlier := recall(request):
                return earlier
            raise
        write(
            sessions.insert(new),
            *taken,
            *timelines.counted(None, new),
            *remember(request, new),
        )
        return One(new)

    return retry_until_settled(decide)


def update(request: Request) -> One:
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
        write(
            sessions.replace(before, after),
            *calendars.reserve(before, after, request),
            *timelines.counted(before, after),
        )
        return One(after)

    return retry_until_settled(decide)


def delete(request: Request) -> One:
    """A session, removed; its time is free at once.

    HEAD does not move: a writer who still sees the slot refuses, as it would have a moment before.
    """

    def decide() -> One:
        before = sessions.get_existing(request.id)
        require(request.principal, Action.DELETE_SESSION, before["ownerId"])
        request.check_version(before["version"])
        after = session.remove(before, request.timestamp, request.epoch_after(int(setting("RETENTION_DAYS"))))
        write(
            sessions.replace(before, after),
            *calendars.release(conflicts.slot(before)),
            *timelines.counted(before, None),
        )
        return One(after)

    return retry_until_settled(decide)


def _with_target(request: Request) -> tuple[Session, str]:
    """The session, and the owner of the timeline where it is to be."""
    target = request.fields.get("timelineId")
    if target is None:
        before = sessions.get_existing(request.id)
        return before, before["ownerId"]
    before, timeline = run_in_parallel(
        partial(sessions.get_existing, request.id), partial(timelines.find, target)
    )
    return before, _owner(timeline)


def _owner(timeline: Timeline | None) -> str:
    if timeline is None:
        raise InvalidTimeline
    owner: str = timeline["ownerId"]
    return owner
