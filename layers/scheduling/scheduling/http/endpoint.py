"""Endpoints: the code that turns an event into a response, for every handler except `get_docs`.

Each handler names its models and its use case. For each request, this module authenticates the caller, validates the
input, calls the use case, builds the response and writes the log line. No other module of the layer turns exceptions
into responses.
"""

import base64
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
from scheduling.errors import (
    ApiError,
    BadRequest,
    Fault,
    InternalError,
    NotFound,
    PayloadTooLarge,
    PreconditionFailed,
)
from scheduling.http.auth import authenticate
from scheduling.http.cold_start import resume_collection
from scheduling.http.content_encoding import MIN_CHARACTERS, accepts_gzip
from scheduling.http.envelope import etag, failure, success
from scheduling.http.event import HttpEvent, read_event
from scheduling.http.request_log import Outcome, report
from scheduling.services.request import Request, identify_retries
from scheduling.services.results import EntityResult, Page
from scheduling.telemetry import telemetry

if TYPE_CHECKING:  # At run time, an endpoint without input does not import pydantic.
    from scheduling.dto import Input

Response = dict[str, Any]
View = Callable[[Any], dict[str, Any]]
UseCase = Callable[[Request], EntityResult | Page]

MAX_BODY_BYTES = 64 * 1024
MAX_QUERY_CHARACTERS = 8192
MAX_HEADER_CHARACTERS = 1024
LONGEST_REQUEST_SECONDS = 20
_SECONDS_TO_ANSWER = 8
"""The time reserved for the last attempt of a write before Lambda stops the function."""

_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
_IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,255}")
_ENTITY_TAG = re.compile(r'(?:W/)?"[!#-~]*"')  # RFC 9110, section 8.8.3
_VERSION = re.compile(r'"([0-9]{1,15})"')
_encode_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Endpoint(NamedTuple):
    """Description of an endpoint, for its handler and for the generator of the OpenAPI document."""

    view: View
    """The function that returns the fields of an entity or an occurrence that a client sees."""
    body: "type[Input] | None" = None
    query: "type[Input] | None" = None
    creates: str | None = None
    """For an endpoint that creates entities: the path of new entities without the id, such as `/sessions`.

    Only these endpoints accept an Idempotency-Key."""
    raises: tuple[type[ApiError], ...] = ()
    """The errors of this endpoint, in addition to the errors that follow from its path, `body` and `creates`."""


class Handler(Protocol):
    """A Lambda function's handler."""

    endpoint: Endpoint

    def __call__(self, event: Any, context: Any) -> Response: ...


def endpoint(
    view: View,
    *,
    body: "type[Input] | None" = None,
    query: "type[Input] | None" = None,
    creates: str | None = None,
    raises: tuple[type[ApiError], ...] = (),
) -> Callable[[UseCase], Handler]:
    """Turn a use case into a handler of HTTP API events."""
    described = Endpoint(view, body, query, creates, raises)

    def decorate(use_case: UseCase) -> Handler:
        @wraps(use_case)
        def lambda_handler(event: Any, context: Any) -> Response:
            response = _respond(described, use_case, read_event(event), context)
            resume_collection()
            return response

        lambda_handler.endpoint = described  # type: ignore[attr-defined]
        return lambda_handler  # type: ignore[return-value]

    return decorate


def _respond(described: Endpoint, use_case: UseCase, event: HttpEvent, context: Any) -> Response:
    started, now = time.monotonic(), datetime.now(UTC)
    telemetry.start_request()
    principal: Principal | None = None
    request: Request | None = None
    error: Exception | None = None
    try:
        principal = authenticate(event)
        request = _build_request(described, principal, event, now, _find_deadline(started, context))
        response = _build_result_response(described, use_case(request), request, event)
    # The gateway would turn an exception into a 500 whose body has another format, so this function handles every
    # exception.
    except Exception as raised:
        error = raised
        known = error if isinstance(error, ApiError) else InternalError()
        response = _build_response(known.status, failure(known, event.request_id), event, known.headers)
    milliseconds = (time.monotonic() - started) * 1000
    report(Outcome(event, context, principal, request, response["statusCode"], milliseconds, error, now))
    return response


