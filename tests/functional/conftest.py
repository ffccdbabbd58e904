"""Who calls in these tests, and what they have."""

from typing import Any

import pytest

from tests.api import Caller

ANNA, BERT = Caller("anna"), Caller("bert")
MANAGER, ADMIN = Caller("mary", "[MANAGER]"), Caller("root", "[ADMIN]")


@pytest.fixture
def timeline(tables: Any) -> str:
    """The id of a timeline of Anna's."""
    return new_timeline(ANNA)


def new_timeline(caller: Caller, **fields: str) -> str:
    """The id of a new timeline."""
    id: str = caller.call("create_timeline", body={"name": "Routine", **fields}).data["id"]
    return id


def one_time(timeline: str, **fields: Any) -> dict[str, Any]:
    """The body of a session on 2023-12-15, 14:00 to 16:00."""
    return {
        "type": "ONE_TIME",
        "timelineId": timeline,
        "name": "Special Workshop",
        "startDateTime": "2023-12-15T14:00:00Z",
        "endDateTime": "2023-12-15T16:00:00Z",
        **fields,
    }


def new_session(caller: Caller, timeline: str, **fields: Any) -> dict[str, Any]:
    """A new session, as the API answers it."""
    session: dict[str, Any] = caller.call("create_session", body=one_time(timeline, **fields)).data
    return session
