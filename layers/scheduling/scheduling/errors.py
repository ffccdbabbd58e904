"""Errors that end a request. Each class has an HTTP status, a code and a message for the client.

    ApiError
    ├── BadRequest                 400 VALIDATION_FAILED      faults: the rules that the request breaks
    │   └── InvalidTimeline        400 INVALID_TIMELINE
    ├── Unauthorized               401 UNAUTHORIZED
    │   └── InvalidSubject         401 UNAUTHORIZED
    ├── Forbidden                  403 FORBIDDEN
    ├── NotFound                   404 NOT_FOUND
    │   └── NoOccurrence           404 NOT_FOUND
    ├── SchedulingConflict         409 SCHEDULING_CONFLICT    conflicts: the sessions that overlap
    ├── TimelineNotEmpty           409 TIMELINE_NOT_EMPTY
    ├── LastOccurrence             409 LAST_OCCURRENCE
    ├── FirstOccurrence            409 FIRST_OCCURRENCE
    ├── TooManyExcludedDates       409 TOO_MANY_EXCLUDED_DATES
    ├── PreconditionFailed         412 PRECONDITION_FAILED
    ├── PayloadTooLarge            413 PAYLOAD_TOO_LARGE
    ├── IdempotencyKeyReused       422 IDEMPOTENCY_KEY_REUSED
    ├── InternalError              500 INTERNAL_ERROR         every exception that is not an ApiError
    └── ServiceUnavailable         503 SERVICE_UNAVAILABLE    with Retry-After; an argument may name the cause
        ├── Throttled
        ├── RetriesExhausted
        └── DecisionTooLong

In the layer, only `http.endpoint` turns these errors into responses.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, NamedTuple

MAX_FAULTS = 100
"""The largest number of faults in one response. Without a limit, a small request could cause a large response."""
MAX_FIELD_CHARACTERS = 100

FaultCode = Literal[
    "REQUIRED",
    "UNKNOWN_FIELD",
    "DUPLICATE",
    "WRONG_TYPE",
    "UNKNOWN_VALUE",
    "TOO_SHORT",
    "TOO_LONG",
    "TOO_SMALL",
    "TOO_LARGE",
    "NOT_A_MULTIPLE",
    "INVALID_FORMAT",
    "INVALID_JSON",
    "INVALID_DATE",
    "INVALID_DATE_TIME",
    "MISSING_OFFSET",
    "INVALID_VALUE",
    "NOT_APPLICABLE",
    "NOT_AFTER_START",
    "OVERLAPS_ITSELF",
    "WRONG_OFFSET",
    "NO_OCCURRENCE",
    "NOT_FOUND",
]
"""The code of a fault, for programs. docs/guide.md explains every code."""


class Fault(NamedTuple):
    """A rule that one field of a request breaks. A fault never contains the value that the client sent."""

    field: str
    message: str
    code: FaultCode = "INVALID_VALUE"


def _shorten(field: str) -> str:
    # A JSON string may contain half of a surrogate pair, which UTF-8 cannot encode.
    return field[:MAX_FIELD_CHARACTERS].encode(errors="replace").decode()


class ApiError(Exception):
    """An error that ends a request, with an HTTP status, a code and a message."""

    status: ClassVar[int]
    error: ClassVar[str]
    code: ClassVar[str]
    message: ClassVar[str]

    has_more: bool = False
    """True when the request has more faults or conflicting sessions than `details` lists."""

    @property
    def details(self) -> Sequence[Mapping[str, Any]]:
        """Return one entry for each fault or conflicting session, up to a limit. The entries are for programs."""
        return ()

    @property
    def headers(self) -> Mapping[str, str]:
        """Return the response headers that belong to the error."""
        return {}


class BadRequest(ApiError):
    """A request that breaks at least one rule."""

    status, error, code = 400, "Bad Request", "VALIDATION_FAILED"
    message = "The request is not valid. See details for the fields to correct."

    def __init__(self, *faults: Fault) -> None:
        super().__init__(*faults)
        self.faults = faults
        self.has_more = len(faults) > MAX_FAULTS

    @property
    def details(self) -> Sequence[Mapping[str, Any]]:
        return [
            {"field": _shorten(fault.field), "code": fault.code, "message": fault.message}
            for fault in self.faults[:MAX_FAULTS]
        ]


class InvalidTimeline(BadRequest):
    """A session whose `timelineId` is not the id of an existing timeline."""

    code = "INVALID_TIMELINE"
    message = "The timelineId does not refer to a timeline."

    def __init__(self) -> None:
        super().__init__(Fault("timelineId", "Must be the id of an existing timeline.", "NOT_FOUND"))


class Unauthorized(ApiError):
    """A request without a valid token. `challenge` is an error code of RFC 6750; None if the request has no token."""

    status, error, code = 401, "Unauthorized", "UNAUTHORIZED"
    message = "The token is missing or not valid. Send the header Authorization: Bearer <token>."

    def __init__(self, challenge: str | None = None) -> None:
        super().__init__(challenge)
        self.challenge = challenge

    @property
    def headers(self) -> Mapping[str, str]:
        challenge = f', error="{self.challenge}"' if self.challenge else ""
        return {"WWW-Authenticate": f'Bearer realm="sessions"{challenge}'}


class InvalidSubject(Unauthorized):
    """A valid token whose subject is not a possible `ownerId`."""

    message = "The token's subject (claim sub) must be 1 to 128 visible ASCII characters."

    def __init__(self) -> None:
        super().__init__("invalid_token")


class Forbidden(ApiError):
    """An action that the caller's role does not allow."""

    status, error, code = 403, "Forbidden", "FORBIDDEN"
    message = (
        "Your role does not allow this action on a timeline of another owner. "
        "Use one of your own timelines, or ask an administrator."
    )


