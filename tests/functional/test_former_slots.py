"""Conflict check of an update, which ignores only the slot that the session had before the update."""

from typing import Any

import pytest

from tests.functional.conftest import ANNA, new_session


@pytest.mark.parametrize("series", [{}, {"type": "RECURRING", "repeatCycleType": "WEEKLY"}])
def test_a_patch_that_extends_a_session_over_an_earlier_session_gets_a_409(
    timeline: str, series: dict[str, Any]
) -> None:
    new_session(ANNA, timeline, startDateTime="2023-12-15T09:00:00Z", endDateTime="2023-12-15T11:00:00Z")
    id = new_session(
        ANNA, timeline, startDateTime="2023-12-15T12:00:00Z", endDateTime="2023-12-15T13:00:00Z"
    )["id"]
    grown = {"startDateTime": "2023-12-15T10:00:00Z", "endDateTime": "2023-12-15T14:00:00Z", **series}
    assert ANNA.call("update_session", id=id, body=grown).status == 409
    assert (
        ANNA.call("update_session", id=id, body=grown | {"startDateTime": "2023-12-15T11:00:00Z"}).status
        == 200
    )
