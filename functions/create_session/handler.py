"""POST /sessions: schedule a session."""

from scheduling import session
from scheduling.dto.create_session import CreateSession
from scheduling.endpoint import endpoint
from scheduling.envelope import One
from scheduling.errors import InvalidTimeline, SchedulingConflict
from scheduling.request import Request
from scheduling.store import schedule


@endpoint(session.view, body=CreateSession, creates="/sessions", raises=(InvalidTimeline, SchedulingConflict))
def lambda_handler(request: Request) -> One:
    return schedule.create(request)
