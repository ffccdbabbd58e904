"""Event that `make invoke` sends to a function."""

import json

import pytest

from local import invoke
from local.stack import WELCOME, StackError
from tests.support.api import load_event
from tests.support.template import ROOT, functions


def test_an_event_has_the_claims_of_the_demo_user() -> None:
    event = json.loads(invoke.prepare_event("create_session", "ADMIN", "anna"))
    claims = event["requestContext"]["authorizer"]["jwt"]["claims"]
    assert (claims["sub"], claims["cognito:groups"]) == ("anna", "[ADMIN]")


@pytest.mark.parametrize("function", sorted(functions()))
def test_every_function_has_an_event(function: str) -> None:
    assert json.loads(invoke.prepare_event(function, "USER", "anna", "another"))


def test_a_given_id_replaces_the_id_in_the_path() -> None:
    event = json.loads(invoke.prepare_event("get_session", "USER", "anna", "another"))
    assert event["pathParameters"] == {"sessionId": "another"}
    assert event["rawPath"] == event["requestContext"]["http"]["path"] == "/sessions/another"


def test_a_given_id_does_not_replace_the_date_of_an_occurrence() -> None:
    event = json.loads(invoke.prepare_event("update_occurrence", "USER", "anna", "another"))
    assert event["pathParameters"] == {"sessionId": "another", "date": "2023-12-15"}
    assert event["rawPath"] == "/sessions/another/occurrences/2023-12-15"
    assert json.loads(event["body"])["startDateTime"] == "2023-12-15T11:30:00Z"


def test_the_error_for_an_unknown_function_lists_all_functions() -> None:
    with pytest.raises(StackError, match="create_session, create_timeline"):
        invoke.prepare_event("create_sessions", "USER", "anna")


def test_the_event_of_create_session_has_another_start_than_the_first_request_of_the_readme() -> None:
    start = json.loads(load_event("create_session")["body"])["startDateTime"]
    for text in (WELCOME, (ROOT / "README.md").read_text("utf-8")):
        assert '"startDateTime": "2023-12-01T09:00:00Z"' in text
        assert start not in text