def _find_deadline(started: float, context: Any) -> float:
    if context is None:
        return started + LONGEST_REQUEST_SECONDS
    remaining: float = context.get_remaining_time_in_millis() / 1000
    return started + min(LONGEST_REQUEST_SECONDS, remaining - _SECONDS_TO_ANSWER)


def _build_request(
    described: Endpoint, principal: Principal, event: HttpEvent, now: datetime, deadline: float
) -> Request:
    """Return the validated request. Check the input before the path parameters.

    Raises:
        BadRequest: the input has faults. The error lists the faults of the query, the body and the headers.
        PayloadTooLarge: the body is over the limit.
        NotFound: a path parameter is too long, or has a character that no id and no date has.
    """
    fields: dict[str, Any] = {}
    faults: list[Fault] = []
    for read, model in ((_read_query, described.query), (_read_body, described.body)):
        try:
            fields |= read(model, event)
        except BadRequest as error:
            faults += error.faults
    key = event.headers.get("idempotency-key") if described.creates else None
    if key is not None and not _IDEMPOTENCY_KEY.fullmatch(key):
        faults.append(
            Fault(
                "Idempotency-Key",
                "Must be 1 to 255 visible ASCII characters, such as a UUID.",
                "INVALID_FORMAT",
            )
        )
    versions = None
    if PreconditionFailed in described.raises:
        try:
            versions = _read_if_match(event.headers.get("if-match"))
        except BadRequest as error:
            faults += error.faults
    if faults:
        raise BadRequest(*faults)
    if not all(_ID.fullmatch(value) for value in event.path_parameters.values()):
        raise NotFound
    dry_run = fields.pop("dryRun", False)
    identity = None
    if described.creates and key is not None and not dry_run:
        route = event.route or described.creates
        identity = identify_retries(principal, route, key, {**fields, **event.path_parameters})
    return Request(
        principal=principal,
        path=event.path_parameters,
        fields=fields,
        now=now,
        new_id=str(uuid4()) if described.creates else "",
        expected_versions=versions,
        idempotency=identity,
        dry_run=dry_run,
        deadline=deadline,
    )


def _read_query(model: "type[Input] | None", event: HttpEvent) -> Mapping[str, Any]:
    """Return the validated query parameters, read from the raw query string.

    The parameters that the gateway has parsed cannot be used. The gateway joins the values of a repeated parameter with
    commas, and turns the `+` of a UTC offset into a space.
    """
    if len(event.query) > MAX_QUERY_CHARACTERS:
        raise BadRequest(
            Fault("query", f"Must have at most {MAX_QUERY_CHARACTERS:,} characters.", "TOO_LONG")
        )
    given: dict[str, Any] = {}
    faults: list[Fault] = []
    for pair in filter(None, event.query.split("&")):
        name, value = (unquote(part) for part in pair.partition("=")[::2])
        if model and name in model.repeatable:
            given.setdefault(name, []).append(value)
            continue
        if model and name in model.names() and name in given:
            faults.append(Fault(name, "Must be given only once.", "DUPLICATE"))
        given[name] = value
    if model is None:
        faults += [
            Fault(name, "Is not a query parameter of this endpoint.", "UNKNOWN_FIELD") for name in given
        ]
        fields: Mapping[str, Any] = {}
    else:
        from scheduling.dto import read

        try:
            fields = read(model, given)
        except BadRequest as error:
            faults += error.faults
    if faults:
        raise BadRequest(*faults)
    return fields


