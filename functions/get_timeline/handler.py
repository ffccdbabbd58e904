"""GET /timelines/{timelineId}: read a timeline."""

from scheduling import timeline
from scheduling.endpoint import endpoint
from scheduling.envelope import One
from scheduling.request import Request
from scheduling.store import timelines


@endpoint(timeline.view)
def lambda_handler(request: Request) -> One:
    return timelines.read(request)
