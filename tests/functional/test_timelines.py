"""Timelines through their handlers, and the permissions on timelines and their sessions."""

from typing import Any

import pytest

from tests.functional.conftest import ADMIN, ANNA, BERT, MANAGER, RunBeforeReads, new_session, one_time
from tests.support.api import Caller, new_timeline
from tests.support.invariants import breaches, scan


def test_a_created_timeline_belongs_to_the_caller_and_has_seven_fields(tables: Any) -> None:
    answer = ANNA.call("create_timeline", body={"name": " Yoga ", "description": "d"})
    timeline = answer.data
    assert timeline == {
        "id": timeline["id"],
        "name": "Yoga",
        "description": "d",
        "ownerId": "anna",
        "createdAt": timeline["createdAt"],
        "updatedAt": timeline["createdAt"],
        "removedAt": None,
    }
    assert answer.headers["Location"] == f"/timelines/{timeline['id']}"
    assert ANNA.call("get_timeline", id=timeline["id"]).data == timeline


def test_only_an_admin_creates_a_timeline_for_another_owner(tables: Any) -> None:
    body = {"name": "Room 7", "ownerId": "room-7"}
    assert ADMIN.call("create_timeline", body=body).data["ownerId"] == "room-7"
    assert MANAGER.call("create_timeline", body=body).status == 403
    assert ANNA.call("create_timeline", body=body).status == 403
    assert ANNA.call("create_timeline", body={"name": "Mine", "ownerId": "anna"}).status == 200


def test_a_patch_changes_the_name_but_never_the_owner(timeline: str) -> None:
    before = ANNA.call("get_timeline", id=timeline).data
    changed = ANNA.call("update_timeline", id=timeline, body=before | {"name": "New", "ownerId": "bert"}).data
    assert changed == before | {"name": "New", "updatedAt": changed["updatedAt"]}
    assert ANNA.call("update_timeline", id=timeline, body={}).headers["ETag"] == '"2"'
    assert ANNA.call("update_timeline", id=timeline, body={"name": None}).status == 400


def test_a_timeline_with_sessions_cannot_be_deleted(tables: Any, timeline: str) -> None:
    session = new_session(ANNA, timeline)
    refused = ANNA.call("delete_timeline", id=timeline)
    assert (refused.status, refused.body["code"]) == (409, "TIMELINE_NOT_EMPTY")
    ANNA.call("delete_session", id=session["id"])
    removed = ANNA.call("delete_timeline", id=timeline).data
    assert removed["removedAt"]
    for function in ("get_timeline", "update_timeline", "delete_timeline"):
        body = {} if function == "update_timeline" else None
        assert ANNA.call(function, id=timeline, body=body).status == 404
    assert ANNA.call("list_timelines").count == 0
    assert ANNA.call("create_session", body=one_time(timeline)).body["code"] == "INVALID_TIMELINE"
    (item,) = [item for item in scan(tables, "TimelinesTable") if item["id"] == timeline]
    assert item["expiresAt"] > 30 * 24 * 3600
    assert breaches(tables) == []


def test_a_timeline_returns_its_current_description_after_every_change(tables: Any) -> None:
    """The API stores a long description as a separate item. A request with the id of this item gets a 404."""
    long, other = "ü" * 4_000, "ö" * 600
    id = ANNA.call("create_timeline", body={"name": "Yoga", "description": long}).data["id"]
    for change, description in (
        ({"name": "New"}, long),
        ({"description": other}, other),
        ({"description": "short"}, "short"),
        ({"description": long}, long),
        ({"description": None}, None),
        ({"description": other}, other),
    ):
        assert ANNA.call("update_timeline", id=id, body=change).data["description"] == description
        assert ANNA.call("get_timeline", id=id).data["description"] == description
        assert [each["description"] for each in ANNA.call("list_timelines").data] == [description]
        assert breaches(tables) == []
    assert ANNA.call("get_timeline", id=f"{id}#description").status == 404
    assert ANNA.call("delete_timeline", id=id).data["description"] == other
    assert breaches(tables) == []


class DelayedItem:
    """Item that readers still see in an older state. DynamoDB may show the items of a transaction one by one."""

    def __init__(self, tables: Any, id: str) -> None:
        self._tables = tables
        self._place = {"TableName": "TimelinesTable", "Key": {"id": {"S": id}}}
        self.new = tables.get_item(**self._place)["Item"]

    def show(self, item: dict[str, Any] | None) -> None:
        """Let readers see `item` as the stored item. If `item` is None, readers see no item."""
        if item is None:
            self._tables.delete_item(**self._place)
        else:
            self._tables.put_item(TableName="TimelinesTable", Item=item)


LONG, OTHER = "ü" * 4_000, "ö" * 600


