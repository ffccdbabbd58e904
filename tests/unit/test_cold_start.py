"""Garbage collection during a cold start. Each test runs a new interpreter."""

import os
import subprocess
import sys

import pytest

from tests.support.template import ROOT

HANDLE = """
import gc
from functions.{function}.handler import lambda_handler
before = gc.isenabled()
lambda_handler({{}}, None)
print(before, gc.isenabled())
"""


def read_collection_states(function: str, **environment: str) -> str:
    """Return whether garbage collection is on after the import of a handler, and after its first response."""
    variables = {
        "PATH": os.environ["PATH"],
        "AWS_DEFAULT_REGION": "eu-west-1",
        "PYTHONPATH": f"{ROOT}:{ROOT}/layers/scheduling",
    }
    done = subprocess.run(
        [sys.executable, "-B", "-c", HANDLE.format(function=function)],
        env=variables | {"POWERTOOLS_LOG_LEVEL": "CRITICAL"} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize("function", ["get_session", "create_session", "list_timelines"])
def test_a_function_on_lambda_collects_garbage_only_after_the_first_response(function: str) -> None:
    assert read_collection_states(function, AWS_LAMBDA_FUNCTION_NAME=function) == "False True"


def test_tools_that_import_a_handler_keep_garbage_collection_on() -> None:
    assert read_collection_states("get_session") == "True True"


def test_the_function_of_the_documentation_page_keeps_garbage_collection_on() -> None:
    done = subprocess.run(
        [sys.executable, "-B", "-c", "import gc, functions.get_docs.handler; print(gc.isenabled())"],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{ROOT}:{ROOT}/layers/scheduling",
            "AWS_LAMBDA_FUNCTION_NAME": "get_docs",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "True"
