"""POST /sessions/{sessionId}/restore: restore a deleted session.

A deleted session can be restored for as long as the API retains it, 30 days by default, if its time is still free.
The caller needs the right to delete the session. A session that was not deleted stays as it is.
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
