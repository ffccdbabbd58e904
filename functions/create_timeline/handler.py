"""POST /timelines: create a timeline.

By default, the caller owns the timeline. Only an ADMIN may set another `ownerId`.
Send an `Idempotency-Key` to make retries safe: for 24 hours, every retry gets the first response again.
"""

from scheduling.domain import timeline
from scheduling.dto.create_timeline import CreateTimeline
from scheduling.http.endpoint import endpoint
from scheduling.services import timelines
from scheduling.services.request import Request
from scheduling.services.results import EntityResult


@endpoint(timeline.view, body=CreateTimeline, creates="/timelines")
def lambda_handler(request: Request) -> EntityResult:
    return timelines.create(request)