def test_a_patch_of_the_name_keeps_a_long_description_that_is_not_yet_readable(tables: Any) -> None:
    id = ANNA.call("create_timeline", body={"name": "Yoga", "description": LONG}).data["id"]
    description = DelayedItem(tables, f"{id}#description")
    description.show(None)
    assert ANNA.call("update_timeline", id=id, body={"name": "New"}).data["name"] == "New"
    description.show(description.new)
    timeline = ANNA.call("get_timeline", id=id).data
    assert (timeline["name"], timeline["description"]) == ("New", LONG)
    assert breaches(tables) == []


@pytest.mark.parametrize("created", [True, False])
def test_a_get_waits_until_a_long_description_has_the_version_of_its_timeline(
    tables: Any, run_before_reads: RunBeforeReads, created: bool
) -> None:
    id = ANNA.call("create_timeline", body={"name": "Yoga", "description": OTHER}).data["id"]
    description = DelayedItem(tables, f"{id}#description")
    old, expected = None, OTHER
    if not created:
        old, expected = description.new, LONG
        ANNA.call("update_timeline", id=id, body={"description": LONG})
        description = DelayedItem(tables, f"{id}#description")
    description.show(old)
    run_before_reads(4, lambda: description.show(description.new))
    assert ANNA.call("get_timeline", id=id).data["description"] == expected


def test_a_patch_back_to_a_long_description_is_stored_even_if_reads_still_return_this_description(
    tables: Any, run_before_reads: RunBeforeReads
) -> None:
    id = ANNA.call("create_timeline", body={"name": "Yoga", "description": LONG}).data["id"]
    former = DelayedItem(tables, f"{id}#description").new
    ANNA.call("update_timeline", id=id, body={"description": OTHER})
    description = DelayedItem(tables, f"{id}#description")
    description.show(former)
    run_before_reads(4, lambda: description.show(description.new))
    assert ANNA.call("update_timeline", id=id, body={"description": LONG}).data["description"] == LONG
    assert ANNA.call("get_timeline", id=id).data["description"] == LONG
    assert breaches(tables) == []


def test_a_deleted_timeline_and_its_long_description_expire_at_the_same_time(tables: Any) -> None:
    id = ANNA.call("create_timeline", body={"name": "Yoga", "description": LONG}).data["id"]
    assert ANNA.call("delete_timeline", id=id).data["description"] == LONG
    expiries = {item["expiresAt"] for item in scan(tables, "TimelinesTable") if item["id"].startswith(id)}
    assert len(expiries) == 1


@pytest.mark.parametrize("id", ["unknown", "COUNTS#0", "x" * 65])
@pytest.mark.parametrize("function", ["get_timeline", "update_timeline", "delete_timeline"])
def test_an_unknown_or_malformed_id_gets_a_404(timeline: str, function: str, id: str) -> None:
    new_session(ANNA, timeline)
    assert ANNA.call(function, id=id, body={} if function == "update_timeline" else None).status == 404


# Each row: a caller, the status of a request for Anna's timeline, and the status for a timeline of the caller.
MATRIX = [
    (Caller("eve"), 403, 200),
    (Caller("eve", "[USER]"), 403, 200),
    (Caller("eve", "[STAFF]"), 403, 200),
    (MANAGER, 200, 200),
    (ADMIN, 200, 200),
    (Caller("both", "[USER ADMIN]"), 200, 200),
]
ONLY_OWN_FOR_MANAGERS = {"delete_session", "update_timeline", "delete_timeline"}


@pytest.mark.parametrize(("who", "foreign", "own"), MATRIX, ids=lambda value: str(value))
@pytest.mark.parametrize(
    "function",
    [
        *("get_session", "update_session", "create_session", "delete_session"),
        *("get_timeline", "update_timeline", "delete_timeline"),
    ],
)
def test_the_role_of_a_caller_decides_whether_a_request_gets_a_200_or_a_403(
    tables: Any, timeline: str, function: str, who: Caller, foreign: int, own: int
) -> None:
    if who is MANAGER and function in ONLY_OWN_FOR_MANAGERS:
        foreign = 403
    for timeline_id, owner, expected in ((timeline, ANNA, foreign), (new_timeline(who), who, own)):
        id = timeline_id if function.endswith("timeline") else new_session(owner, timeline_id)["id"]
        if function == "delete_timeline":
            id = new_timeline(owner)
        body = {"name": "x"} if function.startswith("update") else None
        if function == "create_session":
            body = one_time(timeline_id, startDateTime=None, endDateTime=None)
        answer = who.call(function, id="" if function == "create_session" else id, body=body)
        assert answer.status == expected
        if expected == 403:
            assert answer.body["code"] == "FORBIDDEN"
    assert breaches(tables) == []


def test_moving_a_session_needs_permission_on_the_old_and_the_new_timeline(timeline: str) -> None:
    session, foreign = new_session(ANNA, timeline), new_timeline(BERT)
    move = {"timelineId": foreign}
    assert ANNA.call("update_session", id=session["id"], body=move).status == 403
    assert BERT.call("update_session", id=session["id"], body=move).status == 403
    assert MANAGER.call("update_session", id=session["id"], body=move).status == 403
    assert ADMIN.call("update_session", id=session["id"], body=move).status == 200
