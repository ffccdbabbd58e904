"""Comparison of docs/openapi.yaml with code and template, and rules for client generators."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import yaml

from scheduling import dto, errors
from scheduling.domain import occurrence, session, slots, timeline
from scheduling.domain.instants import END_OF_TIME
from scheduling.dto.create_session import CreateSession
from scheduling.http.envelope import failure, success
from tests.support import template
from tests.support.api import handler, load_event
from tools import openapi

DOCUMENT: dict[str, Any] = yaml.safe_load(openapi.DOCUMENT.read_text("utf-8"))
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
OPERATIONS = {
    (method.upper(), path): operation
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
}
ENDPOINTS = [function for function in template.functions() if hasattr(handler(function), "endpoint")]
BODIES = [function for function in ENDPOINTS if handler(function).endpoint.body]


def operation(function: str) -> dict[str, Any]:
    found: dict[str, Any] = OPERATIONS[template.route(function)]
    return found


def validate(value: object, schema: dict[str, Any]) -> None:
    """Fail unless the value satisfies the schema."""
    whole = {**schema, "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(whole).validate(value)


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every JSON object in the document or in a part of the document."""
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(part)
    if isinstance(value, dict):
        yield value


def test_the_committed_document_is_the_generated_document() -> None:
    assert openapi.DOCUMENT.read_text("utf-8") == openapi.render_yaml(), (
        "run `make openapi` and commit docs/openapi.yaml"
    )
    assert openapi.SERVED.read_text("utf-8") == openapi.render_json(), (
        "run `make openapi` and commit functions/get_docs/page/openapi.json"
    )


def test_the_document_has_exactly_the_endpoints_of_the_template() -> None:
    routes = {template.route(function) for function in ENDPOINTS}
    assert set(OPERATIONS) == routes, "run `make openapi` and commit docs/openapi.yaml"


def test_every_endpoint_needs_a_token() -> None:
    assert DOCUMENT["security"] == [{"token": []}]
    assert not [found for found in OPERATIONS.values() if "security" in found]


@pytest.mark.parametrize(
    ("function", "statuses"),
    [
        ("create_session", {200, 400, 401, 403, 409, 413, 422, 429, 500, 503}),
        ("get_session", {200, 304, 400, 401, 403, 404, 429, 500, 503}),
        ("list_sessions", {200, 400, 401, 429, 500, 503}),
        ("list_occurrences", {200, 400, 401, 403, 429, 500, 503}),
        ("update_session", {200, 400, 401, 403, 404, 409, 412, 413, 429, 500, 503}),
        ("delete_timeline", {200, 400, 401, 403, 404, 409, 412, 429, 500, 503}),
    ],
)
def test_an_endpoint_documents_its_status_codes(function: str, statuses: set[int]) -> None:
    assert statuses == {int(status) for status in operation(function)["responses"]}


@pytest.mark.parametrize("function", BODIES)
def test_the_example_of_a_request_body_is_the_body_in_the_event_file(function: str) -> None:
    media = operation(function)["requestBody"]["content"]["application/json"]
    event = load_event(function)
    assert media["example"] == json.loads(event["body"])
    validate(media["example"], media["schema"])


def test_every_example_of_a_field_satisfies_its_schema() -> None:
    schemas = [found for found in objects(SCHEMAS) if isinstance(found.get("examples"), list)]
    assert len(schemas) > 20
    for schema in schemas:
        for example in schema["examples"]:
            validate(example, schema)


@pytest.mark.parametrize(
    "error",
    [
        errors.BadRequest(*[errors.Fault("name", "Is required.", "REQUIRED")] * 101),
        errors.InvalidTimeline(),
        errors.SchedulingConflict([{"startDateTime": None, "endDateTime": None}]),
        errors.NotFound(),
        errors.Throttled(),
    ],
)
def test_the_body_of_a_failure_satisfies_its_schema(error: errors.ApiError) -> None:
    (name,) = (
        name
        for name, schema in SCHEMAS.items()
        if schema.get("properties", {}).get("code") == {"const": error.code, "type": "string"}
    )
    validate(failure(error, "request"), SCHEMAS[name])


def test_the_body_of_a_success_satisfies_its_schema() -> None:
    entity = {"id": "a", "ownerId": "b", "name": "Room", "createdAt": "2023", "updatedAt": "2023"}
    validate(success(timeline.view(entity)), SCHEMAS["TimelineResponse"])
    validate(success([timeline.view(entity)], take=10), SCHEMAS["TimelinePage"])
    body = {"type": "ONE_TIME", "timelineId": "a", "name": "x", "startDateTime": "2023-12-15T14:00:00Z"}
    slot = slots.slot(session.create(body, "b", "anna", "2023"))
    assert slot
    (found,) = occurrence.occurrences_of([slot], 0, END_OF_TIME)
    validate(success([occurrence.view(found)], take=10), SCHEMAS["OccurrencePage"])


@pytest.mark.parametrize(("name", "fields"), [("Session", session.FIELDS), ("Timeline", timeline.FIELDS)])
def test_the_schema_of_a_response_requires_all_fields_and_allows_null_in_some_of_them(
    name: str, fields: tuple[str, ...]
) -> None:
    schema = SCHEMAS[name]
    assert tuple(schema["required"]) == tuple(schema["properties"]) == fields
    always = {"id", "type", "timelineId", "name", "ownerId", "createdAt", "updatedAt"}
    assert {field for field, each in schema["properties"].items() if "anyOf" not in each} == always & {
        *fields
    }


@pytest.mark.parametrize("function", BODIES)
def test_a_request_body_does_not_contain_the_fields_that_only_the_server_sets(function: str) -> None:
    model = handler(function).endpoint.body
    assert model.read_only
    assert not model.read_only & SCHEMAS[model.__name__]["properties"].keys()


def test_a_patch_has_no_required_fields_and_no_defaults() -> None:
    for name in ("UpdateSession", "UpdateTimeline"):
        assert "required" not in SCHEMAS[name]
        assert not [found for found in objects(SCHEMAS[name]) if "default" in found]
        validate({}, SCHEMAS[name])
    with pytest.raises(jsonschema.ValidationError):
        validate({"name": None}, SCHEMAS["UpdateSession"])


def test_every_enum_has_a_name_and_every_array_has_an_item_type() -> None:
    enums = {name for name, schema in SCHEMAS.items() if "enum" in schema}
    assert enums >= {"SessionType", "RepeatCycle", "DayOfWeek", "SortOrder", "FaultCode"}
    for found in objects(DOCUMENT):
        assert found.get("type") != "array" or "items" in found, found
        assert "not" not in found, found
        assert "enum" not in found or found in SCHEMAS.values(), found


@pytest.mark.parametrize(
    "text",
    ["2023-12-01", "2023-12-01T09:00:00", "2023-12-01T25:00:00Z", "2023-12-01T09:00:00.1234567Z", "now"],
)
def test_the_schema_and_the_code_both_refuse_an_invalid_time(text: str) -> None:
    schema = SCHEMAS["CreateSession"]["properties"]["startDateTime"]
    with pytest.raises(jsonschema.ValidationError):
        validate(text, schema)
    body = {"type": "ONE_TIME", "timelineId": "a", "name": "b", "startDateTime": text}
    with pytest.raises(dto.BadRequest):
        dto.read(CreateSession, body)
