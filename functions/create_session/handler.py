"""POST /sessions: create a session.

The session must not overlap another session of the same owner. This rule applies to every occurrence of a series.
Send an `Idempotency-Key` to make retries safe: for 24 hours, every retry gets the first response again.
With `dryRun=true`, the API checks the request, writes nothing and returns the new session.
"""

from scheduling.domain import session
from scheduling.dto.create_session import CreateSession
from scheduling.dto.dry_run import DryRun
from scheduling.errors import InvalidTimeline, SchedulingConflict
from scheduling.http.endpoint import endpoint
from scheduling.services import sessions
from scheduling.services.request import Request
from scheduling.services.results import EntityResult


@endpoint(
    session.view,
    body=CreateSession,
    query=DryRun,
    creates="/sessions",
    raises=(InvalidTimeline, SchedulingConflict),
)
def lambda_handler(request: Request) -> EntityResult:
    return sessions.create(request)
