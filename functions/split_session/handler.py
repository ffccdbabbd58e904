"""POST /sessions/{sessionId}/split: change a series from one occurrence on.

The series ends on the day before `date`. The response is a new series with the remaining occurrences and the changed
fields, which begins with the occurrence on `date`. Both series are written in one transaction.
Send an `Idempotency-Key` to make retries safe, and `If-Match` with the `ETag` of the series.
`dryRun=true` checks everything, writes nothing and returns the series that would be created.
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
