"""POST /sessions: create a session.

The owner's time must be free. A series must be free on every occurrence, for all future time.
Send an `Idempotency-Key` to make retries safe: every retry gets the first answer.
`dryRun=true` checks everything, writes nothing and answers the session that would be created.
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
