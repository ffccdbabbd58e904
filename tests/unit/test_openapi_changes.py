"""Comparison of the OpenAPI document with the document of the last release."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
import yaml

from tests.support.template import ROOT
from tools.openapi_changes import find_breaking_changes, main

BEFORE: dict[str, Any] = {
    "paths": {
        "/sessions": {
            "get": {
                "parameters": [
                    {"name": "take", "in": "query", "schema": {"type": "integer", "maximum": 100}},
                    {"name": "type", "in": "query", "schema": {"type": "string"}},
                ],
                "responses": {
                    "200": {
                        "content": {
                            "application/json": {
                                "schema": {"type": "array", "items": {"$ref": "#/components/schemas/Session"}}
                            }
                        }
                    },
                    "400": {},
                },
            },
            "post": {
                "requestBody": {
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/NewSession"}}}
                },
                "responses": {"200": {}},
            },
        }
    },
    "components": {
        "schemas": {
            "Session": {
                "type": "object",
                "required": ["id"],
                "properties": {"id": {"type": "string"}, "name": {"type": ["string", "null"]}},
            },
            "NewSession": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name"],
                "properties": {
                    "name": {"type": "string", "maxLength": 200},
                    "cycle": {"anyOf": [{"type": "string", "enum": ["DAILY", "WEEKLY"]}, {"type": "null"}]},
                },
            },
        }
    },
}


def get_operation(document: dict[str, Any]) -> Any:
    return document["paths"]["/sessions"]["get"]


def session_schema(document: dict[str, Any]) -> Any:
    return document["components"]["schemas"]["Session"]


def new_session_schema(document: dict[str, Any]) -> Any:
    return document["components"]["schemas"]["NewSession"]


def cycle_types(document: dict[str, Any]) -> Any:
    return new_session_schema(document)["properties"]["cycle"]["anyOf"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda new: new["paths"].pop("/sessions"), ["GET /sessions is gone.", "POST /sessions is gone."]),
        (lambda new: get_operation(new)["parameters"].pop(), ["GET /sessions: parameter type is gone."]),
        (
            lambda new: get_operation(new)["parameters"][1].update(required=True),
            ["GET /sessions: parameter type is now required."],
        ),
        (
            lambda new: get_operation(new)["parameters"][0]["schema"].update(maximum=50),
            ["GET /sessions: parameter take: maximum is now 50."],
        ),
        (lambda new: get_operation(new)["responses"].pop("400"), ["GET /sessions: response 400 is gone."]),
        (
            lambda new: session_schema(new)["properties"].pop("name"),
            ["GET /sessions: response 200[]: field name is gone."],
        ),
        (
            lambda new: session_schema(new).update(required=[]),
            ["GET /sessions: response 200[]: field id may now be missing."],
        ),
        (
            lambda new: session_schema(new)["properties"]["id"].update(type="integer"),
            ["GET /sessions: response 200[]: id: the type was string and is integer."],
        ),
        (
            lambda new: session_schema(new)["properties"]["id"].update(type=["string", "null"]),
            ["GET /sessions: response 200[]: id: the type was string and is null, string."],
        ),
        (
            lambda new: new_session_schema(new).update(required=["name", "cycle"]),
            ["POST /sessions: body: field cycle is now required."],
        ),
        (
            lambda new: new_session_schema(new)["properties"].pop("cycle"),
            ["POST /sessions: body: field cycle is gone."],
        ),
        (
            lambda new: cycle_types(new)[0].update(enum=["DAILY"]),
            ["POST /sessions: body: cycle: WEEKLY is no longer accepted."],
        ),
        (
            lambda new: cycle_types(new).pop(),
            ["POST /sessions: body: cycle: the type was null, string and is string."],
        ),
        (
            lambda new: new_session_schema(new)["properties"]["name"].update(maxLength=100),
            ["POST /sessions: body: name: maxLength is now 100."],
        ),
    ],
)
def test_a_change_that_breaks_clients_is_found(
    change: Callable[[dict[str, Any]], Any], expected: list[str]
) -> None:
    after = deepcopy(BEFORE)
    change(after)
    assert sorted(find_breaking_changes(BEFORE, after)) == expected


@pytest.mark.parametrize(
    "change",
    [
        lambda new: new["paths"].update({"/timelines": {}}),
        lambda new: get_operation(new)["parameters"].append({"name": "skip", "in": "query", "schema": {}}),
        lambda new: get_operation(new)["responses"].update({"429": {}}),
        lambda new: session_schema(new)["properties"].update(version={"type": "integer"}),
        lambda new: session_schema(new)["properties"]["name"].update(type="string"),
        lambda new: new_session_schema(new)["properties"].update(timeZone={"type": "string"}),
        lambda new: new_session_schema(new).update(required=[]),
        lambda new: cycle_types(new)[0]["enum"].append("MONTHLY"),
        lambda new: new_session_schema(new)["properties"]["name"].update(maxLength=400),
    ],
)
def test_additions_wider_requests_and_narrower_responses_break_no_client(
    change: Callable[[dict[str, Any]], Any],
) -> None:
    after = deepcopy(BEFORE)
    change(after)
    assert list(find_breaking_changes(BEFORE, after)) == []


def test_a_document_without_changes_breaks_no_client(capsys: pytest.CaptureFixture[str]) -> None:
    name = str(ROOT / "docs" / "openapi.yaml")
    with pytest.raises(SystemExit) as ended:
        main([name, name])
    assert (ended.value.code, capsys.readouterr().out) == (False, "No change breaks a client.\n")


def test_every_operation_of_the_document_is_compared() -> None:
    document = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text("utf-8"))
    nothing = {**document, "paths": {}}
    operations = [method for methods in document["paths"].values() for method in methods]
    assert len(list(find_breaking_changes(document, nothing))) == len(
        [method for method in operations if method in ("get", "post", "patch", "delete")]
    )
