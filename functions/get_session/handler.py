"""GET /sessions/{sessionId}: read a session."""

from scheduling import session
from scheduling.endpoint import endpoint
from scheduling.envelope import One
from scheduling.request import Request
from scheduling.store import sessions


@endpoint(session.view)
def lambda_handler(request: Request) -> One:
    return sessions.read(request)
