"""PATCH /timelines/{timelineId}: change some fields of a timeline."""

from scheduling.domain import timeline
from scheduling.dto.update_timeline import UpdateTimeline
from scheduling.errors import PreconditionFailed
from scheduling.http.endpoint import endpoint
from scheduling.services import timelines
from scheduling.services.request import Request
from scheduling.services.results import One


@endpoint(timeline.view, body=UpdateTimeline, raises=(PreconditionFailed,))
def lambda_handler(request: Request) -> One:
    return timelines.update(request)
