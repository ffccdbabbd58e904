"""GET /sessions/{sessionId}: get a session.

The read is strongly consistent: the response shows every earlier successful write. A deleted session gets a 404.
"""

from scheduling.domain import session
from scheduling.http.endpoint import endpoint
from scheduling.services import sessions
from scheduling.services.request import Request
from scheduling.services.results import EntityResult


@endpoint(session.view)
def lambda_handler(request: Request) -> EntityResult:
    return sessions.get(request)
