"""Least privilege: the calls of each function in the functional tests equal the actions that its role allows.

`conftest.py` records the calls, and runs this module last. The tests are skipped unless the whole folder runs.
"""

from typing import Any

import pytest

from tests.functional.conftest import CALLS, WHOLE_FOLDER
from tests.support import template

STREAM_ACTIONS = {"dynamodb:GetRecords", "dynamodb:ListStreams"}
"""The actions that Lambda itself needs in the role of a function to read a stream."""


def allowed_actions(function: str) -> set[tuple[str, str]]:
    """Return the actions that the role of a function allows, each with a table or an index."""
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
    assert CALLS[function] == allowed_actions(function), "the recorded calls, and the role in template.yaml"
