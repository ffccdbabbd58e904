"""The OpenAPI document, made from what there is: template.yaml, the handlers, the models and the error classes.

    python -m local.openapi        writes docs/openapi.yaml (`make openapi`)

Paths, methods and who may call come from the template; bodies, queries, answers and failures from each
handler's `endpoint`; examples from `events/`. Only the words for people are written here. A test fails when
the committed file is not what this makes.
"""

import json
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, get_type_hints

import yaml
from samtranslator.yaml_helper import yaml_parse

from scheduling import dto, errors
from scheduling.domain import session, timeline
from scheduling.dto.create_session import CreateSession
from scheduling.dto.create_timeline import CreateTimeline
from scheduling.http.endpoint import Endpoint
from scheduling.http.envelope import failure, success
from scheduling.services.results import Page

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "openapi.yaml"

Json = dict[str, Any]

REQUEST_ID = "Q2x9ZjBkIAMEPPA="
SESSION_ID = "0f5c2a6e-8f1d-4c3b-9a7e-2d4b6c8e0f12"
STAMP = "2023-12-01T08:00:00.000Z"

ABOUT = """\
Schedules one-time and recurring sessions on timelines, and never books an owner twice.

**Answers.** A success is always 200: `data` is what was asked for, and `meta.meta.count` says how many match in
all. A failure has one shape: `message` is for a person, `code` for a program. What the gateway itself refuses
(no valid token, no such route, too many requests) has only `message`.

**Time.** Dates and times are ISO 8601 with an offset or `Z`, and come back as they were sent. Compare them as
instants, not as texts. A session's end is not part of it: one that ends at 10:00 and one that starts at 10:00 do
not overlap. A series never ends, and is reckoned in the offset of its `startDateTime`.

**Retrying.** GET, PATCH and DELETE can be sent again as they are; send a POST with an `Idempotency-Key`.
After a 503 wait as long as `Retry-After` says.
"""

TAGS = {
    "Sessions": "What is scheduled: once, or again and again.",
    "Timelines": "What sessions belong to (also called routines). A timeline has one owner, whose time they take.",
}

WORDS = {
    "create_session": "The owner's time must be free: for a series on every occurrence, however far away. "
    "With an `Idempotency-Key` it can be sent again without scheduling twice.",
    "get_session": "What a POST or PATCH answered, this sees at once. A removed session is a 404.",
    "list_sessions": "Your own timelines' sessions; for ADMIN and MANAGER everybody's. In the order of "
    "`startDateTime`, then of `id`. A page deep in the list takes no longer than the first. Lists and counts may "
    "be a second behind a write. `timelineId` can be given up to ten times: the timelines' sessions come in one "
    "order. A `timelineId` that refers to nothing adds nothing.",
    "update_session": "Only the fields that are sent change; `null` clears one. The changed session must be "
    "right as a whole, and its time free. `ONE_TIME` clears the cycle and the day.",
    "delete_session": "Answers the session with `removedAt`. From then on it is gone, and its time is free.",
    "create_timeline": "Its owner is you; an ADMIN may name somebody else. With an `Idempotency-Key` it can be "
    "sent again without making two.",
    "get_timeline": "What a POST or PATCH answered, this sees at once. A removed timeline is a 404.",
    "list_timelines": "Your own timelines; for ADMIN and MANAGER everybody's. The newest come first.",
    "update_timeline": "Only the fields that are sent change; `null` clears one. The owner never changes.",
    "delete_timeline": "Only a timeline without sessions can be removed. Answers it with `removedAt`.",
}

FIELD_WORDS = {
    "id": "Never changes.",
    "ownerId": "Whose time its sessions take: the `sub` of a user, or the id of a room, say. Never changes.",
    "createdAt": "UTC, to the millisecond.",
    "updatedAt": "UTC, to the millisecond.",
    "removedAt": "When it was removed; null as long as it is there. Only the answer to DELETE says it.",
}

HEADER_WORDS = {
    "ETag": ("Names this version: send it back as `If-Match` or `If-None-Match`.", '"1"'),
    "Location": ("Where the new thing is found.", f"/sessions/{SESSION_ID}"),
    "Idempotency-Replayed": (
        "`true` when this is the answer to an earlier request with the same key.",
        "true",
    ),
    "WWW-Authenticate": ("What kind of token is needed (RFC 6750).", 'Bearer realm="sessions"'),
    "Retry-After": ("How many seconds to wait before the next try.", "1"),
}

