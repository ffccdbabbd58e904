"""Comparison of two OpenAPI documents: the changes that break clients of BEFORE.yaml.

    python -m tools.openapi_changes BEFORE.yaml AFTER.yaml

The exit status is 1 if a change breaks clients. These changes break clients:

- An operation, a parameter, a response, a content type or a field disappears. A field of a request may disappear if
  the API accepts unknown fields.
- A parameter or a field of a request becomes required.
- A required field of a response becomes optional.
- A request accepts fewer types or fewer values.
- A field of a response gets a further type.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

Json = dict[str, Any]
METHODS = {"get", "post", "put", "patch", "delete", "head", "options"}
LOWER_BOUNDS = ("minimum", "exclusiveMinimum", "minLength", "minItems")
UPPER_BOUNDS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")


def find_breaking_changes(before: Json, after: Json) -> Iterator[str]:
    """Yield a sentence for each change that breaks a client of `before`."""
    for path, operations in before["paths"].items():
        for method in METHODS & operations.keys():
            name = f"{method.upper()} {path}"
            now = after["paths"].get(path, {}).get(method)
            if now is None:
                yield f"{name} is gone."
            else:
                yield from (
                    f"{name}: {change}" for change in _Comparison(before, after).run(operations[method], now)
                )


class _Comparison:
    """Comparison of an operation in the document `before` with the same operation in the document `after`."""

    def __init__(self, before: Json, after: Json) -> None:
        self._before, self._after = before, after
        self._seen = set[tuple[int, int, bool]]()

    def run(self, before: Json, after: Json) -> Iterator[str]:
        yield from self._compare_parameters(before.get("parameters", []), after.get("parameters", []))
        yield from self._compare_body(before.get("requestBody"), after.get("requestBody"))
        for status, response in before["responses"].items():
            if status not in after["responses"]:
                yield f"response {status} is gone."
                continue
            old, new = self._follow_both(response, after["responses"][status])
            for kind, content in old.get("content", {}).items():
                if kind not in new.get("content", {}):
                    yield f"response {status} is no longer {kind}."
                else:
                    schemas = content.get("schema", {}), new["content"][kind].get("schema", {})
                    yield from self._compare_schemas(f"response {status}", *schemas, is_request=False)

    def _compare_parameters(self, before: list[Json], after: list[Json]) -> Iterator[str]:
        old = {
            (found["in"], found["name"]): found
            for found in (_follow_reference(self._before, one) for one in before)
        }
        new = {
            (found["in"], found["name"]): found
            for found in (_follow_reference(self._after, one) for one in after)
        }
        for (place, name), parameter in old.items():
            if (place, name) not in new:
                yield f"parameter {name} is gone."
            else:
                schemas = parameter.get("schema", {}), new[place, name].get("schema", {})
                yield from self._compare_schemas(f"parameter {name}", *schemas, is_request=True)
        for (place, name), parameter in new.items():
            if parameter.get("required") and not old.get((place, name), {}).get("required"):
                yield f"parameter {name} is now required."

    def _compare_body(self, before: Json | None, after: Json | None) -> Iterator[str]:
        old, new = self._follow_both(before or {}, after or {})
        if new.get("required") and not old.get("required"):
            yield "the body is now required."
        for kind, content in old.get("content", {}).items():
            if kind not in new.get("content", {}):
                yield f"the body may no longer be {kind}."
            else:
                schemas = content.get("schema", {}), new["content"][kind].get("schema", {})
                yield from self._compare_schemas("body", *schemas, is_request=True)

    def _compare_schemas(self, where: str, before: Json, after: Json, *, is_request: bool) -> Iterator[str]:
        before, after = self._follow_both(before, after)
        if (pair := (id(before), id(after), is_request)) in self._seen:
            return
        self._seen.add(pair)
        before, after = _merge_parts(self._before, before), _merge_parts(self._after, after)
        yield from _compare_values(where, before, after, is_request)
        yield from _compare_bounds(where, before, after) if is_request else ()
        old, new = before.get("properties", {}), after.get("properties", {})
        for name in old:
            if name not in new and (not is_request or after.get("additionalProperties") is False):
                yield f"{where}: field {name} is gone."
            elif name in new:
                yield from self._compare_schemas(
                    f"{where}: {name}", old[name], new[name], is_request=is_request
                )
        required, required_now = set(before.get("required", [])), set(after.get("required", []))
        if is_request:
            yield from (f"{where}: field {name} is now required." for name in sorted(required_now - required))
        else:
            missing = sorted((required - required_now) & set(new))
            yield from (f"{where}: field {name} may now be missing." for name in missing)
        if "items" in before and "items" in after:
            yield from self._compare_schemas(
                f"{where}[]", before["items"], after["items"], is_request=is_request
            )

    def _follow_both(self, before: Json, after: Json) -> tuple[Json, Json]:
        return _follow_reference(self._before, before), _follow_reference(self._after, after)


def _follow_reference(document: Json, value: Json) -> Json:
    """Return the target of a reference. Return any other value unchanged."""
    while "$ref" in value:
        found: Any = document
        for part in value["$ref"].removeprefix("#/").split("/"):
            found = found[part.replace("~1", "/").replace("~0", "~")]
        value = found
    return value


def _merge_parts(document: Json, schema: Json) -> Json:
    """Merge a schema with the schemas in its `allOf`, `anyOf` and `oneOf`. Return the merged schema."""
    merged = dict(schema)
    for part in (_merge_parts(document, _follow_reference(document, one)) for one in schema.get("allOf", [])):
        merged["properties"] = merged.get("properties", {}) | part.get("properties", {})
        merged["required"] = [*merged.get("required", []), *part.get("required", [])]
        merged = part | merged
    choices = [
        _follow_reference(document, one) for name in ("anyOf", "oneOf") for one in schema.get(name, [])
    ]
    if choices and "type" not in merged:
        parts = [_merge_parts(document, one) for one in choices]
        merged["type"] = sorted(set().union(*(_read_types(part) for part in parts)))
        for part in parts:
            merged = part | merged
    return merged


def _read_types(schema: Json) -> set[str]:
    types = schema.get("type", [])
    return {types} if isinstance(types, str) else set(types)


def _compare_values(where: str, before: Json, after: Json, is_request: bool) -> Iterator[str]:
    old, new = _read_types(before), _read_types(after)
    lost = old - new if is_request else new - old
    if old and new and lost - ({"integer"} if "number" in (new if is_request else old) else set()):
        yield f"{where}: the type was {_join_sorted(old)} and is {_join_sorted(new)}."
    if "enum" in before and "enum" in after and is_request:
        gone = [str(value) for value in before["enum"] if value not in after["enum"]]
        if gone:
            yield f"{where}: {_join_sorted(gone)} is no longer accepted."
    elif is_request and "enum" in after and "enum" not in before:
        yield f"{where}: only {_join_sorted(map(str, after['enum']))} is accepted."
    if is_request and after.get("pattern") not in (None, before.get("pattern")):
        yield f"{where}: the pattern is now {after['pattern']}."


def _compare_bounds(where: str, before: Json, after: Json) -> Iterator[str]:
    for names, is_lower in ((LOWER_BOUNDS, True), (UPPER_BOUNDS, False)):
        for name in names:
            old, new = before.get(name), after.get(name)
            if new is not None and (old is None or (new > old if is_lower else new < old)):
                yield f"{where}: {name} is now {new}."


def _join_sorted(values: Any) -> str:
    return ", ".join(sorted(values)) or "anything"


def main(arguments: list[str]) -> None:
    match arguments:
        case [before, after]:
            documents = [yaml.safe_load(Path(name).read_text("utf-8")) for name in (before, after)]
            changes = sorted(find_breaking_changes(*documents))
            print("\n".join(changes) or "No change breaks a client.")
            sys.exit(bool(changes))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
