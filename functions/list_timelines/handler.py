"""GET /timelines: list the timelines that the caller may read."""

from scheduling import timeline
from scheduling.dto.list_timelines import ListTimelines
from scheduling.endpoint import endpoint
from scheduling.envelope import Page
from scheduling.request import Request
from scheduling.store import timelines


@endpoint(timeline.view, query=ListTimelines)
def lambda_handler(request: Request) -> Page:
    return timelines.page(request)
