"""Least privilege: the role of each function allows exactly the DynamoDB calls of the functional tests.

`conftest.py` records the calls of each function, and runs this module last. If only a part of the folder runs, pytest
skips the tests of this module.
"""

from typing import Any

import pytest

from tests.functional.conftest import CALLS, WHOLE_FOLDER
from tests.support import template

STREAM_ACTIONS = {"dynamodb:GetRecords", "dynamodb:ListStreams"}
"""Actions that a role allows because Lambda reads the stream with the role of the function."""


def allowed_actions(function: str) -> set[tuple[str, str]]:
    """Return the actions that the role of a function allows, each with its table or index."""
    return {
        (action.removeprefix("dynamodb:"), resource_name(resource))
        for policy in template.functions()[function].get("Policies", [])
        for statement in policy["Statement"]
        if not set(statement["Action"]) & STREAM_ACTIONS
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    }


def as_list(one_or_more: Any) -> list[Any]:
    """Return the value as a list, because CloudFormation also accepts a single value."""
    return one_or_more if isinstance(one_or_more, list) else [one_or_more]


def resource_name(resource: dict[str, Any]) -> str:
    """Return the name of a resource: `SessionsTable` or `SessionsTable/index/owner-startDateTime-index`."""
    ((kind, content),) = resource.items()
    if kind == "Fn::GetAtt":
        return str(content[0])
    assert kind == "Fn::Sub"
    return str(content).replace("${", "").replace(".Arn}", "")


@pytest.mark.parametrize("function", template.functions())
def test_a_role_allows_exactly_the_calls_of_its_function(
    function: str, request: pytest.FixtureRequest
) -> None:
    if not request.config.stash.get(WHOLE_FOLDER, False):
        pytest.skip("needs the calls of all functional tests")
    assert CALLS[function] == allowed_actions(function), (
        "on the left the recorded calls, on the right the role in template.yaml"
    )
