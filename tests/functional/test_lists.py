"""Lists: which sessions, in which order, which page, how many in all."""

from itertools import count, product
from typing import Any

import pytest

from tests.api import Caller, handler
from tests.functional.conftest import ADMIN, ANNA, BERT, MANAGER, new_session, new_timeline
from tests.invariants import breaches

DAYS = ["2022-11-30", "2023-01-31", "2023-02-01", "2023-02-15", "2023-02-28", "2023-03-01", "2024-02-29"]


def listed(caller: Caller = ANNA, **query: object) -> list[str]:
    """The names of the sessions on a page."""
    return [session["name"] for session in caller.call("list_sessions", query=query).data]


@pytest.fixture
def days(timeline: str) -> str:
    """Anna's timeline with a session on each day, named by it, and two without a start."""
    for day in [*DAYS[::2], *DAYS[1::2]]:
        new_session(
            ANNA, timeline, name=day, startDateTime=f"{day}T09:00:00Z", endDateTime=f"{day}T10:00:00Z"
        )
    for name in ("undated", "undated"):
        new_session(ANNA, timeline, name=name, startDateTime=None, endDateTime=None)
    return timeline


def test_the_latest_start_comes_first_and_ten_are_returned_by_default(days: str) -> None:
    answer = ANNA.call("list_sessions")
    assert [one["name"] for one in answer.data] == [*DAYS[::-1], "undated", "undated"]
    assert answer.body["meta"] == {"message": "success", "meta": {"skip": 0, "take": 10, "count": 9}}
    assert {"Content-Type": "application/json", "Cache-Control": "no-store"}.items() <= answer.headers.items()


@pytest.mark.parametrize("who", [ANNA, MANAGER, ADMIN])
def test_every_page_of_every_scope_is_the_slice_it_says(days: str, who: Caller) -> None:
    for order, whole in (("ASC", DAYS), ("DESC", DAYS[::-1])):
        for scope in ({}, {"timelineId": days}):
            for skip, take in product(range(10), (1, 3, 100)):
                page = listed(who, skip=skip, take=take, startDateTimeSortOrder=order, **scope)
                assert page == [*whole, "undated", "undated"][skip : skip + take]


@pytest.mark.parametrize(
    ("start", "end", "names"),
    [
        ("2023-02-01T00:00:00Z", None, DAYS[2:]),
        ("2023-02-01T09:00:00Z", None, DAYS[2:]),
        ("2023-02-01T09:00:00.000001Z", None, DAYS[3:]),
        ("2023-02-01T18:00:00+09:00", None, DAYS[2:]),
        (None, "2023-02-01T09:00:00Z", DAYS[:2]),
        (None, "2023-02-01T09:00:00.000001Z", DAYS[:3]),
        (None, "2023-03-01T00:00:00Z", DAYS[:5]),
        ("2023-02-02T00:00:00Z", "2023-02-20T00:00:00Z", DAYS[3:4]),
        ("2023-01-01T00:00:00Z", "2023-03-01T09:00:00Z", DAYS[1:5]),
        ("2023-02-15T09:00:00Z", "2023-02-15T09:00:00Z", []),
        ("2024-01-01T00:00:00Z", "2023-01-01T00:00:00Z", []),
        ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", DAYS),
    ],
)
def test_a_range_keeps_the_sessions_that_start_in_it(
    days: str, start: str | None, end: str | None, names: list[str]
) -> None:
    limits = {"startDateTimeFrom": start, "startDateTimeTo": end, "startDateTimeSortOrder": "ASC"}
    query = {name: value for name, value in limits.items() if value}
    for who, extra in product((ANNA, ADMIN), ({}, {"timelineId": days})):
        answer = who.call("list_sessions", query=query | extra)
        assert [one["name"] for one in answer.data] == names
        assert answer.count == len(names)
        assert listed(who, **query, **extra, skip=1, take=2) == names[1:3]
        assert listed(who, **query | {"startDateTimeSortOrder": "DESC"}) == names[::-1]


def test_the_plus_of_an_offset_needs_no_escape(days: str) -> None:
    event = ANNA.event("list_sessions", "", None, {}, {})
    raw = "startDateTimeFrom=2024-02-29T18:00:00+09:00"
    assert '"count":1' in handler("list_sessions")(event | {"rawQueryString": raw}, None)["body"]


@pytest.mark.parametrize("order", ["ASC", "DESC"])
def test_ties_have_one_order_over_all_pages(timeline: str, order: str) -> None:
    """Sessions of two owners may start at once."""
    other = new_timeline(BERT)
    ids = [new_session(ANNA, timeline)["id"], new_session(BERT, other)["id"]]
    pages = [
        ADMIN.call("list_sessions", query={"skip": skip, "take": 1, "startDateTimeSortOrder": order}).data[0][
            "id"
        ]
        for skip in range(2)
    ]
    assert pages == sorted(ids, reverse=order == "DESC")


