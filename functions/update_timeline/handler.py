"""PATCH /timelines/{timelineId}: update a timeline.

Only the fields in the body change; `null` clears `description`. The owner of a timeline never changes.
Send `If-Match` with the timeline's `ETag` to get a 412 if somebody else has changed the timeline meanwhile.
"""

from scheduling.domain import timeline
from scheduling.dto.update_timeline import UpdateTimeline
from scheduling.errors import PreconditionFailed
from scheduling.http.endpoint import endpoint
from scheduling.services import timelines
from scheduling.services.request import Request
from scheduling.services.results import EntityResult


@endpoint(timeline.view, body=UpdateTimeline, raises=(PreconditionFailed,))
def lambda_handler(request: Request) -> EntityResult:
    return timelines.update(request)
