"""GET /sessions: list the sessions that the caller may read."""

from scheduling.domain import session
from scheduling.dto.list_sessions import ListSessions
from scheduling.http.endpoint import endpoint
from scheduling.services import lists
from scheduling.services.request import Request
from scheduling.services.results import Page


@endpoint(session.view, query=ListSessions)
def lambda_handler(request: Request) -> Page:
    return lists.list_sessions(request)
