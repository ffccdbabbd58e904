"""The ways a request can fail. Each knows its answer: status, code and a sentence for the client.

    ApiError
    ├── BadRequest                 400 VALIDATION_FAILED      faults: one for each field
    │   └── InvalidTimeline        400 INVALID_TIMELINE
    ├── Unauthorized               401 UNAUTHORIZED
    ├── Forbidden                  403 FORBIDDEN
    ├── NotFound                   404 NOT_FOUND
    ├── SchedulingConflict         409 SCHEDULING_CONFLICT    clashes: the sessions in the way
    ├── TimelineNotEmpty           409 TIMELINE_NOT_EMPTY
    ├── PreconditionFailed         412 PRECONDITION_FAILED
    ├── IdempotencyKeyReused       422 IDEMPOTENCY_KEY_REUSED
    ├── InternalError              500 INTERNAL_ERROR         everything that is not an ApiError
    └── ServiceUnavailable         503 SERVICE_UNAVAILABLE    with Retry-After; cause: what was not there
        ├── Throttled
        └── RetriesExhausted

`endpoint` turns them into responses; nothing else does.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple


class Fault(NamedTuple):
    """What is wrong with one field of a request. Never echoes the value."""

    field: str
    message: str


class ApiError(Exception):
    """A request that cannot be answered with success."""

    status: ClassVar[int]
    error: ClassVar[str]
    code: ClassVar[str]
    message: ClassVar[str]

    @property
    def details(self) -> Sequence[Mapping[str, Any]]:
        """What a program can read of it, one entry a fault."""
        return ()

    @property
    def headers(self) -> Mapping[str, str]:
        """What the response says of it in headers."""
        return {}


class BadRequest(ApiError):
    """What was sent breaks a rule."""

    status, error, code = 400, "Bad Request", "VALIDATION_FAILED"
    message = "The request is not valid: see details."

    def __init__(self, *faults: Fault) -> None:
        super().__init__(*faults)
        self.faults = faults

    @property
    def details(self) -> Sequence[Mapping[str, Any]]:
        return [fault._asdict() for fault in self.faults]


class InvalidTimeline(BadRequest):
    """The `timelineId` of a session refers to nothing."""

    code = "INVALID_TIMELINE"
    message = "The timelineId does not refer to a timeline."

    def __init__(self) -> None:
        super().__init__(Fault("timelineId", "Must be the id of a timeline."))


class Unauthorized(ApiError):
    """Nobody is known to be calling. `challenge` is RFC 6750's error code, None without a token."""

    status, error, code = 401, "Unauthorized", "UNAUTHORIZED"
    message = "A valid bearer token is needed in the Authorization header."

    def __init__(self, challenge: str | None = None) -> None:
        super().__init__(challenge)
        self.challenge = challenge

    @property
    def headers(self) -> Mapping[str, str]:
        challenge = f', error="{self.challenge}"' if self.challenge else ""
        return {"WWW-Authenticate": f'Bearer realm="sessions"{challenge}'}


class Forbidden(ApiError):
    """The caller may not do that."""

    status, error, code = 403, "Forbidden", "FORBIDDEN"
    message = "Your role does not allow this on a timeline of this owner."


class NotFound(ApiError):
    """There is no such thing, or no longer."""

    status, error, code = 404, "Not Found", "NOT_FOUND"
    message = "There is nothing with this id."


class SchedulingConflict(ApiError):
    """The time is taken."""

    status, error, code = 409, "Conflict", "SCHEDULING_CONFLICT"
    message = "The session overlaps others of the same owner: see details."

    def __init__(self, clashes: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(len(clashes))
        self.clashes = clashes

    @property
    def details(self) -> Sequence[Mapping[str, Any]]:
        return self.clashes


class TimelineNotEmpty(ApiError):
    """A timeline with sessions cannot be removed."""

    status, error, code = 409, "Conflict", "TIMELINE_NOT_EMPTY"
    message = "The timeline still has sessions: delete or move them first."


class PreconditionFailed(ApiError):
    """The `If-Match` of the request names another version than the present one."""

    status, error, code = 412, "Precondition Failed", "PRECONDITION_FAILED"
    message = "It was changed since you read it: read it again."


class IdempotencyKeyReused(ApiError):
    """The `Idempotency-Key` came before, with another body."""

    status, error, code = 422, "Unprocessable Content", "IDEMPOTENCY_KEY_REUSED"
    message = "This Idempotency-Key was used with another body: take a new key for a new request."


class InternalError(ApiError):
    """A fault of ours."""

    status, error, code = 500, "Internal Server Error", "INTERNAL_ERROR"
    message = "Something went wrong on our side. Tell us the requestId."


class ServiceUnavailable(ApiError):
    """What the service needs did not answer in time. The request may be sent again."""

    status, error, code = 503, "Service Unavailable", "SERVICE_UNAVAILABLE"
    message = "The service is busy: try again in a moment."

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Retry-After": "1"}


class Throttled(ServiceUnavailable):
    """The database asked for patience until ours ran out."""


class RetriesExhausted(ServiceUnavailable):
    """Others kept changing the same calendar until our patience ran out."""