# No examples: the page at /docs would send them with every try, and a key or a version is right but once.
REQUEST_HEADERS: dict[str, Json] = {
    "Idempotency-Key": {
        "description": "Makes it safe to send the request again: the same key and body get the first answer again, "
        "for 24 hours. Take a new UUID for each new request.",
        "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    },
    "If-Match": {
        "description": 'The `ETag` that you read, such as `"1"`: a 412 instead of overwriting what was changed since.',
        "schema": {"type": "string"},
    },
    "If-None-Match": {
        "description": 'The `ETag` that you have, such as `"7"`: a 304 without a body while nothing has changed.',
        "schema": {"type": "string"},
    },
}

GATEWAY_STATUSES = {401, 403, 404, 500, 503}
"""What API Gateway may answer by itself, in a shape of its own, where our code may answer the same status."""


class Operation(NamedTuple):
    """A route of the template, and what the code says of it."""

    function: str
    method: str
    path: str
    endpoint: Endpoint
    is_list: bool
    summary: str
    event: Json

    @property
    def thing(self) -> str:
        return "Session" if self.endpoint.view is session.view else "Timeline"

    @property
    def changes(self) -> bool:
        return errors.PreconditionFailed in self.endpoint.raises


def operations() -> Iterator[Operation]:
    """The routes whose handlers are endpoints, in the order of the template."""
    for resource in template()["Resources"].values():
        if resource["Type"] != "AWS::Serverless::Function":
            continue
        function = Path(resource["Properties"]["CodeUri"]).name
        module = import_module(f"functions.{function}.handler")
        handler = module.lambda_handler
        if not hasattr(handler, "endpoint"):
            continue
        for event in resource["Properties"]["Events"].values():
            route = event["Properties"]
            yield Operation(
                function,
                route["Method"],
                route["Path"],
                handler.endpoint,
                get_type_hints(handler)["return"] is Page,
                (module.__doc__ or "").partition(": ")[2].strip().rstrip("."),
                json.loads((ROOT / "events" / f"{function}.json").read_text("utf-8")),
            )


def template() -> Json:
    loaded: Json = yaml_parse((ROOT / "template.yaml").read_text("utf-8"))
    return loaded


def document() -> Json:
    """The whole document."""
    paths: Json = {}
    for operation in operations():
        paths.setdefault(operation.path, {})[operation.method.lower()] = described(operation)
    version = next(
        line.split('"')[1]
        for line in (ROOT / "pyproject.toml").read_text("utf-8").splitlines()
        if line.startswith("version")
    )
    made: Json = {
        "openapi": "3.1.0",
        "info": {
            "title": "Sessions API",
            "version": version,
            "description": ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": ".", "description": "Where this document comes from"}],
        "tags": [{"name": name, "description": words} for name, words in TAGS.items()],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "responses": shared_failures(),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "A token of the issuer that the API was deployed with.",
                }
            },
        },
    }
    unshared: Json = json.loads(json.dumps(made))  # YAML would write as an anchor what is there twice
    return unshared


# --- Operations


def described(operation: Operation) -> Json:
    """One operation: what it takes, and every answer it may give."""
    if operation.function not in WORDS:
        raise LookupError(f"Say in WORDS, in local/openapi.py, what {operation.function} does.")
    verb, _, noun = operation.function.partition("_")
    made: Json = {
        "operationId": verb + "".join(word.title() for word in noun.split("_")),
        "tags": [f"{operation.thing}s"],
        "summary": operation.summary[0].upper() + operation.summary[1:],
        "description": WORDS[operation.function],
    }
    if parameters := list(parameters_of(operation)):
        made["parameters"] = parameters
    if body := operation.endpoint.body:
        content = {"schema": reference(body.__name__), "example": json.loads(operation.event["body"])}
        made["requestBody"] = {"required": True, "content": {"application/json": content}}
    made["responses"] = {"200": answer(operation)}
    if not operation.is_list and operation.method == "GET":
        made["responses"]["304"] = {
            "description": "You have it already: `If-None-Match` names this version.",
            "headers": {"ETag": header("ETag")},
        }
    made["responses"] |= failures(operation)
    if route_is_public(operation):
        made["security"] = []
    return made


