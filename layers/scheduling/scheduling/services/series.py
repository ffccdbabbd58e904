"""Use cases that change a part of a series: one occurrence, or all occurrences on and after a date."""

from functools import partial

from scheduling.domain import series_changes
from scheduling.domain.permissions import Action, require
from scheduling.domain.session import Session, SessionChange
from scheduling.services.idempotency import respond_once, save_response
from scheduling.services.request import Request
from scheduling.services.results import EntityResult
from scheduling.services.retries import RetryState, retry_on_conflict
from scheduling.services.sessions import save
from scheduling.store import sessions


@retry_on_conflict
def delete_occurrence(request: Request, state: RetryState) -> EntityResult:
    """Delete one occurrence of a series. From then on, new sessions can use the time of the deleted occurrence."""
    before = _get_series(request)
    after = series_changes.delete_occurrence(before, request.parameter("date"), request.timestamp)
    if after is not before:
        save(request, state, [SessionChange(before, after)])
    return EntityResult(after)


@retry_on_conflict
def update_occurrence(request: Request, state: RetryState) -> EntityResult:
    """Replace one occurrence of a series with a ONE_TIME session that has the changed fields.

    Raises:
        SchedulingConflict: the new session overlaps another session, or another occurrence of the series.
    """
    return respond_once(request, partial(_update_occurrence, request, state))


def _update_occurrence(request: Request, state: RetryState) -> EntityResult:
    before, date = _get_series(request), request.parameter("date")
    changed = series_changes.update_occurrence(
        before, date, request.fields, request.new_id, request.timestamp
    )
    return _save_division(request, state, before, changed)


@retry_on_conflict
def split(request: Request, state: RetryState) -> EntityResult:
    """End a series before a date. Create a new series that replaces the later occurrences, with the changed fields.

    Raises:
        SchedulingConflict: the new series overlaps another session, or the old series.
    """
    return respond_once(request, partial(_split, request, state))


def _split(request: Request, state: RetryState) -> EntityResult:
    before, fields = _get_series(request), dict(request.fields)
    date = fields.pop("date")
    changed = series_changes.split(before, date, fields, request.new_id, request.timestamp)
    return _save_division(request, state, before, changed)


def _get_series(request: Request) -> Session:
    """Return the series, after checking the caller's permission and the expected version."""
    found = sessions.get_existing(request.parameter("sessionId"))
    require(request.principal, Action.CHANGE_SESSION, found["ownerId"])
    request.check_version(found["version"])
    return found


def _save_division(
    request: Request, state: RetryState, before: Session, after: series_changes.Division
) -> EntityResult:
    # If these two sessions conflict, the 409 names the session that comes last. The client knows only the series, so
    # the series comes last.
    changes = [SessionChange(None, after.new), SessionChange(before, after.series)]
    save(request, state, changes, *save_response(request, after.new))
    return EntityResult(after.new)