def test_lists_show_only_what_their_reader_may_read(timeline: str) -> None:
    new_session(ANNA, timeline)
    new_session(BERT, new_timeline(BERT), name="Bert's")
    assert listed(BERT) == ["Bert's"]
    assert listed(BERT, timelineId=timeline) == []
    assert BERT.call("list_sessions", query={"timelineId": timeline}).count == 0
    assert len(listed(MANAGER)) == len(listed(ADMIN)) == 2


def test_all_of_an_owners_timelines_are_one_list(timeline: str) -> None:
    new_session(ANNA, timeline, name="first")
    new_session(
        ANNA, new_timeline(ANNA), name="second", startDateTime="2023-12-16T14:00:00Z", endDateTime=None
    )
    assert listed() == ["second", "first"]


@pytest.mark.parametrize("who", [ANNA, ADMIN])
def test_a_list_carries_the_etags_that_an_update_needs(days: str, who: Caller) -> None:
    """Without the parameter the answer keeps the reference's form."""
    page = who.call("list_sessions", query={"etags": "true", "take": 3})
    tags = page.body["meta"]["meta"]["etags"]
    assert len(tags) == 3
    for session, tag in zip(page.data, tags, strict=True):
        assert who.call("get_session", id=session["id"]).headers["ETag"] == tag
    answer = who.call(
        "update_session", id=page.data[1]["id"], body={"name": "New"}, headers={"if-match": tags[1]}
    )
    assert answer.status == 200
    timelines = who.call("list_timelines", query={"etags": "true"})
    assert timelines.body["meta"]["meta"]["etags"] == [who.call("get_timeline", id=days).headers["ETag"]]
    assert "etags" not in who.call("list_sessions").body["meta"]["meta"]


def test_a_large_list_is_compressed_when_the_client_accepts_gzip(timeline: str) -> None:
    for day in range(1, 8):
        start, end = (f"2023-12-{day:02}T{hour}:00:00Z" for hour in ("09", "10"))
        new_session(ANNA, timeline, startDateTime=start, endDateTime=end, description="ä" * 4000)
    plain = ANNA.call("list_sessions")
    packed = ANNA.call("list_sessions", headers={"accept-encoding": "br, gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"
    assert plain.body == packed.body
    refused = ANNA.call("list_sessions", headers={"accept-encoding": "gzip;q=0"})
    assert "Content-Encoding" not in refused.headers
    small = ANNA.call("list_sessions", query={"take": 1}, headers={"accept-encoding": "gzip"})
    assert "Content-Encoding" not in small.headers


def test_nobody_has_nothing(tables: Any) -> None:
    for who in (ANNA, ADMIN):
        assert who.call("list_sessions").body == {
            "data": [],
            "meta": {"message": "success", "meta": {"skip": 0, "take": 10, "count": 0}},
        }
        assert who.call("list_timelines").count == 0


def test_timelines_are_listed_newest_first(tables: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = count()
    monkeypatch.setattr(
        "scheduling.services.request.Request.timestamp",
        property(lambda _: f"2026-{next(ticks) + 1:02}-23T00:00:00.000Z"),
    )
    names = [f"Routine {number}" for number in range(5)]
    for number, name in enumerate(names):
        new_timeline((ANNA, BERT)[number % 2], name=name)

    def page(who: Caller, **query: object) -> list[str]:
        return [one["name"] for one in who.call("list_timelines", query=query).data]

    assert page(ANNA) == ["Routine 4", "Routine 2", "Routine 0"]
    assert page(ANNA, skip=1, take=1) == ["Routine 2"]
    for skip in range(6):
        for take in (1, 2, 5):
            assert page(ADMIN, skip=skip, take=take) == names[::-1][skip : skip + take]
    assert ADMIN.call("list_timelines", query={"take": 1}).count == 5


@pytest.mark.parametrize("who", [ANNA, ADMIN])
@pytest.mark.parametrize("order", ["ASC", "DESC"])
def test_far_from_the_present_starts_are_listed_like_any(
    tables: Any, timeline: str, who: Caller, order: str
) -> None:
    years = ["0001", "0099", "0100", "1899", "1900", "2199", "2200", "2201", "9999"]
    for year in years:
        new_session(ANNA, timeline, name=year, startDateTime=f"{year}-06-01T00:00:00Z", endDateTime=None)
    for start, end in [(0, 9), (1, 8), (2, 4), (3, 4), (6, 8), (7, 9)]:
        limits = {"startDateTimeFrom": f"{years[start]}-06-01T00:00:00Z"}
        if end < len(years):
            limits["startDateTimeTo"] = f"{years[end]}-06-01T00:00:00Z"
        names = years[start:end] if order == "ASC" else years[start:end][::-1]
        answer = who.call("list_sessions", query=limits | {"startDateTimeSortOrder": order})
        assert [one["name"] for one in answer.data] == names
        assert answer.count == len(names)
        for skip in range(len(names)):
            assert (
                listed(who, **limits, startDateTimeSortOrder=order, skip=skip, take=2)
                == names[skip : skip + 2]
            )
    assert breaches(tables) == []
