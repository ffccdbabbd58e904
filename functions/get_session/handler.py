"""GET /sessions/{sessionId}: read a session."""

from scheduling.domain import session
from scheduling.http.endpoint import endpoint
from scheduling.services.request import Request
from scheduling.services.results import One
from scheduling.store import sessions


@endpoint(session.view)
def lambda_handler(request: Request) -> One:
    return sessions.read(request)
