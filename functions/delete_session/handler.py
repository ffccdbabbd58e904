"""DELETE /sessions/{sessionId}: remove a session."""

from scheduling import session
from scheduling.endpoint import endpoint
from scheduling.envelope import One
from scheduling.errors import PreconditionFailed
from scheduling.request import Request
from scheduling.store import schedule


@endpoint(session.view, raises=(PreconditionFailed,))
def lambda_handler(request: Request) -> One:
    return schedule.remove(request)
