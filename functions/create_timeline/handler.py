"""POST /timelines: make a timeline."""

from scheduling import timeline
from scheduling.dto.create_timeline import CreateTimeline
from scheduling.endpoint import endpoint
from scheduling.envelope import One
from scheduling.request import Request
from scheduling.store import timelines


@endpoint(timeline.view, body=CreateTimeline, creates="/timelines")
def lambda_handler(request: Request) -> One:
    return timelines.create(request)
