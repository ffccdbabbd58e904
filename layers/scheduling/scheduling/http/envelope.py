"""Bodies of all responses: one shape for success, one shape for failure."""

from collections.abc import Mapping, Sequence
from typing import Any

from scheduling.errors import ApiError


def success(
    data: object, skip: int = 0, take: int = 1, count: int = 1, etags: Sequence[str] | None = None
) -> dict[str, Any]:
    """Return the body of a success. A list also carries the entity tag of each row, in the order of `data`."""
    page: dict[str, Any] = {"skip": skip, "take": take, "count": count}
    if etags is not None:
        page["etags"] = etags
    return {"data": data, "meta": {"message": "success", "meta": page}}


def failure(error: ApiError, request_id: str) -> dict[str, Any]:
    """Return the body of a failure. API Gateway's own errors have their `message` in the same place."""
    body = {
        "statusCode": error.status,
        "error": error.error,
        "code": error.code,
        "message": error.message,
        "details": list(error.details),
        "requestId": request_id,
    }
    return {**body, "hasMore": True} if error.has_more else body


def etag(item: Mapping[str, Any]) -> str:
    """Return the strong entity tag of an entity (RFC 9110, section 8.8.3)."""
    return f'"{item["version"]}"'