def route_is_public(operation: Operation) -> bool:
    for resource in template()["Resources"].values():
        for event in resource.get("Properties", {}).get("Events", {}).values():
            route = event["Properties"]
            if (route["Method"], route["Path"]) == (operation.method, operation.path):
                return bool(route.get("Auth", {}).get("Authorizer") == "NONE")
    raise LookupError(operation)


def parameters_of(operation: Operation) -> Iterator[Json]:
    for name, value in operation.event.get("pathParameters", {}).items():
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "description": f"The id of the {operation.thing.lower()}.",
            "schema": {"type": "string", "pattern": "^[0-9A-Za-z-]{1,64}$"},
            "example": value,
        }
    if operation.endpoint.query:
        examples = operation.event.get("queryStringParameters", {})
        for name, schema in plain(operation.endpoint.query)["properties"].items():
            schema = without_null(schema)
            parameter = {
                "name": name,
                "in": "query",
                "description": schema.pop("description"),
                "schema": schema,
            }
            if name in examples:
                example = examples[name]
                made_of = {"integer": int(example) if example.isdecimal() else example, "array": [example]}
                parameter["example"] = made_of.get(str(schema.get("type")), example)
            yield parameter
    for name in headers_taken(operation):
        yield {"name": name, "in": "header", **REQUEST_HEADERS[name]}


def headers_taken(operation: Operation) -> Iterator[str]:
    if operation.endpoint.creates:
        yield "Idempotency-Key"
    if operation.changes:
        yield "If-Match"
    if operation.method == "GET" and not operation.is_list:
        yield "If-None-Match"


def answer(operation: Operation) -> Json:
    """The success."""
    one = example(operation)
    body = success([one] if operation.is_list else one, take=10 if operation.is_list else 1)
    schema = reference(operation.thing + ("Page" if operation.is_list else "Answer"))
    made: Json = {
        "description": "Some of the list." if operation.is_list else f"The {operation.thing.lower()}."
    }
    if not operation.is_list:
        names = ["ETag", *(["Location", "Idempotency-Replayed"] if operation.endpoint.creates else [])]
        made["headers"] = {name: header(name) for name in names}
    made["content"] = {"application/json": {"schema": schema, "example": body}}
    if creates := operation.endpoint.creates:
        made["links"] = links_from(operation.thing, creates)
    return made


def links_from(thing: str, path: str) -> Json:
    """What can be done next with what was created."""
    return {
        f"{verb}It": {
            "operationId": f"{verb}{thing}",
            "parameters": {f"{thing.lower()}Id": "$response.body#/data/id"},
        }
        for verb in ("get", "update", "delete")
    }


def example(operation: Operation) -> Json:
    """What the operation would answer to its event."""
    asked = json.loads(operation.event["body"]) if operation.endpoint.body else {}
    owner = operation.event["requestContext"]["authorizer"]["jwt"]["claims"]["sub"]
    noun = operation.thing.lower()
    begun = json.loads(json.loads((ROOT / "events" / f"create_{noun}.json").read_text("utf-8"))["body"])
    path = operation.event.get("pathParameters", {})
    id = next(iter(path.values()), SESSION_ID if noun == "session" else begun_timeline())
    module: Any = session if noun == "session" else timeline
    item = module.create(begun, id, owner, STAMP)
    if not operation.endpoint.creates and operation.endpoint.body:
        arguments = (owner, STAMP) if noun == "session" else (STAMP,)
        item = module.change(item, asked, *arguments)
    if operation.method == "DELETE":
        item = module.remove(item, STAMP, 0)
    made: Json = operation.endpoint.view(item)
    return made


def begun_timeline() -> str:
    id: str = json.loads(json.loads((ROOT / "events" / "create_session.json").read_text("utf-8"))["body"])[
        "timelineId"
    ]
    return id


# --- Failures


def raised(operation: Operation) -> set[type[errors.ApiError]]:
    """Every failure that an operation may answer: those of any endpoint, its own, and what its inputs entail."""
    found = {errors.BadRequest, errors.Unauthorized, errors.InternalError, errors.ServiceUnavailable}
    found |= set(operation.endpoint.raises)
    if "{" in operation.path:
        found |= {errors.NotFound}
    if "{" in operation.path or operation.endpoint.body:
        found |= {errors.Forbidden}
    if operation.endpoint.creates:
        found |= {errors.IdempotencyKeyReused}
    return found


