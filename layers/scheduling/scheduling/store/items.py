"""Conversion of items between Python types and DynamoDB's JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

Item = dict[str, Any]


def serialize(item: Mapping[str, Any]) -> Item:
    """Return an item, or a key, in DynamoDB's JSON.

    Raises:
        TypeError: a value has a type that the API does not store.
    """
    return {name: _serialize_value(value) for name, value in item.items()}


def deserialize(item: Mapping[str, Any]) -> Item:
    """Return an item in Python types. The API stores text, integers, booleans, maps, lists and null."""
    return {name: value["S"] if "S" in value else _deserialize_value(value) for name, value in item.items()}


def _serialize_value(value: object) -> Item:
    if isinstance(value, str):
        return {"S": value}
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int):
        return {"N": str(value)}
    if isinstance(value, Mapping):
        return {"M": serialize(value)}
    if isinstance(value, Sequence):
        return {"L": [_serialize_value(element) for element in value]}
    raise TypeError(type(value).__name__)


def _deserialize_value(value: Mapping[str, Any]) -> Any:
    ((kind, content),) = value.items()
    if kind == "N":
        return int(content)
    if kind == "M":
        return deserialize(content)
    if kind == "L":
        return [_deserialize_value(element) for element in content]
    return None if kind == "NULL" else content
