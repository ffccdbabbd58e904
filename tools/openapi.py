"""Generator of docs/openapi.yaml from the code and template.yaml.

    python -m tools.openapi        writes docs/openapi.yaml and the response of /openapi.json (`make openapi`)

The parts of the document come from:

- template.yaml: paths and methods
- docstrings of the handlers: summaries and descriptions
- the decorator `endpoint` of each handler: bodies, queries and error responses
- the models in `dto/` and openapi_models.py: schemas
- `events/`: examples of bodies and path parameters
- pyproject.toml and the package `tzdata`: versions
- this module: descriptions of the path parameters and of standard responses
- openapi.base.yaml: all other parts
"""

import json
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, get_type_hints

import yaml
from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, models_json_schema
from samtranslator.yaml_helper import yaml_parse

from scheduling import dto, errors
from scheduling.domain.time_zones import database_version
from scheduling.http.endpoint import Endpoint
from scheduling.services.results import Page
from tools import openapi_models as models

ROOT = Path(__file__).resolve().parent.parent
BASE = Path(__file__).with_name("openapi.base.yaml")
DOCUMENT = ROOT / "docs" / "openapi.yaml"
SERVED = ROOT / "functions" / "get_docs" / "page" / "openapi.json"
FAILURE_HEADERS = {401: "WWW-Authenticate", 503: "Retry-After"}
PATH_PARAMETERS: dict[str, tuple[Any, str]] = {
    "date": (dto.Date, "The date on which the occurrence starts, in the local time of its series."),
}
"""The type and the description of each path parameter that is not an id."""
GATEWAY_STATUSES = {401, 403, 404, 500, 503}
"""The error statuses that both the gateway and the functions return."""

Json = dict[str, Any]
Errors = tuple[type[errors.ApiError], ...]


class Operation(NamedTuple):
    """A route of the template with the endpoint, the docstring and the event of its function."""

    function: str
    method: str
    path: str
    endpoint: Endpoint
    is_list: bool
    docstring: str
    event: Json

    @property
    def entity(self) -> str:
        """Return the name of the entity, such as `Session`, from its module in the domain."""
        return self.endpoint.view.__module__.rpartition(".")[2].title()

    @property
    def response(self) -> type[BaseModel]:
        """Return the model of the successful response."""
        if self.entity == "Occurrence":  # no endpoint creates an occurrence, so no body has its fields
            return models.build_envelope(models.Occurrence, self.is_list)
        create = f"create_{self.entity.lower()}"
        body = getattr(import_module(f"scheduling.dto.{create}"), f"Create{self.entity}")
        fields = sys.modules[self.endpoint.view.__module__].FIELDS
        examples = tuple(json.loads(read_event(create)["body"]).items())
        return models.build_envelope(models.build_entity(self.entity, fields, body, examples), self.is_list)

    @property
    def failures(self) -> Iterator[Errors]:
        """Yield the possible errors of the operation, grouped by status."""
        statuses = {401, 500, 503}
        statuses |= {403, 404} if "{" in self.path else set()
        statuses |= {403, 413} if self.endpoint.body else set()
        statuses |= {422} if self.endpoint.creates else set()
        own = {errors.BadRequest, *self.endpoint.raises}
        found = [error for error in find_error_classes() if error in own or error.status in statuses]
        for status in sorted({error.status for error in found}):
            yield tuple(error for error in found if error.status == status)


def read_operations() -> Iterator[Operation]:
    """Yield an operation for each route whose handler is an endpoint, in the order of the template."""
    for resource in yaml_parse((ROOT / "template.yaml").read_text("utf-8"))["Resources"].values():
        if resource["Type"] != "AWS::Serverless::Function":
            continue
        function = Path(resource["Properties"]["CodeUri"]).name
        module = import_module(f"functions.{function}.handler")
        endpoint: Any = getattr(module.lambda_handler, "endpoint", None)
        for route in resource["Properties"]["Events"].values() if endpoint else ():
            method, path = route["Properties"]["Method"], route["Properties"]["Path"]
            is_list = get_type_hints(module.lambda_handler)["return"] is Page
            event = read_event(function)
            yield Operation(function, method, path, endpoint, is_list, module.__doc__ or "", event)


