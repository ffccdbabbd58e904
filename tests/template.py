"""template.yaml as the tests read it, so that tables, routes and settings are written down once."""

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent

_CREATE_TABLE = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's tags, each read as its long form: `!Sub x` as `{"Fn::Sub": "x"}`."""


def _intrinsic(loader: _Loader, tag: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    if tag == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {tag if tag in ("Ref", "Condition") else f"Fn::{tag}": value}


_Loader.add_multi_constructor("!", _intrinsic)


@lru_cache
def template() -> dict[str, Any]:
    """The whole template. Not to be changed."""
    loaded: dict[str, Any] = yaml.load((ROOT / "template.yaml").read_text("utf-8"), _Loader)
    return loaded


def resources(kind: str) -> dict[str, Any]:
    """The resources of a type, by their logical ids."""
    return {name: one for name, one in template()["Resources"].items() if one["Type"] == kind}


def functions() -> dict[str, Any]:
    """The functions' properties, by the names of their folders."""
    found = (one["Properties"] for one in resources("AWS::Serverless::Function").values())
    return {properties["CodeUri"].removeprefix("functions/"): properties for properties in found}


def route(function: str) -> tuple[str, str]:
    """The method and the path that call a function; the first, where it has several."""
    event = next(iter(functions()[function]["Events"].values()))
    return event["Properties"]["Method"], event["Properties"]["Path"]


def tables() -> list[dict[str, Any]]:
    """What `create_table` takes to make each table, under its logical id."""
    return [
        {
            "TableName": name,
            **{key: table["Properties"][key] for key in _CREATE_TABLE if key in table["Properties"]},
            **_stream(table["Properties"]),
        }
        for name, table in resources("AWS::DynamoDB::Table").items()
    ]


def _stream(properties: Mapping[str, Any]) -> dict[str, Any]:
    """What `create_table` takes to give a table the stream that the template gives it."""
    specification = properties.get("StreamSpecification")
    return {"StreamSpecification": {"StreamEnabled": True, **specification}} if specification else {}


def environment(**parameters: str) -> dict[str, str]:
    """The variables of all functions together, with those parameters and the defaults of the others.

    Resources are named by their logical ids.
    """
    variables = dict(template()["Globals"]["Function"]["Environment"]["Variables"])
    for properties in functions().values():
        variables |= properties.get("Environment", {}).get("Variables", {})
    return {name: str(_value(value, parameters)) for name, value in variables.items()}


def _value(value: Any, parameters: Mapping[str, str]) -> Any:
    """What CloudFormation would make of a value, as far as the functions' variables need it."""
    if isinstance(value, list):
        return [_value(one, parameters) for one in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    match kind:
        case "Ref":
            default = template()["Parameters"].get(content, {}).get("Default", content)
            return parameters.get(content, default)
        case "Fn::If":
            holds = _value(template()["Conditions"][content[0]], parameters)
            return _value(content[1 if holds else 2], parameters)
        case "Fn::Equals":
            first, second = _value(content, parameters)
            return first == second
        case "Fn::Join":
            parts = _value(content[1], parameters)
            return content[0].join([parts] if isinstance(parts, str) else parts)
        case "Fn::Sub":
            return re.sub(r"\$\{([\w:]+)\}", lambda name: str(_value({"Ref": name[1]}, parameters)), content)
    raise NotImplementedError(kind)
