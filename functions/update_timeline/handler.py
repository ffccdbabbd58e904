"""PATCH /timelines/{timelineId}: change some fields of a timeline."""

from scheduling import timeline
from scheduling.dto.update_timeline import UpdateTimeline
from scheduling.endpoint import endpoint
from scheduling.envelope import One
from scheduling.errors import PreconditionFailed
from scheduling.request import Request
from scheduling.store import timelines


@endpoint(timeline.view, body=UpdateTimeline, raises=(PreconditionFailed,))
def lambda_handler(request: Request) -> One:
    return timelines.change(request)
