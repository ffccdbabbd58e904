"""Fuzz run of one minute with schemathesis. `make fuzz` runs longer."""

import pytest

from local.stack import Stack
from tests.fuzz.run import fuzz
from tools import openapi


@pytest.mark.slow
def test_schemathesis_finds_no_fault(shared_stack: Stack) -> None:
    shared_stack.add_user("fuzz", "USER")
    done = fuzz(shared_stack.url, shared_stack.token_of("fuzz"), seconds=60)
    assert done.returncode == 0, done.stdout + done.stderr
    operations = sum(
        "operationId" in operation
        for path in openapi.build_document()["paths"].values()
        for operation in path.values()
    )
    assert f"Tested: {operations}" in done.stdout, "every operation was tried"
