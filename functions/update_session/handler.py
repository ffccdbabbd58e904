"""PATCH /sessions/{sessionId}: change some fields of a session."""

from scheduling import session
from scheduling.dto.update_session import UpdateSession
from scheduling.endpoint import endpoint
from scheduling.envelope import One
from scheduling.errors import InvalidTimeline, PreconditionFailed, SchedulingConflict
from scheduling.request import Request
from scheduling.store import schedule


@endpoint(session.view, body=UpdateSession, raises=(InvalidTimeline, SchedulingConflict, PreconditionFailed))
def lambda_handler(request: Request) -> One:
    return schedule.change(request)
