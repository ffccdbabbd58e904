"""Use cases without HTTP: several sessions in one transaction, and dry runs."""

from datetime import UTC, datetime
from typing import Any, cast

import pytest

from scheduling.domain import session
from scheduling.domain.permissions import Principal
from scheduling.domain.session import SessionChange
from scheduling.errors import SchedulingConflict
from scheduling.services import sessions, timelines
from scheduling.services.request import Request
from scheduling.services.results import EntityResult
from scheduling.services.retries import RetryState, retry_on_conflict
from scheduling.store.sessions import get_existing
from tests.functional.conftest import ANNA, new_session, one_time
from tests.support.api import new_timeline
from tests.support.invariants import breaches, live_sessions, scan_all

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


def build_request(fields: dict[str, Any] | None = None, id: str = "", **more: Any) -> Request:
    """Build a request that Anna sends."""
    anna = Principal(ANNA.id, frozenset({"USER"}))
    path = {"id": id} if id else {}
    return Request(principal=anna, path=path, fields=fields or {}, now=NOW, new_id="new", **more)


def with_defaults(body: dict[str, Any]) -> dict[str, Any]:
    return {"repeatCycleType": None, "recurringDayOfWeek": None, "description": None, **body}


@pytest.mark.parametrize("dry_run", [True, False])
def test_create_update_and_delete_return_an_entity_and_only_a_dry_run_writes_nothing(
    tables: Any, timeline: str, dry_run: bool
) -> None:
    id, empty = new_session(ANNA, timeline)["id"], new_timeline(ANNA)
    writes = [
        lambda: sessions.create(
            build_request(
                with_defaults(one_time(timeline, startDateTime=None, endDateTime=None)), dry_run=dry_run
            )
        ),
        lambda: sessions.update(
            build_request({"startDateTime": "2023-12-15T13:00:00Z"}, id, dry_run=dry_run)
        ),
        lambda: sessions.delete(build_request(id=id, dry_run=dry_run)),
        lambda: timelines.create(build_request({"name": "x", "ownerId": None}, dry_run=dry_run)),
        lambda: timelines.update(build_request({"name": "y"}, empty, dry_run=dry_run)),
        lambda: timelines.delete(build_request(id=empty, dry_run=dry_run)),
    ]
    for write in writes:
        before = scan_all(tables)
        assert isinstance(write(), EntityResult)
        assert (scan_all(tables) == before) == dry_run


def test_a_dry_run_finds_conflicts(timeline: str) -> None:
    new_session(ANNA, timeline)
    with pytest.raises(SchedulingConflict):
        sessions.create(build_request(with_defaults(one_time(timeline)), dry_run=True))


def move_both(first: str, other: str, times: dict[str, dict[str, str]]) -> None:
    """Move two sessions of one owner in one transaction."""

    @retry_on_conflict
    def move(asked: Request, state: RetryState) -> None:
        changes = []
        for id in (first, other):
            before = get_existing(id)
            after = session.update(before, times[id], before["ownerId"], asked.timestamp)
            changes.append(SessionChange(before, after))
        sessions.save(asked, state, changes)

    move(build_request())


def test_two_sessions_can_swap_their_times_in_one_transaction(tables: Any, timeline: str) -> None:
    nine = {"startDateTime": "2023-12-15T09:00:00Z", "endDateTime": "2023-12-15T10:00:00Z"}
    ten = {"startDateTime": "2023-12-15T10:00:00Z", "endDateTime": "2023-12-15T11:00:00Z"}
    first, other = new_session(ANNA, timeline, **nine)["id"], new_session(ANNA, timeline, **ten)["id"]
    move_both(first, other, {first: ten, other: nine})
    starts = {each["id"]: each["startDateTime"] for each in live_sessions(tables)}
    assert starts == {first: ten["startDateTime"], other: nine["startDateTime"]}
    assert breaches(tables) == []
    new_session(ANNA, timeline)
    assert breaches(tables) == []


def test_two_sessions_moved_in_one_transaction_can_conflict_with_each_other_or_with_a_third_session(
    tables: Any, timeline: str
) -> None:
    hours = [
        {"startDateTime": f"2023-12-15T{hour:02}:00:00Z", "endDateTime": f"2023-12-15T{hour:02}:50:00Z"}
        for hour in (9, 10, 11, 20)
    ]
    first, other, third = (new_session(ANNA, timeline, **times)["id"] for times in hours[:3])
    before = scan_all(tables)
    with pytest.raises(SchedulingConflict):
        move_both(first, other, {first: hours[3], other: hours[3]})
    with pytest.raises(SchedulingConflict) as conflict:
        move_both(first, other, {first: hours[1], other: hours[2]})
    assert [cast(str, each["sessionId"]) for each in conflict.value.conflicts] == [third]
    assert scan_all(tables) == before
