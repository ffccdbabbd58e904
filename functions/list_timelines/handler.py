"""GET /timelines: list timelines.

A USER gets their own timelines; an ADMIN or MANAGER gets all timelines. The newest timelines come first.
The list is eventually consistent.
"""

from scheduling.domain import timeline
from scheduling.dto.list_timelines import ListTimelines
from scheduling.http.endpoint import endpoint
from scheduling.services import lists
from scheduling.services.request import Request
from scheduling.services.results import Page


@endpoint(timeline.view, query=ListTimelines)
def lambda_handler(request: Request) -> Page:
    return lists.list_timelines(request)
