"""GET /timelines: list the timelines that the caller may read."""

from scheduling.domain import timeline
from scheduling.dto.list_timelines import ListTimelines
from scheduling.http.endpoint import endpoint
from scheduling.services import lists
from scheduling.services.request import Request
from scheduling.services.results import Page


@endpoint(timeline.view, query=ListTimelines)
def lambda_handler(request: Request) -> Page:
    return lists.list_timelines(request)
