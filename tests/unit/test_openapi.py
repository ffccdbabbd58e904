"""The OpenAPI document says what the code and the template say, and what a generator of clients can read."""

import json
from typing import Any

import jsonschema
import pytest
import yaml

from scheduling import dto
from scheduling.domain import session, timeline
from scheduling.dto.create_session import CreateSession
from tests.support import template
from tests.support.api import handler
from tools import openapi

DOCUMENT: dict[str, Any] = yaml.safe_load(openapi.DOCUMENT.read_text("utf-8"))
OPERATIONS = {
    (method.upper(), path): operation
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
}
ENDPOINTS = [function for function in template.functions() if hasattr(handler(function), "endpoint")]


def operation(function: str) -> dict[str, Any]:
    found: dict[str, Any] = OPERATIONS[template.route(function)]
    return found


def shape(name: str) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["components"]["schemas"][name]
    return found


def judge(value: object, schema: dict[str, Any]) -> None:
    """Fails unless the value is as the schema says."""
    whole = {**schema, "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(whole).validate(value)


def test_the_committed_document_is_what_the_code_and_the_template_make() -> None:
    assert openapi.DOCUMENT.read_text("utf-8") == openapi.text(), (
        "run `make openapi` and commit docs/openapi.yaml"
    )
    assert openapi.SERVED.read_text("utf-8") == openapi.served(), (
        "run `make openapi` and commit the page's copy"
    )


def test_it_has_every_endpoint_and_nothing_else() -> None:
    routes = {template.route(function) for function in ENDPOINTS}
    assert set(OPERATIONS) == routes, "run `make openapi` and commit docs/openapi.yaml"


def test_every_endpoint_needs_a_token() -> None:
    assert DOCUMENT["security"] == [{"token": []}]
    assert not [found for found in OPERATIONS.values() if "security" in found]


def test_every_status_is_told() -> None:
    assert {function: " ".join(operation(function)["responses"]) for function in ENDPOINTS} == {
        "create_session": "200 400 401 403 409 413 422 429 500 503",
        "get_session": "200 304 400 401 403 404 429 500 503",
        "list_sessions": "200 400 401 429 500 503",
        "update_session": "200 400 401 403 404 409 412 413 429 500 503",
        "delete_session": "200 400 401 403 404 412 429 500 503",
        "create_timeline": "200 400 401 403 413 422 429 500 503",
        "get_timeline": "200 304 400 401 403 404 429 500 503",
        "list_timelines": "200 400 401 429 500 503",
        "update_timeline": "200 400 401 403 404 412 413 429 500 503",
        "delete_timeline": "200 400 401 403 404 409 412 429 500 503",
    }


def test_every_example_is_as_its_schema_says() -> None:
    contents = [found["requestBody"] for found in OPERATIONS.values() if "requestBody" in found]
    answers = [answer for found in OPERATIONS.values() for answer in found["responses"].values()]
    contents += [answer for answer in answers if "content" in answer]
    contents += DOCUMENT["components"]["responses"].values()
    judged = 0
    for content in contents:
        media = content["content"]["application/json"]
        for value in [media[key] for key in ("example",) if key in media] + [
            each["value"] for each in media.get("examples", {}).values()
        ]:
            judge(value, media["schema"])
            judged += 1
    assert judged > 30


@pytest.mark.parametrize("function", [function for function in ENDPOINTS if handler(function).endpoint.body])
def test_the_example_of_a_body_is_that_of_the_event(function: str) -> None:
    event = json.loads((template.ROOT / "events" / f"{function}.json").read_text("utf-8"))
    example = operation(function)["requestBody"]["content"]["application/json"]["example"]
    assert example == json.loads(event["body"])


@pytest.mark.parametrize(("name", "fields"), [("Session", session.FIELDS), ("Timeline", timeline.FIELDS)])
def test_an_answer_has_every_field_and_null_where_it_may_be(name: str, fields: tuple[str, ...]) -> None:
    assert tuple(shape(name)["required"]) == tuple(shape(name)["properties"]) == fields
    never = {"id", "type", "timelineId", "name", "ownerId", "createdAt", "updatedAt"}
    for field, schema in shape(name)["properties"].items():
        assert ("null" in schema["type"]) == (field not in never), field


def test_a_patch_may_leave_out_everything_and_defaults_to_nothing() -> None:
    for name in ("UpdateSession", "UpdateTimeline"):
        assert "required" not in shape(name)
        assert not [field for field, schema in shape(name)["properties"].items() if "default" in schema]
        judge({}, shape(name))
    with pytest.raises(jsonschema.ValidationError):
        judge({"name": None}, shape("UpdateSession"))


@pytest.mark.parametrize(
    "text",
    ["2023-12-01", "2023-12-01T09:00:00", "2023-12-01T25:00:00Z", "2023-12-01T09:00:00.1234567Z", "now"],
)
def test_the_document_refuses_dates_that_the_code_refuses(text: str) -> None:
    schema = shape("CreateSession")["properties"]["startDateTime"]
    with pytest.raises(jsonschema.ValidationError):
        judge(text, schema)
    body = {"type": "ONE_TIME", "timelineId": "a", "name": "b", "startDateTime": text}
    with pytest.raises(dto.BadRequest):
        dto.read(CreateSession, body)
