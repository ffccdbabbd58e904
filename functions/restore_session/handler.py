"""POST /sessions/{sessionId}/restore: restore a deleted session.

A deleted session can be restored for 30 days, unless the operator set another number of days.
The session must not overlap another session of the same owner. The caller needs the permission to delete the session.
If the session is not deleted, the request changes nothing.
"""

from scheduling.domain import session
from scheduling.errors import InvalidTimeline, SchedulingConflict
from scheduling.http.endpoint import endpoint
from scheduling.services import sessions
from scheduling.services.request import Request
from scheduling.services.results import EntityResult


@endpoint(session.view, raises=(InvalidTimeline, SchedulingConflict))
def lambda_handler(request: Request) -> EntityResult:
    return sessions.restore(request)
