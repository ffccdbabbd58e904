"""API without a gateway: handlers, called with the events that the HTTP API would send for a caller."""

import base64
import gzip
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, NamedTuple
from urllib.parse import urlencode

from tests.support.template import ROOT, route


@dataclass(frozen=True)
class Answer:
    """The response of a handler."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def data(self) -> Any:
        """Return the `data` of a successful response."""
        assert self.status == 200, self
        return self.body["data"]

    @property
    def count(self) -> int:
        """Return the `count` of a list: the number of all matches on all pages."""
        count: int = self.body["meta"]["meta"]["count"]
        return count


class Caller(NamedTuple):
    """A caller with a token that the gateway verified."""

    id: str
    roles: str = ""
    """The claim with the roles, in the format in which the HTTP API forwards a list: `[ADMIN USER]`."""

    def call(
        self,
        function: str,
        *,
        id: str = "",
        body: object = None,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Call the handler in the folder `functions/<function>`.

        `id` is the id in the path, and `body` is sent as JSON. If the path has an id and a date, `id` contains
        both: `<id>/<date>`.
        """
        response = handler(function)(self.event(function, id, body, query or {}, headers or {}), None)
        text = response["body"]
        if response.get("isBase64Encoded"):
            text = gzip.decompress(base64.b64decode(text))
        return Answer(response["statusCode"], response["headers"], json.loads(text) if text else None)

    def event(
        self, function: str, id: str, body: object, query: Mapping[str, object], headers: Mapping[str, str]
    ) -> dict[str, Any]:
        """Build the function's event from `events/`, with this caller, body and query."""
        event = load_event(function)
        for part in ("queryStringParameters", "pathParameters", "body"):
            event.pop(part, None)
        _, path = route(function)
        names = re.findall(r"{(\w+)}", path)
        parameters = dict(zip(names, id.split("/", len(names) - 1) if names else [], strict=True))
        for name, value in parameters.items():
            path = path.replace(f"{{{name}}}", value)
        event["rawPath"] = event["requestContext"]["http"]["path"] = path
        event["rawQueryString"] = urlencode(query, doseq=True)
        event["headers"] |= headers
        claims = {"sub": self.id, **({"cognito:groups": self.roles} if self.roles else {})}
        event["requestContext"]["authorizer"]["jwt"]["claims"] = claims
        if query:
            event["queryStringParameters"] = {name: str(value) for name, value in query.items()}
        if parameters:
            event["pathParameters"] = parameters
        if body is not None:
            event["body"] = json.dumps(body)
        assert event["routeKey"] == " ".join(route(function))
        return event


def load_event(function: str) -> dict[str, Any]:
    """Return the event of a function from `events/`."""
    event: dict[str, Any] = json.loads((ROOT / "events" / f"{function}.json").read_text("utf-8"))
    return event


def new_timeline(caller: Caller, **fields: str) -> str:
    """Create a timeline and return its id."""
    id: str = caller.call("create_timeline", body={"name": "Routine", **fields}).data["id"]
    return id


def handler(function: str) -> Any:
    """Import the handler of a function."""
    return import_module(f"functions.{function}.handler").lambda_handler
