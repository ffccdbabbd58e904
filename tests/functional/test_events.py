"""Events for `sam local invoke`. The test sends the events unchanged, one after another."""

import json
from typing import Any
from uuid import UUID

import pytest

from local import demo
from local.stack import DEMO_TIMELINE
from tests.support import api
from tests.support.template import functions

INVOKED: set[str] = set()


def invoke(function: str) -> dict[str, Any]:
    """Invoke a function with its event; return the `data` of the response."""
    response = api.handler(function)(api.load_event(function), None)
    assert response["statusCode"] == 200, response
    INVOKED.add(function)
    data: dict[str, Any] = json.loads(response["body"])["data"]
    return data


def test_each_function_except_get_docs_accepts_its_event_for_sam_local_invoke(
    tables: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    get_session = api.load_event("get_session")
    owner = get_session["requestContext"]["authorizer"]["jwt"]["claims"]["sub"]
    session_id = get_session["pathParameters"]["sessionId"]
    assert api.load_event("get_timeline")["pathParameters"]["timelineId"] == DEMO_TIMELINE
    demo.main(DEMO_TIMELINE, owner)
    with monkeypatch.context() as patch:
        # `uuid4` builds an id from the bytes of `os.urandom`. These bytes are the id that the other events contain.
        patch.setattr("os.urandom", lambda size: UUID(session_id).bytes[:size])
        session = invoke("create_session")
    assert session["name"] == "Weekly Yoga Class"
    assert invoke("get_session") == session
    assert invoke("list_sessions") == [session]
    (occurrence,) = invoke("list_occurrences")
    assert (occurrence["sessionId"], occurrence["date"]) == (session["id"], "2023-12-01")
    assert invoke("update_session")["startDateTime"] == "2023-12-08T10:30:00Z"
    replacement = invoke("update_occurrence")
    assert replacement["seriesId"] == session_id
    assert invoke("delete_occurrence")["excludedDates"] == ["2023-12-15", "2023-12-22"]
    rest = invoke("split_session")
    assert rest["startDateTime"] == "2023-12-29T10:30:00Z"
    assert invoke("delete_session")["removedAt"]
    assert invoke("restore_session")["removedAt"] is None
    for each in (session, replacement, rest):
        assert api.Caller(owner).call("delete_session", id=each["id"]).status == 200
    assert invoke("get_timeline")["id"] == DEMO_TIMELINE
    invoke("create_timeline")
    assert len(invoke("list_timelines")) == 2
    assert invoke("update_timeline")["id"] == DEMO_TIMELINE
    assert invoke("delete_timeline")["removedAt"]
    assert api.handler("update_counters")(api.load_event("update_counters"), None) == {"state": {}}
    INVOKED.add("update_counters")
    assert functions().keys() - INVOKED == {"get_docs"}, "this test invokes every function except get_docs"
