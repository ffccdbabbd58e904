"""DELETE /timelines/{timelineId}: remove a timeline that has no sessions."""

from scheduling import timeline
from scheduling.endpoint import endpoint
from scheduling.envelope import One
from scheduling.errors import PreconditionFailed, TimelineNotEmpty
from scheduling.request import Request
from scheduling.store import timelines


@endpoint(timeline.view, raises=(TimelineNotEmpty, PreconditionFailed))
def lambda_handler(request: Request) -> One:
    return timelines.remove(request)
