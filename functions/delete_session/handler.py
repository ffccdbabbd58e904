"""DELETE /sessions/{sessionId}: delete a session.

The response is the session with `removedAt`. New sessions can use the time of the deleted session at once.
After the deletion, a valid request for the session gets a 404. The exceptions are a request to restore the session,
and a retry with the `Idempotency-Key` of an earlier request.
"""

from scheduling.domain import session
from scheduling.errors import PreconditionFailed
from scheduling.http.endpoint import endpoint
from scheduling.services import sessions
from scheduling.services.request import Request
from scheduling.services.results import EntityResult


@endpoint(session.view, raises=(PreconditionFailed,))
def lambda_handler(request: Request) -> EntityResult:
    return sessions.delete(request)
