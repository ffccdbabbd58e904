"""Events of the HTTP API (payload format 2.0). `read_event` never raises an exception, even for a malformed event.

Events of `sam local`, of the console and of direct invocations may lack fields that API Gateway always sends.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple


class HttpEvent(NamedTuple):
    """One HTTP request, as the gateway forwards it to the function."""

    request_id: str
    route: str
    """The method and the path template, such as `GET /sessions/{sessionId}`."""
    method: str
    path: str
    """The whole path, including the stage or the base path of a custom domain."""
    path_parameters: Mapping[str, str]
    query: str
    """The raw query string."""
    headers: Mapping[str, str]
    """The headers under their names in lower case."""
    body: str
    is_base64: bool
    claims: Mapping[str, Any]
    """The claims that the gateway verified; empty when no authorizer ran."""


def read_event(raw: object) -> HttpEvent:
    """Return the parts of an event that endpoints need. A missing or malformed part becomes empty."""
    event = _read_mapping(raw)
    context = _read_mapping(event.get("requestContext"))
    http = _read_mapping(context.get("http"))
    return HttpEvent(
        request_id=_read_text(context.get("requestId")),
        route=_read_text(event.get("routeKey")),
        method=_read_text(http.get("method")),
        path=_read_text(event.get("rawPath")),
        path_parameters=_read_texts(event.get("pathParameters")),
        query=_read_text(event.get("rawQueryString")),
        headers={name.lower(): value for name, value in _read_texts(event.get("headers")).items()},
        body=_read_text(event.get("body")),
        is_base64=event.get("isBase64Encoded") is True,
        claims=_read_mapping(
            _read_mapping(_read_mapping(context.get("authorizer")).get("jwt")).get("claims")
        ),
    )


def _read_mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _read_text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _read_texts(value: object) -> dict[str, str]:
    return {
        name: text
        for name, text in _read_mapping(value).items()
        if isinstance(name, str) and isinstance(text, str)
    }