def failures(operation: Operation) -> Json:
    """The failures of an operation by status; one that has its status for itself is shared between operations."""
    by_status: dict[int, list[type[errors.ApiError]]] = {}
    for error in sorted(
        raised(operation), key=lambda error: (error.status, error.code != "VALIDATION_FAILED")
    ):
        by_status.setdefault(error.status, []).append(error)
    made: Json = {
        str(status): failed(classes)
        if len(classes) > 1
        else {"$ref": f"#/components/responses/{classes[0].__name__}"}
        for status, classes in by_status.items()
    }
    made["429"] = {"$ref": "#/components/responses/TooManyRequests"}
    return dict(sorted(made.items()))


def shared_failures() -> Json:
    made = {error.__name__: failed([error]) for error in every_failure()}
    made["TooManyRequests"] = {
        "description": "More requests than the API takes: wait, and try again.",
        "content": {
            "application/json": {
                "schema": reference("GatewayFailure"),
                "example": {"message": "Too Many Requests"},
            }
        },
    }
    return made


def every_failure() -> list[type[errors.ApiError]]:
    found = {error for operation in operations() for error in raised(operation)}
    return sorted(found, key=lambda error: (error.status, error.__name__))


def failed(classes: list[type[errors.ApiError]]) -> Json:
    """An answer with one status, for which there may be several reasons."""
    shapes = [reference(error.__name__) for error in classes]
    instances = [instance(error) for error in classes]
    examples = {error.code: {"value": failure(error, REQUEST_ID)} for error in instances}
    if classes[0].status in GATEWAY_STATUSES:
        shapes.append(reference("GatewayFailure"))
        examples["GATEWAY"] = {"value": {"message": classes[0].error}}
    made: Json = {"description": " Or: ".join(f"`{error.code}`: {error.message}" for error in instances)}
    if names := [name for error in instances for name in error.headers]:
        made["headers"] = {name: header(name) for name in names}
    schema = shapes[0] if len(shapes) == 1 else {"anyOf": shapes}
    made["content"] = {"application/json": {"schema": schema, "examples": examples}}
    return made


def instance(error: type[errors.ApiError]) -> errors.ApiError:
    """One such failure, as an example."""
    if error is errors.BadRequest:
        return errors.BadRequest(errors.Fault("endDateTime", "Must be after startDateTime."))
    if error is errors.SchedulingConflict:
        clash = {"sessionId": SESSION_ID, "name": "Weekly Yoga Class"}
        times = {"startDateTime": "2023-12-08T09:00:00Z", "endDateTime": "2023-12-08T10:00:00Z"}
        return errors.SchedulingConflict([{**clash, **times}])
    return error()


# --- Schemas


def schemas() -> Json:
    """All shapes: what is sent, what is answered, and the failures."""
    made: Json = {}
    for operation in operations():
        if body := operation.endpoint.body:
            made[body.__name__] = request_schema(body)
    for thing, fields, model in (
        ("Session", session.FIELDS, CreateSession),
        ("Timeline", timeline.FIELDS, CreateTimeline),
    ):
        made[thing] = response_schema(thing, fields, model)
        made[f"{thing}Answer"] = envelope(reference(thing))
        made[f"{thing}Page"] = envelope({"type": "array", "items": reference(thing)})
    made["Meta"] = meta()
    made["Fault"] = strict(
        {"field": {"type": "string"}, "message": {"type": "string"}}, "What is wrong with one field."
    )
    clash = {
        "sessionId": {"type": "string", "description": "Only where you may read the session."},
        "name": {"type": ["string", "null"], "description": "Only where you may read the session."},
        "startDateTime": {"type": ["string", "null"], "format": "date-time"},
        "endDateTime": {"type": ["string", "null"], "format": "date-time"},
    }
    made["Clash"] = strict(clash, "A session in the way, with its earliest occurrence that clashes.")
    made["Clash"]["required"] = ["startDateTime", "endDateTime"]
    for error in every_failure():
        made[error.__name__] = failure_schema(error)
    made["GatewayFailure"] = {
        "type": "object",
        "description": "What the gateway in front of the API answers by itself.",
        "properties": {"message": {"type": "string"}},
        "required": ["message"],
        "not": {"required": ["code"]},
    }
    return made