def _read_body(model: "type[Input] | None", event: HttpEvent) -> Mapping[str, Any]:
    if model is None:
        return {}
    from scheduling.dto import read

    # Base64 needs four characters for three bytes. Check the length first, so that a much larger body is never decoded.
    # After the decoding, check the exact limit.
    if len(event.body) > (MAX_BODY_BYTES * 4 // 3 + 4 if event.is_base64 else MAX_BODY_BYTES):
        raise PayloadTooLarge
    try:
        raw = event.body.encode()
        if event.is_base64:
            raw = base64.b64decode(raw, validate=True)
        if len(raw) > MAX_BODY_BYTES:
            raise PayloadTooLarge
        value = json.loads(raw.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise BadRequest(Fault("body", "Must be a JSON object.", "INVALID_JSON")) from None
    return read(model, value)


def _refuse_constant(constant: str) -> None:
    raise ValueError(constant)  # Python's parser accepts NaN and Infinity, which are not JSON.


def _read_if_match(header: str | None) -> frozenset[int] | None:
    """Return the versions that an If-Match header names; None if every version is accepted."""
    if header is None or header.strip() == "*":
        return None
    if len(header) > MAX_HEADER_CHARACTERS:
        raise BadRequest(
            Fault("If-Match", f"Must have at most {MAX_HEADER_CHARACTERS:,} characters.", "TOO_LONG")
        )
    tags = [tag.strip() for tag in header.split(",")]
    if not all(_ENTITY_TAG.fullmatch(tag) for tag in tags):
        text = 'Must be the ETag of the resource with its double quotes, such as "2", or *.'
        raise BadRequest(Fault("If-Match", text, "INVALID_FORMAT"))
    return frozenset(int(match[1]) for tag in tags if (match := _VERSION.fullmatch(tag)))


def _build_result_response(
    described: Endpoint, result: EntityResult | Page, request: Request, event: HttpEvent
) -> Response:
    if isinstance(result, Page):
        rows = [described.view(item) for item in result.items]
        etags = [etag(item) for item in result.items] if request.fields.get("etags") else None
        return _build_response(200, success(rows, result.skip, result.take, result.total, etags), event)
    body = success(described.view(result.item))
    # A dry run stores nothing. So no stored version (ETag) equals the response, and a new entity has no URL (Location).
    if request.dry_run:
        return _build_response(200, body, event)
    tag = etag(result.item)
    headers = {"ETag": tag}
    known = {text.strip() for text in event.headers.get("if-none-match", "").split(",")}
    if event.method == "GET" and known & {"*", tag, f"W/{tag}"}:
        return _build_response(304, None, event, headers)
    if described.creates:
        headers["Location"] = _build_location(event, described.creates, result.item["id"])
    if result.replayed:
        headers["Idempotency-Replayed"] = "true"
    return _build_response(200, body, event, headers)


def _build_location(event: HttpEvent, creates: str, id: str) -> str:
    """Return the path of a new entity. The stage, or the base path of a custom domain, comes from the event's path."""
    segments = event.route.count("/")
    prefix = event.path.rsplit("/", segments)[0] if segments else ""
    return f"{prefix}{creates}/{id}"


def _build_response(
    status: int,
    body: Mapping[str, Any] | None,
    event: HttpEvent,
    extra: Mapping[str, str] | None = None,
) -> Response:
    headers = {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "X-Request-Id": event.request_id,
        **(extra or {}),
    }
    text = "" if body is None else _encode_json(body)
    if len(text) < MIN_CHARACTERS:
        return {"statusCode": status, "headers": headers, "body": text}
    headers["Vary"] = "Accept-Encoding"
    if "ETag" in headers or not accepts_gzip(event.headers.get("accept-encoding", "")):
        return {"statusCode": status, "headers": headers, "body": text}
    import gzip  # imported here, because most responses are small and need no gzip

    headers["Content-Encoding"] = "gzip"
    compressed = base64.b64encode(gzip.compress(text.encode(), 5, mtime=0)).decode()
    return {"statusCode": status, "headers": headers, "body": compressed, "isBase64Encoded": True}
