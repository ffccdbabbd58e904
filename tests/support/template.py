"""Reader of template.yaml. Tests use the tables, routes and settings of the template."""

import re
from collections.abc import Mapping
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any
from unittest import mock

import yaml
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

ROOT = Path(__file__).parents[2]

_CREATE_TABLE = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")


class _Loader(yaml.SafeLoader):
    """YAML loader that replaces CloudFormation's tags by their long form: `!Sub x` becomes `{"Fn::Sub": "x"}`."""


def _read_intrinsic(loader: _Loader, tag: str, node: yaml.Node) -> dict[str, Any]:
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


_Loader.add_multi_constructor("!", _read_intrinsic)


@lru_cache
def template() -> dict[str, Any]:
    """Return the whole template. Callers must not change the template, because all callers get the same object."""
    loaded: dict[str, Any] = yaml.load((ROOT / "template.yaml").read_text("utf-8"), _Loader)
    return loaded


def resources(kind: str) -> dict[str, Any]:
    """Return the resources of a type, by logical id."""
    return {name: one for name, one in template()["Resources"].items() if one["Type"] == kind}


def functions() -> dict[str, Any]:
    """Return the properties of all functions, by the names of their folders."""
    found = (one["Properties"] for one in resources("AWS::Serverless::Function").values())
    return {properties["CodeUri"].removeprefix("functions/"): properties for properties in found}


def route(function: str) -> tuple[str, str]:
    """Return the method and path of the first route of a function."""
    event = next(iter(functions()[function]["Events"].values()))
    return event["Properties"]["Method"], event["Properties"]["Path"]


def tables() -> list[dict[str, Any]]:
    """Return the parameters of `create_table` for each table. The name of a table is its logical id."""
    return [
        {
            "TableName": name,
            **{key: table["Properties"][key] for key in _CREATE_TABLE if key in table["Properties"]},
            **_read_stream(table["Properties"]),
        }
        for name, table in resources("AWS::DynamoDB::Table").items()
    ]


def create_tables(dynamodb: Any) -> None:
    """Create the tables of the template."""
    for table in tables():
        dynamodb.create_table(**table)


def _read_stream(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of `create_table` for the stream of a table."""
    specification = properties.get("StreamSpecification")
    return {"StreamSpecification": {"StreamEnabled": True, **specification}} if specification else {}


def environment(**parameters: str) -> dict[str, str]:
    """Return the environment variables of all functions. Parameters that are not passed have their default values.

    A reference to a resource has the resource's logical id as its value.
    """
    variables = dict(template()["Globals"]["Function"]["Environment"]["Variables"])
    for properties in functions().values():
        variables |= properties.get("Environment", {}).get("Variables", {})
    return {name: str(resolve(value, parameters)) for name, value in variables.items()}


def transform(layer: str = "s3://bucket/layer", **parameters: str) -> dict[str, Any]:
    """Return the template that CloudFormation receives from the SAM transform after `sam package`."""
    packaged = deepcopy(template())
    for resource in packaged["Resources"].values():
        properties = resource["Properties"]
        if resource["Type"] == "AWS::Serverless::Function":
            properties["CodeUri"] = f"s3://bucket/{properties['CodeUri']}"
        elif resource["Type"] == "AWS::Serverless::LayerVersion":
            properties["ContentUri"] = layer
    with mock.patch.dict("os.environ", AWS_DEFAULT_REGION="eu-west-1"):
        result: dict[str, Any] = Translator({}, Parser()).translate(packaged, parameters)
    return result


def published_versions(layer: str = "s3://bucket/layer", **parameters: str) -> dict[str, str]:
    """Return the description of each function version after the SAM transform, by logical id.

    CloudFormation publishes a version when its logical id is new or its description changes.
    """
    return {
        name: resolve(resource["Properties"].get("Description", ""), parameters)
        for name, resource in transform(layer, **parameters)["Resources"].items()
        if resource["Type"] == "AWS::Lambda::Version"
    }


def resolve(value: Any, parameters: Mapping[str, str]) -> Any:
    """Resolve a value as CloudFormation does, with the intrinsic functions that the tests need."""
    if isinstance(value, list):
        return [resolve(one, parameters) for one in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    match kind:
        case "Ref":
            default = template()["Parameters"].get(content, {}).get("Default", content)
            return parameters.get(content, default)
        case "Fn::If":
            holds = resolve(template()["Conditions"][content[0]], parameters)
            return resolve(content[1 if holds else 2], parameters)
        case "Fn::Equals":
            first, second = resolve(content, parameters)
            return first == second
        case "Fn::Join":
            parts = resolve(content[1], parameters)
            return content[0].join([parts] if isinstance(parts, str) else parts)
        case "Fn::Sub":
            text, own = content if isinstance(content, list) else (content, {})
            known = {**parameters, **{name: resolve(one, parameters) for name, one in own.items()}}
            return re.sub(r"\$\{([\w:]+)\}", lambda name: str(resolve({"Ref": name[1]}, known)), text)
    raise NotImplementedError(kind)
