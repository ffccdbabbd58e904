"""DELETE /sessions/{sessionId}/occurrences/{date}: cancel one occurrence of a series.

The API adds the date to `excludedDates` and returns the series.
New sessions can use the time of the occurrence at once.
If the series already excludes the date, the request changes nothing.
The last remaining occurrence of a series cannot be cancelled. The caller needs the permission to change the series.
"""

from scheduling.domain import session
from scheduling.errors import LastOccurrence, PreconditionFailed, TooManyExcludedDates
from scheduling.http.endpoint import endpoint
from scheduling.services import series
from scheduling.services.request import Request
from scheduling.services.results import EntityResult


@endpoint(session.view, raises=(LastOccurrence, TooManyExcludedDates, PreconditionFailed))
def lambda_handler(request: Request) -> EntityResult:
    return series.delete_occurrence(request)
