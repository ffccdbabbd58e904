"""PATCH /sessions/{sessionId}/occurrences/{date}: change one occurrence of a series.

The API creates a ONE_TIME session with the changed fields, and adds the date to the `excludedDates` of the series.
The response is the new session. Its `seriesId` and `originalDate` name the replaced occurrence.
Send an `Idempotency-Key` to make retries safe: for 24 hours, every retry gets the first response again.
Send `If-Match` with the `ETag` of the series to get a 412 if somebody else has changed the series meanwhile.
With `dryRun=true`, the API checks the request, writes nothing and returns the new session.
"""

from scheduling.domain import session
from scheduling.dto.dry_run import DryRun
from scheduling.dto.update_occurrence import UpdateOccurrence
from scheduling.errors import LastOccurrence, PreconditionFailed, SchedulingConflict, TooManyExcludedDates
from scheduling.http.endpoint import endpoint
from scheduling.services import series
from scheduling.services.request import Request
from scheduling.services.results import EntityResult


@endpoint(
    session.view,
    body=UpdateOccurrence,
    query=DryRun,
    creates="/sessions",
    raises=(SchedulingConflict, LastOccurrence, TooManyExcludedDates, PreconditionFailed),
)
def lambda_handler(request: Request) -> EntityResult:
    return series.update_occurrence(request)
