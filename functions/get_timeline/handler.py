"""GET /timelines/{timelineId}: get a timeline.

The read is strongly consistent: the response shows every earlier successful write. A deleted timeline gets a 404.
"""

from scheduling.domain import timeline
from scheduling.http.endpoint import endpoint
from scheduling.services import timelines
from scheduling.services.request import Request
from scheduling.services.results import EntityResult


@endpoint(timeline.view)
def lambda_handler(request: Request) -> EntityResult:
    return timelines.get(request)
