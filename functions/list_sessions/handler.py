"""GET /sessions: list sessions.

A USER gets the sessions of their own timelines; an ADMIN or MANAGER gets all sessions.
The list is sorted by `startDateTime`, then by `id`. Sessions without a start come last.
The list is eventually consistent. If a `timelineId` does not exist, the list has no sessions of this timeline.
A page far from the beginning of the list costs about as much as the first page.
"""

from scheduling.domain import session
from scheduling.dto.list_sessions import ListSessions
from scheduling.http.endpoint import endpoint
from scheduling.services import lists
from scheduling.services.request import Request
from scheduling.services.results import Page


@endpoint(session.view, query=ListSessions)
def lambda_handler(request: Request) -> Page:
    return lists.list_sessions(request)
