"""GET /occurrences: list the occurrences in a time window.

The list contains every occurrence that overlaps the time window, including an occurrence that started before `from`.
The list is sorted by start, then by `sessionId`. A session without a start has no occurrence.
By default, a USER gets the occurrences of their own sessions. An ADMIN or MANAGER must send `ownerId` or `timelineId`.
If a `timelineId` does not exist, the list has no occurrences of this timeline.
A time window with more than 50,000 occurrences gets a 400. The list is eventually consistent.
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
