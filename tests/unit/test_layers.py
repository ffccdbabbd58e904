"""Imports of the layer and the functions: each module imports only allowed modules, and imports have no cycles."""

import ast
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.support.template import ROOT

PACKAGE = ROOT / "layers" / "scheduling" / "scheduling"
HANDLERS = sorted((ROOT / "functions").glob("*/handler.py"))
LEAVES = {"errors", "settings", "telemetry"}

ALLOWED = {
    "http": {"http", "services", "dto", "domain"} | LEAVES,
    "dto": {"dto", "domain", "errors"},
    "services": {"services", "store", "domain"} | LEAVES,
    "store": {"store", "domain"} | LEAVES,
    "domain": {"domain", "errors"},
    "errors": set[str](),
    "settings": set[str](),
    "telemetry": set[str](),
}
"""The parts of the layer that each part may import. A part is a folder, or a module beside the folders."""

PACKAGES = {
    "http": {"aws_lambda_powertools", "jwt"},
    "dto": {"pydantic", "pydantic_core", "typing_extensions"},
    "store": {"botocore"},
    "domain": {"tzdata"},
}
"""The third-party packages that each part may import. Parts without an entry may import no third-party packages."""

CLOCKS = {"time", "random", "uuid", "secrets"}
"""Modules that the domain must not import, because its results must depend only on arguments."""


def imported_modules(source: str) -> Iterator[str]:
    """Yield the dotted names of all imported modules, including imports inside functions."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports must be absolute"
            assert node.module
            for alias in node.names:
                yield (
                    f"{node.module}.{alias.name}" if is_module(f"{node.module}.{alias.name}") else node.module
                )


def is_module(name: str) -> bool:
    """Return whether a dotted name is a module or a package of the layer."""
    path = PACKAGE.parent.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def part_of(module: str) -> str:
    """Return the part of the layer that a module such as `scheduling.store.client` belongs to."""
    return module.split(".")[1]


def modules() -> dict[str, set[str]]:
    """Return the modules that each module of the layer imports, by dotted name."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        names = path.relative_to(PACKAGE.parent).with_suffix("").parts
        name = ".".join(names[:-1] if names[-1] == "__init__" else names)
        found[name] = set(imported_modules(path.read_text()))
    return found


GRAPH = modules()
PARTS = [module for module in GRAPH if module != "scheduling"]


def is_in_the_layer(module: str) -> bool:
    """Return whether a module belongs to the layer's package."""
    return module.split(".")[0] == "scheduling"


def test_every_part_of_the_layer_has_a_rule_for_its_imports() -> None:
    assert {part_of(module) for module in PARTS} == set(ALLOWED)


@pytest.mark.parametrize("module", PARTS)
def test_a_module_imports_only_the_allowed_parts(module: str) -> None:
    imported = {part_of(name) for name in GRAPH[module] if is_in_the_layer(name)}
    assert imported <= ALLOWED[part_of(module)]


@pytest.mark.parametrize("module", PARTS)
def test_a_module_imports_only_the_allowed_third_party_packages(module: str) -> None:
    imported = {name.split(".")[0] for name in GRAPH[module] if not is_in_the_layer(name)}
    assert imported - sys.stdlib_module_names <= PACKAGES.get(part_of(module), set())


@pytest.mark.parametrize("module", [module for module in PARTS if part_of(module) == "domain"])
def test_the_domain_imports_neither_time_nor_random_nor_uuid_nor_secrets(module: str) -> None:
    assert GRAPH[module].isdisjoint(CLOCKS)


def test_no_modules_import_each_other_in_a_cycle() -> None:
    graph = {
        module: {name for name in imported if is_in_the_layer(name)} for module, imported in GRAPH.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as cycle:
        pytest.fail(" -> ".join(cycle.args[1]))


@pytest.mark.parametrize("handler", HANDLERS, ids=lambda path: path.parent.name)
def test_a_function_does_not_import_the_store(handler: Path) -> None:
    imported = {part_of(name) for name in imported_modules(handler.read_text()) if is_in_the_layer(name)}
    assert imported <= {"http", "dto", "services", "domain", "errors"}


@pytest.mark.parametrize("handler", HANDLERS, ids=lambda path: path.parent.name)
def test_a_function_imports_no_third_party_package(handler: Path) -> None:
    imported = {
        name.split(".")[0] for name in imported_modules(handler.read_text()) if not is_in_the_layer(name)
    }
    assert imported <= sys.stdlib_module_names
