"""POST /sessions: schedule a session."""

from scheduling.domain import session
from scheduling.dto.create_session import CreateSession
from scheduling.errors import InvalidTimeline, SchedulingConflict
from scheduling.http.endpoint import endpoint
from scheduling.services.request import Request
from scheduling.services.results import One
from scheduling.store import schedule


@endpoint(session.view, body=CreateSession, creates="/sessions", raises=(InvalidTimeline, SchedulingConflict))
def lambda_handler(request: Request) -> One:
    return schedule.create(request)
