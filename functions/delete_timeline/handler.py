"""DELETE /timelines/{timelineId}: delete a timeline.

Only a timeline without sessions can be deleted. The response is the timeline with `removedAt`.
"""

from scheduling.domain import timeline
from scheduling.errors import PreconditionFailed, TimelineNotEmpty
from scheduling.http.endpoint import endpoint
from scheduling.services import timelines
from scheduling.services.request import Request
from scheduling.services.results import EntityResult


@endpoint(timeline.view, raises=(TimelineNotEmpty, PreconditionFailed))
def lambda_handler(request: Request) -> EntityResult:
    return timelines.delete(request)
