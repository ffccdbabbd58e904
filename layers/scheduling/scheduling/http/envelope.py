"""Bodies of the API's responses: one format for success, and one format for failure."""

from collections.abc import Mapping, Sequence
from typing import Any

from scheduling.errors import ApiError


def success(
    data: object, skip: int = 0, take: int = 1, count: int = 1, etags: Sequence[str] | None = None
) -> dict[str, Any]:
    """Return the body of a successful response. `etags` has the entity tag of each row, in the order of `data`."""
    page: dict[str, Any] = {"skip": skip, "take": take, "count": count}
    if etags is not None:
        page["etags"] = etags
    return {"data": data, "meta": {"message": "success", "meta": page}}


def failure(error: ApiError, request_id: str) -> dict[str, Any]:
    """Return the body of an error response. The errors that API Gateway returns also have a field `message`."""
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
