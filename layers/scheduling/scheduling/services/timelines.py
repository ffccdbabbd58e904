"""Use cases of timelines: check permissions, apply the domain's rules, and write."""

from scheduling.domain import timeline
from scheduling.domain.permissions import Action, require
from scheduling.errors import TimelineNotEmpty
from scheduling.services.idempotency import find_response, save_response
from scheduling.services.request import Request
from scheduling.services.results import EntityResult
from scheduling.services.retries import RetryState, retry_on_conflict
from scheduling.settings import setting
from scheduling.store import calendars, timelines
from scheduling.store.transactions import Operation, write


def get(request: Request) -> EntityResult:
    """Return one timeline."""
    found = timelines.get_existing(request.id)
    require(request.principal, Action.READ, found["ownerId"])
    return EntityResult(found)


@retry_on_conflict
def create(request: Request, _: RetryState) -> EntityResult:
    """Create a timeline. The owner is the caller, unless an ADMIN names another owner."""
    owner = request.fields.get("ownerId") or request.principal.id
    require(request.principal, Action.CHANGE_TIMELINE, owner)
    if response := find_response(request):
        return response
    new = timeline.create(request.fields, request.new_id, owner, request.timestamp)
    _write_unless_dry_run(
        request, *timelines.create(new), *calendars.count_timeline(owner, 1), *save_response(request, new)
    )
    return EntityResult(new)


@retry_on_conflict
def update(request: Request, _: RetryState) -> EntityResult:
    """Update a timeline."""
    before = timelines.get_existing(request.id)
    require(request.principal, Action.CHANGE_TIMELINE, before["ownerId"])
    request.check_version(before["version"])
    after = timeline.update(before, request.fields, request.timestamp)
    if after is not before:
        _write_unless_dry_run(request, *timelines.replace(before, after))
    return EntityResult(after)


@retry_on_conflict
def delete(request: Request, state: RetryState) -> EntityResult:
    """Delete a timeline.

    Raises:
        TimelineNotEmpty: the timeline still has sessions.
    """
    before = timelines.get_existing(request.id)
    require(request.principal, Action.CHANGE_TIMELINE, before["ownerId"])
    request.check_version(before["version"])
    if not timeline.is_empty(before):
        raise TimelineNotEmpty
    after = timeline.delete(before, request.timestamp, request.epoch_after(int(setting("RETENTION_DAYS"))))
    _write_unless_dry_run(
        request,
        *timelines.replace(before, after),
        *calendars.count_timeline(before["ownerId"], -1, state.lost),
    )
    return EntityResult(after)


def _write_unless_dry_run(request: Request, *operations: Operation) -> None:
    """Write the operations. In a dry run, write nothing."""
    if not request.dry_run:
        write(*operations)