def read_event(function: str) -> Json:
    event: Json = json.loads((ROOT / "events" / f"{function}.json").read_text("utf-8"))
    return event


def find_error_classes(parent: type[errors.ApiError] = errors.ApiError) -> Iterator[type[errors.ApiError]]:
    """Yield the error classes, except subclasses with the same code as their parent."""
    for error in parent.__subclasses__():
        if error.code != getattr(parent, "code", None):
            yield error
        yield from find_error_classes(error)


def build_document() -> Json:
    """Return the OpenAPI document."""
    made: Json = yaml.safe_load(BASE.read_text("utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    made["info"]["version"] = project["version"]
    made["info"]["x-time-zone-database"] = database_version()
    found = list(read_operations())
    groups = {group for operation in found for group in operation.failures}
    used: set[type[BaseModel]] = {models.GatewayFailure}
    used |= {models.build_failure(error) for error in {error for group in groups for error in group}}
    for operation in found:
        used |= {operation.response, *filter(None, (operation.endpoint.body, operation.endpoint.query))}
    schemas = render_schemas(used)
    paths: Json = {}
    for operation in found:
        paths.setdefault(operation.path, {})[operation.method.lower()] = describe_operation(
            operation, schemas
        )
    queries = {operation.endpoint.query.__name__ for operation in found if operation.endpoint.query}
    components = made.pop("components")
    made |= {"paths": paths, "components": components}
    components["schemas"] = {name: schemas[name] for name in sorted(schemas.keys() - queries)}
    for group in sorted(groups, key=lambda group: (group[0].status, name_response(group))):
        components["responses"][name_response(group)] = describe_failure(group)
    # Without this copy, PyYAML would write an anchor for each object that occurs twice in the document.
    copied: Json = json.loads(json.dumps(made))
    return copied


class Schema(GenerateJsonSchema):
    """Generator of JSON Schemas without titles of fields and without null as a default."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def default_schema(self, schema: Any) -> Json:
        # If a validator precedes the limits of a field, pydantic writes `ge` and `le`, which JSON Schema does not have.
        names = {"ge": "minimum", "le": "maximum"}
        made = super().default_schema(schema).items()
        return {names.get(key, key): value for key, value in made if (key, value) != ("default", None)}


def render_schemas(used: set[type[BaseModel]]) -> Json:
    """Return the schemas of the models, and of the named types that the models use, by name."""
    ordered = sorted(used, key=lambda model: model.__name__)
    template = build_reference("schemas", "{model}")["$ref"]
    _, made = models_json_schema(
        [(model, "validation") for model in ordered], ref_template=template, schema_generator=Schema
    )
    return {
        name: {key: value for key, value in schema.items() if key != "title"}
        for name, schema in made["$defs"].items()
    }


def build_reference(kind: str, name: str) -> Json:
    return {"$ref": f"#/components/{kind}/{name}"}


def build_content(schema: Json, **more: Any) -> Json:
    return {"application/json": {"schema": schema, **more}}


def describe_operation(operation: Operation, schemas: Json) -> Json:
    """Return the OpenAPI description of an operation: parameters, body and responses."""
    verb, _, noun = operation.function.partition("_")
    summary, _, rest = operation.docstring.partition(": ")[2].partition("\n\n")
    summary = (summary[:1].upper() + summary[1:]).strip().rstrip(".")
    made: Json = {
        "operationId": verb + noun.title().replace("_", ""),
        "tags": [f"{operation.entity}s"],
        "summary": summary,
        "description": " ".join(rest.split()) or f"{summary}.",
        "parameters": list(describe_parameters(operation, schemas)),
    }
    if body := operation.endpoint.body:
        content = build_content(
            build_reference("schemas", body.__name__), example=json.loads(operation.event["body"])
        )
        made["requestBody"] = {"required": True, "content": content}
    names = [] if operation.is_list else ["ETag"]
    names += ["Location", "Idempotency-Replayed"] if operation.endpoint.creates else []
    responses = {200: describe_response(operation.response.__doc__, names)}
    responses[200]["content"] = build_content(build_reference("schemas", operation.response.__name__))
    if operation.method == "GET" and not operation.is_list:
        noun = operation.entity.lower()
        responses[304] = describe_response(f"The {noun} still has the version in `If-None-Match`.", ["ETag"])
    responses |= {
        group[0].status: build_reference("responses", name_response(group)) for group in operation.failures
    }
    responses[429] = build_reference("responses", "TooManyRequests")
    made["responses"] = {str(status): responses[status] for status in sorted(responses)}
    return made


def describe_parameters(operation: Operation, schemas: Json) -> Iterator[Json]:
    """Yield the parameters of the path, the query and the headers."""
    for name in re.findall(r"{(\w+)}", operation.path):
        kind, words = PATH_PARAMETERS.get(name, (dto.Reference, f"The id of the {name.removesuffix('Id')}."))
        schema = TypeAdapter(kind).json_schema()
        example = operation.event["pathParameters"][name]
        described = {"description": words, "schema": schema, "example": example}
        yield {"name": name, "in": "path", "required": True, **described}
    query = schemas[operation.endpoint.query.__name__] if operation.endpoint.query else {"properties": {}}
    for name, schema in query["properties"].items():
        rest = {key: value for key, value in schema.items() if key not in ("anyOf", "description")}
        schema_without_null = {**schema.get("anyOf", [{}])[0], **rest}
        described = {"description": schema["description"], "schema": schema_without_null}
        yield {"name": name, "in": "query", "required": name in query.get("required", ()), **described}
    if operation.endpoint.creates:
        yield build_reference("parameters", "Idempotency-Key")
    if errors.PreconditionFailed in operation.endpoint.raises:
        yield build_reference("parameters", "If-Match")
    if operation.method == "GET" and not operation.is_list:
        yield build_reference("parameters", "If-None-Match")


def describe_response(description: str | None, headers: list[str]) -> Json:
    return {
        "description": description,
        "headers": {name: build_reference("headers", name) for name in [*headers, "X-Request-Id"]},
    }


def name_response(group: Errors) -> str:
    return "Or".join(error.__name__ for error in group)


def describe_failure(group: Errors) -> Json:
    """Return the error response of a status. One status may have several codes."""
    names = [error.__name__ for error in group]
    status = group[0].status
    names += ["GatewayFailure"] if status in GATEWAY_STATUSES else []
    words = " Or: ".join(f"`{error.code}`: {error.message}" for error in group)
    schemas = [build_reference("schemas", name) for name in names]
    content = build_content(schemas[0] if len(schemas) == 1 else {"anyOf": schemas})
    return describe_response(words, [FAILURE_HEADERS[status]] if status in FAILURE_HEADERS else []) | {
        "content": content
    }


class Dumper(yaml.SafeDumper):
    """YAML dumper that writes strings with line breaks as literal blocks."""


def represent_text(dumper: Dumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


Dumper.add_representer(str, represent_text)


def render_yaml() -> str:
    """Return the document as YAML."""
    note = "# Generated by `make openapi` from the code and template.yaml. Do not edit this file.\n"
    return note + yaml.dump(build_document(), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=110)


def render_json() -> str:
    """Return the document as JSON, for `GET /openapi.json`."""
    return json.dumps(build_document(), ensure_ascii=False, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    for path, content in ((DOCUMENT, render_yaml()), (SERVED, render_json())):
        path.write_text(content, "utf-8")
        print(f"Wrote {path.relative_to(ROOT)}")
