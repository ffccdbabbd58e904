"""PATCH /sessions/{sessionId}: update a session.

The fields in the body change; `null` clears a field, but `type`, `timelineId` and `name` cannot be cleared.
The API also clears or adjusts fields that no longer fit. For example, a change of `type` to ONE_TIME clears all
recurrence fields except `timeZone`. If `recurringDayOfWeek` is the weekday of the start, a PATCH
that moves `startDateTime` to another weekday also moves `recurringDayOfWeek`. The API checks all fields of the changed
session.
Send `If-Match` with the session's `ETag` to get a 412 if somebody else has changed the session meanwhile.
With `dryRun=true`, the API checks the request, writes nothing and returns the changed session.
"""

from scheduling.domain import session
from scheduling.dto.dry_run import DryRun
from scheduling.dto.update_session import UpdateSession
from scheduling.errors import InvalidTimeline, PreconditionFailed, SchedulingConflict
from scheduling.http.endpoint import endpoint
from scheduling.services import sessions
from scheduling.services.request import Request
from scheduling.services.results import EntityResult


@endpoint(
    session.view,
    body=UpdateSession,
    query=DryRun,
    raises=(InvalidTimeline, SchedulingConflict, PreconditionFailed),
)
def lambda_handler(request: Request) -> EntityResult:
    return sessions.update(request)
