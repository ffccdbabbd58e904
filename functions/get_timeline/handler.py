"""GET /timelines/{timelineId}: read a timeline."""

from scheduling.domain import timeline
from scheduling.http.endpoint import endpoint
from scheduling.services.request import Request
from scheduling.services.results import One
from scheduling.store import timelines


@endpoint(timeline.view)
def lambda_handler(request: Request) -> One:
    return timelines.read(request)
