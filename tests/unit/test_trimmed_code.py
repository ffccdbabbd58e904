"""Trimmed dependencies of the layer: the build removes code that no function runs.

The tests run programs in interpreters that import trimmed copies of the dependencies. The last test checks the build.
"""

import os
import runpy
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support.template import ROOT

BUILD = runpy.run_path(str(ROOT / "layers" / "scheduling" / "build.py"))
TRIMMED = ("aws_lambda_powertools", "botocore", "pydantic_core", "urllib3")

NAMES = """
import json, pydantic_core.core_schema
print(json.dumps(sorted(vars(pydantic_core.core_schema))))
"""
MODELS = """
import json
from scheduling.dto import read
from scheduling.dto.create_session import CreateSession
from scheduling.dto.list_sessions import ListSessions
from scheduling.errors import BadRequest
print(json.dumps([CreateSession.model_json_schema(), read(ListSessions, {"take": "20"})]))
try:
    read(CreateSession, {"type": "ONCE", "timelineId": "?", "repeatCount": 0, "startDateTime": "2023-12-01"})
except BadRequest as error:
    print(error.faults)
"""
CLIENT = """
import botocore.session, botocore.waiter
client = botocore.session.Session().create_client("dynamodb", "eu-west-1")
print(repr(client.get_item.__doc__), repr(client.get_paginator("query").paginate.__doc__))
print(repr(client.get_waiter("table_exists").wait.__doc__))
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy packages of this environment, and trim the copies. Return the folder of the copies."""
    folder = tmp_path_factory.mktemp("packages")
    for name in TRIMMED:
        spec = find_spec(name)
        assert spec
        assert spec.origin
        source = Path(spec.origin).parent
        shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", "data"))
        if (source / "data").is_dir():
            (folder / name / "data").symlink_to(source / "data")
    BUILD["trim_code"](folder)
    return folder


def run(program: str, *path: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-B", "-c", program],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(map(str, [*path, ROOT, ROOT / "layers" / "scheduling"])),
            "AWS_DEFAULT_REGION": "eu-west-1",
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("function", ["get_session", "create_session", "list_sessions"])
def test_functions_do_not_import_modules_that_they_never_use(packages: Path, function: str) -> None:
    program = f"import sys, functions.{function}.handler; print(*sys.modules)"
    modules = set(run(program, packages).split())
    unused = {
        "aws_lambda_powertools.metrics",
        "aws_lambda_powertools.tracing",
        "botocore.docs.method",
        "html.parser",
    }
    if function == "get_session":  # the other functions import pydantic, which imports importlib.metadata
        unused.add("importlib.metadata")
    assert unused & modules == set()
    assert unused & set(run(program).split()) == unused


def test_trimmed_typed_dicts_of_pydantic_core_have_no_keys(packages: Path) -> None:
    program = "from pydantic_core.core_schema import StringSchema; print(len(StringSchema.__annotations__))"
    assert run(program, packages).strip() == "0"
    assert run(program).strip() != "0"


def test_trimmed_powertools_provides_the_same_utilities(packages: Path) -> None:
    program = (
        "from aws_lambda_powertools import Logger, Metrics, Tracer, single_metric; print(Logger, Metrics)"
    )
    assert run(program, packages) == run(program)


def test_the_trimmed_module_core_schema_defines_the_same_names(packages: Path) -> None:
    assert run(NAMES, packages) == run(NAMES)


def test_models_with_trimmed_packages_give_the_same_faults_and_json_schemas(packages: Path) -> None:
    assert run(MODELS, packages) == run(MODELS)


def test_methods_of_botocore_clients_have_no_docstrings(packages: Path) -> None:
    assert run(CLIENT, packages).split() == ["''", "''", "''"]


def test_the_build_fails_if_a_module_to_trim_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="does not exist"):
        BUILD["replace"](tmp_path / "gone.py", "")
