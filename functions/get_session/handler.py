"""GET /sessions/{sessionId}: get a session.

The read is strongly consistent: the answer shows every write that succeeded before. A deleted session is a 404.
"""

from scheduling.domain import session
from scheduling.http.endpoint import endpoint
from scheduling.services import sessions
from scheduling.services.request import Request
from scheduling.services.results import EntityResult


@endpoint(session.view)
def lambda_handler(request: Request) -> EntityResult:
    return sessions.get(request)
