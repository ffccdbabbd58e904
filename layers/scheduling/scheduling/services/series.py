"""Use cases that change a part of a series: one occurrence, or all occurrences from one on."""

from functools import partial

from scheduling.domain import series_changes
from scheduling.domain.permissions import Action, require
from scheduling.domain.session import Session, SessionChange
from scheduling.services.idempotency import answer_once, save_answer
from scheduling.services.request import Request
from scheduling.services.results import One
from scheduling.services.retries import Attempt, retry_on_conflict
from scheduling.services.sessions import save
from scheduling.store import sessions


@retry_on_conflict
def cancel_occurrence(request: Request, attempt: Attempt) -> One:
    """Cancel one occurrence of a series. Its time is free at once."""
    before = _read(request)
    after = series_changes.cancel(before, request.parameter("date"), request.timestamp)
    if after is not before:
        save(request, attempt, [SessionChange(before, after)])
    return One(after)


@retry_on_conflict
def change_occurrence(request: Request, attempt: Attempt) -> One:
    """Replace one occurrence of a series by a ONE_TIME session with the changed fields.

    Raises:
        SchedulingConflict: the new session overlaps another session, or another occurrence of the series.
    """
    return answer_once(request, partial(_change_occurrence, request, attempt))


def _change_occurrence(request: Request, attempt: Attempt) -> One:
    before, date = _read(request), request.parameter("date")
    changed = series_changes.change(before, date, request.fields, request.new_id, request.timestamp)
    return _save(request, attempt, before, changed)


@retry_on_conflict
def split(request: Request, attempt: Attempt) -> One:
    """End a series before a date, and create a new series with the rest and the changed fields.

    Raises:
        SchedulingConflict: the new series overlaps another session.
    """
    return answer_once(request, partial(_split, request, attempt))


def _split(request: Request, attempt: Attempt) -> One:
    before, fields = _read(request), dict(request.fields)
    date = fields.pop("date")
    changed = series_changes.split(before, date, fields, request.new_id, request.timestamp)
    return _save(request, attempt, before, changed)


def _read(request: Request) -> Session:
    """Return the series. To change a part of a series, the caller must be allowed to change the series."""
    found = sessions.get_existing(request.parameter("sessionId"))
    require(request.principal, Action.CHANGE_SESSION, found["ownerId"])
    request.check_version(found["version"])
    return found


def _save(request: Request, attempt: Attempt, before: Session, after: series_changes.Division) -> One:
    # The new session comes first, so that a conflict between the two names the series.
    changes = [SessionChange(None, after.new), SessionChange(before, after.series)]
    save(request, attempt, changes, *save_answer(request, after.new))
    return One(after.new)
