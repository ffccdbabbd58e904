"""The API without a gateway: handlers, called with the events that the HTTP API would send for a caller."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, NamedTuple
from urllib.parse import quote_plus, urlencode

from tests.template import route


@dataclass(frozen=True)
class Answer:
    """What a handler answered."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def data(self) -> Any:
        """What a success is about."""
        assert self.status == 200, self
        return self.body["data"]

    @property
    def count(self) -> int:
        """How many match in all."""
        count: int = self.body["meta"]["meta"]["count"]
        return count


class Caller(NamedTuple):
    """Somebody with a token that the gateway verified."""

    id: str
    roles: str = ""
    """As the HTTP API passes them on: `[ADMIN USER]`."""

    def call(
        self,
        function: str,
        *,
        id: str = "",
        body: object = None,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Call a function by the name of its folder; `id` fills the path, and `body` is sent as JSON."""
        response = handler(function)(self.event(function, id, body, query or {}, headers or {}), None)
        text = response["body"]
        return Answer(response["statusCode"], response["headers"], json.loads(text) if text else None)

    def event(
        self, function: str, id: str, body: object, query: Mapping[str, object], headers: Mapping[str, str]
    ) -> dict[str, Any]:
        """The event of an HTTP API, payload format 2.0."""
        method, path = route(function)
        parameter = path.partition("{")[2].rstrip("}")
        raw_path = path.partition("{")[0] + id
        raw_query = urlencode(query, quote_via=quote_plus)
        claims = {"sub": self.id, **({"cognito:groups": self.roles} if self.roles else {})}
        return {
            "version": "2.0",
            "routeKey": f"{method} {path}",
            "rawPath": raw_path,
            "rawQueryString": raw_query,
            "headers": {"content-type": "application/json", **headers},
            **({"queryStringParameters": {k: str(v) for k, v in query.items()}} if query else {}),
            **({"pathParameters": {parameter: id}} if parameter else {}),
            "requestContext": {
                "authorizer": {"jwt": {"claims": claims, "scopes": None}},
                "http": {"method": method, "path": raw_path},
                "requestId": f"{function}-of-{self.id}",
                "routeKey": f"{method} {path}",
                "stage": "$default",
            },
            **({} if body is None else {"body": json.dumps(body)}),
            "isBase64Encoded": False,
        }


def handler(function: str) -> Any:
    """The handler of a function."""
    return import_module(f"functions.{function}.handler").lambda_handler
