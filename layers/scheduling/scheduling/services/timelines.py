"""Use cases of timelines: authorize, decide, store."""

from scheduling.domain import timeline
from scheduling.domain.permissions import Action, require
from scheduling.errors import TimelineNotEmpty
from scheduling.services.request import Request
from scheduling.services.results import One
from scheduling.settings import setting
from scheduling.store import timelines
from scheduling.store.idempotency import recall, remember
from scheduling.store.transactions import retry_until_settled, write


def get(request: Request) -> One:
    """One timeline."""
    found = timelines.get_existing(request.id)
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
            timelines.insert(new),
            timelines.count_timeline(new, 1),
            *remember(request, new),
        )
        return One(new)

    return retry_until_settled(decide)


def update(request: Request) -> One:
    """A timeline, changed."""

    def decide() -> One:
        before = timelines.get_existing(request.id)
        require(request.principal, Action.CHANGE_TIMELINE, before["ownerId"])
        request.check_version(before["version"])
        after = timeline.change(before, request.fields, request.timestamp)
        if after is not before:
            write(timelines.replace(before, after))
        return One(after)

    return retry_until_settled(decide)


def delete(request: Request) -> One:
    """A timeline, removed.

    Raises:
        TimelineNotEmpty: it still has sessions.
    """

    def decide() -> One:
        before = timelines.get_existing(request.id)
        require(request.principal, Action.CHANGE_TIMELINE, before["ownerId"])
        request.check_version(before["version"])
        if not timeline.is_empty(before):
            raise TimelineNotEmpty
        after = timeline.remove(
            before, request.timestamp, request.epoch_after(int(setting("RETENTION_DAYS")))
        )
        write(timelines.replace(before, after), timelines.count_timeline(before, -1))
        return One(after)

    return retry_until_settled(decide)
