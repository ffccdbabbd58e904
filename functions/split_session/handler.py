"""POST /sessions/{sessionId}/split: change one occurrence and all later occurrences of a series.

The series ends on the day before `date`. The response is a new series with the remaining occurrences and the changed
fields. By default, the new series begins with the occurrence on `date`. The API writes both series in one transaction.
Send an `Idempotency-Key` to make retries safe: for 24 hours, every retry gets the first response again.
Send `If-Match` with the `ETag` of the series to get a 412 if somebody else has changed the series meanwhile.
With `dryRun=true`, the API checks the request, writes nothing and returns the new series.
"""

from scheduling.domain import session
from scheduling.dto.dry_run import DryRun
from scheduling.dto.split_session import SplitSession
from scheduling.errors import FirstOccurrence, PreconditionFailed, SchedulingConflict
from scheduling.http.endpoint import endpoint
from scheduling.services import series
from scheduling.services.request import Request
from scheduling.services.results import EntityResult


@endpoint(
    session.view,
    body=SplitSession,
    query=DryRun,
    creates="/sessions",
    raises=(SchedulingConflict, FirstOccurrence, PreconditionFailed),
)
def lambda_handler(request: Request) -> EntityResult:
    return series.split(request)
