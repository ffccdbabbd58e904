"""GET /occurrences: list what takes place in a window of time.

Every occurrence of one-time and recurring sessions that overlaps the window is returned,
also an occurrence that began before the window and still runs.
The list is sorted by start, then by `sessionId`. A session without a start has no occurrence.
A USER sees their own calendar; an ADMIN or MANAGER names an `ownerId` or timelines.
An unknown `timelineId` adds nothing. A window with more than 50,000 occurrences is a 400.
The list is eventually consistent.
"""

from scheduling.domain import occurrence
from scheduling.dto.list_occurrences import ListOccurrences
from scheduling.errors import Forbidden
from scheduling.http.endpoint import endpoint
from scheduling.services import occurrences
from scheduling.services.request import Request
from scheduling.services.results import Page


@endpoint(occurrence.view, query=ListOccurrences, raises=(Forbidden,))
def lambda_handler(request: Request) -> Page:
    return occurrences.list_occurrences(request)
