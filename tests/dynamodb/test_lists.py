"""Lists on DynamoDB's own engine, whose pages end where AWS's do."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.dynamodb.conftest import new_timeline
from tests.support.api import Caller

ANNA, ROOT = Caller("anna"), Caller("root", "[ADMIN]")
MANY, TAKE = 150, 7


def paged(caller: Caller, order: str, **query: object) -> Iterator[str]:
    """The ids of all sessions, page by page, until a page is not full."""
    skip, found = 0, TAKE
    while found == TAKE:
        asked = {"startDateTimeSortOrder": order, "skip": skip, "take": TAKE, **query}
        answer = caller.call("list_sessions", query=asked)
        assert answer.count == MANY
        yield from (session["id"] for session in answer.data)
        found, skip = len(answer.data), skip + TAKE


def created(owner: Caller, timeline: str, **times: str) -> str:
    """The id of a new session."""
    body = {"type": "ONE_TIME", "timelineId": timeline, "name": "Yoga", **times}
    id: str = owner.call("create_session", body=body).data["id"]
    return id


def test_150_sessions_with_one_start_paged_by_7_come_once_each_in_both_orders(dynamodb: Any) -> None:
    """Of as many owners as sessions, for one owner's would overlap; an ADMIN reads them all."""

    def one(number: int) -> str:
        owner = Caller(f"owner-{number}")
        return created(owner, new_timeline(owner), startDateTime="2023-12-01T09:00:00Z")

    with ThreadPoolExecutor(4) as pool:
        ids = sorted(pool.map(one, range(MANY)))
    assert list(paged(ROOT, "ASC")) == ids
    assert list(paged(ROOT, "DESC")) == ids[::-1]


@pytest.mark.parametrize("scope", ["timeline", "owner", "all"])
def test_150_sessions_without_a_start_paged_by_7_come_once_each_in_both_orders(
    dynamodb: Any, timeline: str, scope: str
) -> None:
    with ThreadPoolExecutor(4) as pool:
        ids = sorted(pool.map(lambda _: created(ANNA, timeline), range(MANY)))
    query = {"timelineId": timeline} if scope == "timeline" else {}
    caller = ROOT if scope == "all" else ANNA
    assert list(paged(caller, "ASC", **query)) == ids
    assert list(paged(caller, "DESC", **query)) == ids[::-1]
