"""Fuzz run with schemathesis, with the same seed each time. `make fuzz` runs longer, with new requests."""

import pytest

from local.stack import Stack
from tests.fuzz.run import fuzz
from tools import openapi

LIMITS = ("--max-examples", "50", "--seed", "1")
"""Limits without a time limit, so that a slow machine tests all operations too. The run takes about a minute."""
TIMEOUT_SECONDS = 1200


@pytest.mark.slow
def test_schemathesis_finds_no_failure(shared_stack: Stack) -> None:
    shared_stack.add_user("fuzz", "USER")
    done = fuzz(shared_stack.url, shared_stack.token_of("fuzz"), LIMITS, TIMEOUT_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    operations = sum(
        "operationId" in operation
        for path in openapi.build_document()["paths"].values()
        for operation in path.values()
    )
    assert f"Tested: {operations}" in done.stdout, "schemathesis must test every operation"
