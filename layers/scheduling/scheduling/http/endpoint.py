"""The one path from an event to a response: who calls, what is asked, the work, the envelope, the log line.

A handler is what is left. Whatever goes wrong on the way is turned into a response here and nowhere else.
"""

import base64
import gc
import json
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from urllib.parse import unquote
from uuid import uuid4

from scheduling.domain.permissions import Principal
from scheduling.errors import ApiError, BadRequest, Fault, InternalError, NotFound
from scheduling.http.auth import principal
from scheduling.http.envelope import etag, failure, success
from scheduling.http.request_log import Outcome, report
from scheduling.services.request import Request, idempotency
from scheduling.services.results import One, Page
from scheduling.telemetry import telemetry

if TYPE_CHECKING:  # an endpoint that takes no input needs no model, and so no pydantic
    from scheduling.dto import Input

Event = Mapping[str, Any]
Response = dict[str, Any]
View = Callable[[Any], dict[str, Any]]
Work = Callable[[Request], One | Page]

_to_json = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":")
).encode  # made once, not for each answer
_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
_IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,255}")


class Endpoint(NamedTuple):
    """What an endpoint is, apart from its work; the OpenAPI document is made from this too."""

    view: View
    """What a client sees of the thing, or of each thing, that the work returns."""
    body: "type[Input] | None" = None
    query: "type[Input] | None" = None
    creates: str | None = None
    """The path under which a new thing is found; only what creates takes an Idempotency-Key."""
    raises: tuple[type[ApiError], ...] = ()
    """The failures that are its own, besides those that any endpoint has."""


class Handler(Protocol):
    """A Lambda function's handler."""

    endpoint: Endpoint

    def __call__(self, event: Event, context: Any) -> Response: ...


def endpoint(
    view: View,
    *,
    body: "type[Input] | None" = None,
    query: "type[Input] | None" = None,
    creates: str | None = None,
    raises: tuple[type[ApiError], ...] = (),
) -> Callable[[Work], Handler]:
    """Make a handler of HTTP API events (payload format 2.0) from the work that its endpoint does."""
    this = Endpoint(view, body, query, creates, raises)

    def decorate(work: Work) -> Handler:
        @wraps(work)
        def lambda_handler(event: Event, context: Any) -> Response:
            response = _respond(this, work, event)
            if not gc.isenabled():  # off since the import, see `scheduling`
                gc.freeze()
                gc.enable()
            return response

        lambda_handler.endpoint = this  # type: ignore[attr-defined]
        return lambda_handler  # type: ignore[return-value]

    return decorate


def _respond(this: Endpoint, work: Work, event: Event) -> Response:
    started, now = time.perf_counter(), datetime.now(UTC)
    telemetry.reset()
    caller: Principal | None = None
    failed: Exception | None = None
    request_id = str(event.get("requestContext", {}).get("requestId", ""))
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    try:
        caller = principal(event)
        answer = work(_request(this, caller, event, headers, now))
        response = _success(this, answer, event, headers)
    except Exception as error:  # nothing may be raised to the gateway, which would answer in another shape
        failed = error
        known = error if isinstance(error, ApiError) else InternalError()
        response = _response(known.status, failure(known, request_id), known.headers)
    report(
        Outcome(
            request_id=request_id,
            route=str(event.get("routeKey", "")),
            principal_id=caller.id if caller else None,
            status=response["statusCode"],
            milliseconds=(time.perf_counter() - started) * 1000,
            retries=telemetry.retries,
            error=failed,
            now_milliseconds=int(now.timestamp() * 1000),
        )
    )
    return response


