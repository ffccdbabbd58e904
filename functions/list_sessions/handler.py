"""GET /sessions: list the sessions that the caller may read."""

from scheduling import session
from scheduling.dto.list_sessions import ListSessions
from scheduling.endpoint import endpoint
from scheduling.envelope import Page
from scheduling.request import Request
from scheduling.store import sessions


@endpoint(session.view, query=ListSessions)
def lambda_handler(request: Request) -> Page:
    return sessions.page(request)