def request_schema(model: type[dto.Input]) -> Json:
    made = plain(model)
    ignored = {"description": "Ignored, so that what was read can be sent back."}
    made["properties"] |= {field: ignored for field in sorted(model.read_only)}
    return made


def response_schema(thing: str, fields: tuple[str, ...], model: type[dto.Input]) -> Json:
    """What a client sees: every field, null where it is not set."""
    sent = plain(model)["properties"]
    own: Json = {
        "id": {"type": "string"},
        "ownerId": {"type": "string"},
        "createdAt": {"type": "string", "format": "date-time"},
        "updatedAt": {"type": "string", "format": "date-time"},
        "removedAt": {"type": ["string", "null"], "format": "date-time"},
    }
    properties = {
        field: {**own[field], "description": FIELD_WORDS[field]} if field in own else answered(sent[field])
        for field in fields
    }
    return strict(properties, f"A {thing.lower()}: always every field, null where it is not set.")


def answered(schema: Json) -> Json:
    """A field as it comes back: without the limits of what may be sent."""
    return {key: value for key, value in schema.items() if key in ("type", "enum", "format", "description")}


def envelope(data: Json) -> Json:
    return strict({"data": data, "meta": reference("Meta")})


def meta() -> Json:
    numbers: Json = {
        "skip": {"type": "integer", "description": "How many were left out from the beginning."},
        "take": {"type": "integer", "description": "How many were asked for at the most."},
        "count": {"type": "integer", "description": "How many match in all, not on this page."},
    }
    return strict({"message": {"type": "string", "const": "success"}, "meta": strict(numbers)})


def failure_schema(error: type[errors.ApiError]) -> Json:
    details: Json = {"type": "array", "maxItems": 0}
    if issubclass(error, errors.BadRequest):
        details = {"type": "array", "items": reference("Fault"), "minItems": 1}
    elif error is errors.SchedulingConflict:
        details = {"type": "array", "items": reference("Clash")}
    known: Json = {
        "statusCode": {"type": "integer", "const": error.status},
        "error": {"type": "string", "const": error.error},
        "code": {"type": "string", "const": error.code},
        "message": {"type": "string", "description": "A sentence that a person can act on."},
        "details": details,
        "requestId": {"type": "string", "description": "Names the request in the logs."},
    }
    return strict(known, (error.__doc__ or "").partition("\n")[0])


def strict(properties: Json, description: str | None = None) -> Json:
    made: Json = {"type": "object"} | ({"description": description} if description else {})
    return made | {"properties": properties, "required": list(properties), "additionalProperties": False}


def plain(model: type[dto.Input]) -> Json:
    """A model's JSON schema without pydantic's habits: titles, `default: null`, a choice with null."""
    made = model.model_json_schema()
    del made["title"]
    made["properties"] = {name: tidy(schema) for name, schema in made["properties"].items()}
    return made


def tidy(schema: Mapping[str, Any]) -> Json:
    names = {"ge": "minimum", "le": "maximum"}  # as pydantic leaves them behind a validator of ours
    made = {names.get(key, key): value for key, value in schema.items() if key not in ("title", "anyOf")}
    if "default" in made and made["default"] is None:
        del made["default"]
    if "anyOf" in schema:
        value, null = schema["anyOf"]
        assert null == {"type": "null"}, schema
        made = {**value, "type": [value["type"], "null"], **made}
        if "enum" in value:
            made["enum"] = [*value["enum"], None]
    return made


def without_null(schema: Json) -> Json:
    """A query parameter is left out, and never null."""
    if isinstance(schema["type"], list):
        schema = {**schema, "type": schema["type"][0]}
    if "enum" in schema:
        schema = {**schema, "enum": [value for value in schema["enum"] if value is not None]}
    return schema


def reference(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def header(name: str) -> Json:
    words, value = HEADER_WORDS[name]
    return {"description": words, "schema": {"type": "string"}, "example": value}


def text() -> str:
    """The document as YAML."""
    note = "# Made by `make openapi` from the code and template.yaml: change those, not this.\n"
    return note + yaml.dump(document(), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=110)


class Dumper(yaml.SafeDumper):
    """YAML that leaves lines as they are."""


def lines(dumper: Dumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


Dumper.add_representer(str, lines)


def main() -> None:
    DOCUMENT.write_text(text(), "utf-8")
    print(f"Wrote {DOCUMENT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
