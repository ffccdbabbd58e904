"""PATCH /sessions/{sessionId}/occurrences/{date}: change one occurrence of a series.

The answer is a new ONE_TIME session with the changed fields, which refers to its series by `seriesId` and
`originalDate`. The series excludes the date from then on. Its other occurrences stay as they are.
Send an `Idempotency-Key` to make retries safe, and `If-Match` with the `ETag` of the series.
`dryRun=true` checks everything, writes nothing and answers the session that would be created.
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