def _request(
    this: Endpoint,
    caller: Principal,
    event: Event,
    headers: Mapping[str, str],
    now: datetime,
) -> Request:
    """What is asked; the input is judged before the id in the path is, which may refer to nothing.

    Raises:
        BadRequest: the input breaks a rule; with all its faults.
        NotFound: no id looks like that.
    """
    faults: list[Fault] = []
    fields: dict[str, Any] = {}
    for read, model in ((_query, this.query), (_body, this.body)):
        try:
            fields |= read(model, event)
        except BadRequest as error:
            faults += error.faults
    key = headers.get("idempotency-key") if this.creates else None
    if key is not None and not _IDEMPOTENCY_KEY.fullmatch(key):
        faults.append(Fault("Idempotency-Key", "Must be 1 to 255 visible ASCII characters."))
    if faults:
        raise BadRequest(*faults)
    path = event.get("pathParameters") or {}
    if not all(_ID.fullmatch(value) for value in path.values()):
        raise NotFound
    if_match = headers.get("if-match")
    return Request(
        principal=caller,
        path=path,
        fields=fields,
        now=now,
        new_id=str(uuid4()) if this.creates else "",
        expected_versions=None if if_match is None else _versions(if_match),
        idempotency=idempotency(caller, this.creates, key, fields) if this.creates and key else None,
    )


def _query(model: "type[Input] | None", event: Event) -> Mapping[str, Any]:
    """The query parameters, read from the raw query.

    The gateway's own reading joins a repeated parameter with commas, and makes the `+` of an offset a space.
    """
    given: dict[str, Any] = {}
    faults: list[Fault] = []
    repeatable = model.repeatable if model else frozenset()
    for pair in filter(None, event.get("rawQueryString", "").split("&")):
        name, _, value = pair.partition("=")
        name = unquote(name)
        if name in repeatable:
            given.setdefault(name, []).append(unquote(value))
            continue
        if name in given:
            faults.append(Fault(name, "Must be given only once."))
        given[name] = unquote(value)
    if model is None:
        fields: Mapping[str, Any] = {}
        faults += [Fault(name, "Is not a query parameter of this endpoint.") for name in given]
    else:
        from scheduling.dto import read

        try:
            fields = read(model, given)
        except BadRequest as error:
            faults += error.faults
    if faults:
        raise BadRequest(*faults)
    return fields


def _body(model: "type[Input] | None", event: Event) -> Mapping[str, Any]:
    if model is None:
        return {}
    from scheduling.dto import read

    try:
        text = event.get("body") or ""
        if event.get("isBase64Encoded"):
            text = base64.b64decode(text, validate=True).decode()
        raw = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise BadRequest(Fault("body", "Must be a JSON object.")) from None
    return read(model, raw)


def _refuse(constant: str) -> None:
    raise ValueError(constant)  # NaN and Infinity, which Python reads, are no JSON


def _tags(header: str) -> frozenset[str]:
    return frozenset(tag.strip() for tag in header.split(","))


def _versions(if_match: str) -> frozenset[int] | None:
    """Return the versions that an If-Match header names; None for `*`, which any version satisfies."""
    tags = _tags(if_match)
    if "*" in tags:
        return None
    return frozenset(int(tag[1:-1]) for tag in tags if re.fullmatch(r'"[0-9]{1,15}"', tag, re.ASCII))


def _success(this: Endpoint, answer: One | Page, event: Event, headers: Mapping[str, str]) -> Response:
    if isinstance(answer, Page):
        data = [this.view(item) for item in answer.items]
        return _response(200, success(data, answer.skip, answer.take, answer.total))
    tag = etag(answer.item)
    extra = {"ETag": tag}
    known = headers.get("if-none-match")
    if known and _tags(known) & {"*", tag, f"W/{tag}"} and event["requestContext"]["http"]["method"] == "GET":
        return _response(304, None, extra)
    if this.creates:
        extra["Location"] = (
            f"{event['rawPath']}/{answer.item['id']}"  # a stage's or a domain's path comes first
        )
    if answer.replayed:
        extra["Idempotency-Replayed"] = "true"
    return _response(200, success(this.view(answer.item)), extra)


def _response(
    status: int, body: Mapping[str, Any] | None, extra: Mapping[str, str] | None = None
) -> Response:
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store", **(extra or {})}
    text = "" if body is None else _to_json(body)
    return {"statusCode": status, "headers": headers, "body": text}