class NotFound(ApiError):
    """A request for a resource that does not exist, or was deleted."""

    status, error, code = 404, "Not Found", "NOT_FOUND"
    message = "The resource does not exist, or was deleted."


class NoOccurrence(NotFound):
    """A request for an occurrence on a date on which the session has no occurrence."""

    message = "The session has no occurrence on this date. The occurrence may have been cancelled or changed."


class SchedulingConflict(ApiError):
    """A session that overlaps other sessions of the same owner."""

    status, error, code = 409, "Conflict", "SCHEDULING_CONFLICT"
    message = "The session overlaps other sessions of the same owner. See details."

    def __init__(self, conflicts: Sequence[Mapping[str, Any]], has_more: bool = False) -> None:
        super().__init__(len(conflicts))
        self.conflicts = conflicts
        self.has_more = has_more

    @property
    def details(self) -> Sequence[Mapping[str, Any]]:
        return self.conflicts


class TimelineNotEmpty(ApiError):
    """The deletion of a timeline that still has sessions."""

    status, error, code = 409, "Conflict", "TIMELINE_NOT_EMPTY"
    message = "The timeline still has sessions. Delete the sessions or move them to another timeline first."


class LastOccurrence(ApiError):
    """A cancellation or a change of the only occurrence of a series."""

    status, error, code = 409, "Conflict", "LAST_OCCURRENCE"
    message = "The series has no other occurrence. Delete or change the series instead."


class FirstOccurrence(ApiError):
    """A split at the first occurrence of a series."""

    status, error, code = 409, "Conflict", "FIRST_OCCURRENCE"
    message = "The series has no occurrence before this date. Change the series instead."


class TooManyExcludedDates(ApiError):
    """A cancellation or a change of an occurrence of a series that already excludes 366 dates."""

    status, error, code = 409, "Conflict", "TOO_MANY_EXCLUDED_DATES"
    message = "The series has 366 excluded dates, which is the limit. Split the series at this date first."


class PreconditionFailed(ApiError):
    """A request whose `If-Match` header does not contain the current `ETag` of the resource."""

    status, error, code = 412, "Precondition Failed", "PRECONDITION_FAILED"
    message = "The resource has changed since you read it. Fetch the resource again and retry."


class PayloadTooLarge(ApiError):
    """A body that is larger than 64 KB."""

    status, error, code = 413, "Content Too Large", "PAYLOAD_TOO_LARGE"
    message = "The body is larger than 64 KB. Send a smaller body."


class IdempotencyKeyReused(ApiError):
    """An `Idempotency-Key` that an earlier, different request has used."""

    status, error, code = 422, "Unprocessable Content", "IDEMPOTENCY_KEY_REUSED"
    message = "An earlier request with this Idempotency-Key was different. Send a new key with a new request."


class InternalError(ApiError):
    """An unexpected exception in the service."""

    status, error, code = 500, "Internal Server Error", "INTERNAL_ERROR"
    message = "Something went wrong on our side. Contact support and quote the requestId."


class ServiceUnavailable(ApiError):
    """A failure that may be temporary. The client may retry the request."""

    status, error, code = 503, "Service Unavailable", "SERVICE_UNAVAILABLE"
    message = "The service is busy. Wait a moment and retry."

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Retry-After": "1"}


class Throttled(ServiceUnavailable):
    """A DynamoDB call that DynamoDB throttled."""


class RetriesExhausted(ServiceUnavailable):
    """A write that still had a write conflict in the last attempt."""


class DecisionTooLong(ServiceUnavailable):
    """A conflict check that did not finish before the deadline of the request."""
