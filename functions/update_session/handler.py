"""PATCH /sessions/{sessionId}: change some fields of a session."""

from scheduling.domain import session
from scheduling.dto.update_session import UpdateSession
from scheduling.errors import InvalidTimeline, PreconditionFailed, SchedulingConflict
from scheduling.http.endpoint import endpoint
from scheduling.services import sessions
from scheduling.services.request import Request
from scheduling.services.results import One


@endpoint(session.view, body=UpdateSession, raises=(InvalidTimeline, SchedulingConflict, PreconditionFailed))
def lambda_handler(request: Request) -> One:
    return sessions.update(request)
