"""The bodies of all responses: one shape for success, one for failure."""

from collections.abc import Mapping
from typing import Any

from scheduling.errors import ApiError


def success(data: object, skip: int = 0, take: int = 1, count: int = 1) -> dict[str, Any]:
    """The body of a success."""
    return {
        "data": data,
        "meta": {"message": "success", "meta": {"skip": skip, "take": take, "count": count}},
    }


def failure(error: ApiError, request_id: str) -> dict[str, Any]:
    """The body of a failure. API Gateway's own errors have their `message` in the same place."""
    return {
        "statusCode": error.status,
        "error": error.error,
        "code": error.code,
        "message": error.message,
        "details": list(error.details),
        "requestId": request_id,
    }


def etag(item: Mapping[str, Any]) -> str:
    """The strong entity tag of one thing (RFC 9110, section 8.8.3)."""
    return f'"{item["version"]}"'
