"""POST /sessions: schedule a session."""

from scheduling.domain import session
from scheduling.dto.create_session import CreateSession
from scheduling.errors import InvalidTimeline, SchedulingConflict
from scheduling.http.endpoint import endpoint
from scheduling.services import sessions
from scheduling.services.request import Request
from scheduling.services.results import One


@endpoint(session.view, body=CreateSession, creates="/sessions", raises=(InvalidTimeline, SchedulingConflict))
def lambda_handler(request: Request) -> One:
    return sessions.create(request)
