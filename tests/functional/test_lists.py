"""Filters, order, pages and counts of lists of sessions and timelines."""

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from tests.functional.conftest import ADMIN, ANNA, BERT, MANAGER, new_session
from tests.support.api import Caller, handler, new_timeline
from tests.support.invariants import SESSION_INDEXES, breaches, scan

DAYS = ["2022-11-30", "2023-01-31", "2023-02-01", "2023-02-15", "2023-02-28", "2023-03-01", "2024-02-29"]


def get_names(caller: Caller = ANNA, **query: object) -> list[str]:
    """List sessions with a query. Return the names of the sessions on the page."""
    return [session["name"] for session in caller.call("list_sessions", query=query).data]


@pytest.fixture
def days(timeline: str) -> str:
    """Add a session on each day of DAYS, and two sessions without a start. Return the id of the timeline."""
    for day in [*DAYS[::2], *DAYS[1::2]]:
        new_session(
            ANNA, timeline, name=day, startDateTime=f"{day}T09:00:00Z", endDateTime=f"{day}T10:00:00Z"
        )
    for name in ("undated", "undated"):
        new_session(ANNA, timeline, name=name, startDateTime=None, endDateTime=None)
    return timeline


def test_by_default_take_is_10_and_the_latest_start_comes_first(days: str) -> None:
    answer = ANNA.call("list_sessions")
    assert [one["name"] for one in answer.data] == [*DAYS[::-1], "undated", "undated"]
    assert answer.body["meta"] == {"message": "success", "meta": {"skip": 0, "take": 10, "count": 9}}
    assert {"Content-Type": "application/json", "Cache-Control": "no-store"}.items() <= answer.headers.items()


@pytest.mark.parametrize("who", [ANNA, MANAGER, ADMIN])
def test_a_page_has_the_correct_sessions_for_different_values_of_skip_and_take(
    days: str, who: Caller
) -> None:
    for order, whole in (("ASC", DAYS), ("DESC", DAYS[::-1])):
        for scope in ({}, {"timelineId": days}):
            for skip, take in product(range(10), (1, 3, 100)):
                page = get_names(who, skip=skip, take=take, startDateTimeSortOrder=order, **scope)
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
def test_a_list_with_a_time_window_contains_only_sessions_that_start_in_the_window(
    days: str, start: str | None, end: str | None, names: list[str]
) -> None:
    limits = {"startDateTimeFrom": start, "startDateTimeTo": end, "startDateTimeSortOrder": "ASC"}
    query = {name: value for name, value in limits.items() if value}
    for who, extra in product((ANNA, ADMIN), ({}, {"timelineId": days})):
        answer = who.call("list_sessions", query=query | extra)
        assert [one["name"] for one in answer.data] == names
        assert answer.count == len(names)
        assert get_names(who, **query, **extra, skip=1, take=2) == names[1:3]
        assert get_names(who, **query | {"startDateTimeSortOrder": "DESC"}) == names[::-1]


def test_a_query_accepts_a_utc_offset_with_an_unescaped_plus_sign(days: str) -> None:
    event = ANNA.event("list_sessions", "", None, {}, {})
    raw = "startDateTimeFrom=2024-02-29T18:00:00+09:00"
    assert '"count":1' in handler("list_sessions")(event | {"rawQueryString": raw}, None)["body"]


def test_pages_before_and_after_item_150_have_the_correct_sessions(timeline: str) -> None:
    """The API finds pages after item 150 by the Counters table. Some pages begin between two sessions of one hour."""
    minutes = [
        f"2023-{month:02}-01T{hour:02}:{minute:02}:00Z"
        for month in (1, 2, 12)
        for hour in (0, 9, 23)
        for minute in range(0, 57, 3)
    ]
    for start in minutes[:168]:
        new_session(ANNA, timeline, name=start, startDateTime=start, endDateTime=None)
    for name in ("undated", "undated"):
        new_session(ANNA, timeline, name=name, startDateTime=None, endDateTime=None)
    dated = minutes[:168]
    for who, order, skip in product((ANNA, ADMIN), ("ASC", "DESC"), (0, 140, 145, 151, 160, 165, 169, 170)):
        whole = [*(dated if order == "ASC" else dated[::-1]), "undated", "undated"]
        answer = who.call("list_sessions", query={"skip": skip, "take": 11, "startDateTimeSortOrder": order})
        assert [one["name"] for one in answer.data] == whole[skip : skip + 11], (order, skip)
        assert answer.count == 170
    limits = {"startDateTimeFrom": "2023-01-01T00:03:00Z", "startDateTimeTo": "2023-12-01T23:01:00Z"}
    inside = [start for start in dated if "2023-01-01T00:03" <= start < "2023-12-01T23:01"]
    for who, skip in product((ANNA, ADMIN), (0, 140, 149)):
        answer = who.call(
            "list_sessions", query={**limits, "skip": skip, "take": 5, "startDateTimeSortOrder": "ASC"}
        )
        assert [one["name"] for one in answer.data] == inside[skip : skip + 5]
        assert answer.count == len(inside)


def test_a_list_with_a_type_contains_only_sessions_of_this_type(timeline: str) -> None:
    new_session(ANNA, timeline, name="once")
    series = {"type": "RECURRING", "repeatCycleType": "YEARLY", "name": "yearly"}
    new_session(ANNA, timeline, startDateTime="2024-05-01T09:00:00Z", endDateTime=None, **series)
    new_session(ANNA, timeline, name="undated", startDateTime=None, endDateTime=None)
    for who, extra in product((ANNA, ADMIN), ({}, {"timelineId": timeline})):
        assert get_names(who, type="ONE_TIME", **extra) == ["once", "undated"]
        assert get_names(who, type="RECURRING", **extra) == ["yearly"]
        assert get_names(who, type="RECURRING", startDateTimeTo="2024-01-01T00:00:00Z", **extra) == []
        assert who.call("list_sessions", query={"type": "ONE_TIME", "take": 1, **extra}).count == 2
    assert ANNA.call("list_sessions", query={"type": "WEEKLY"}).status == 400


def test_a_list_of_few_series_among_150_one_time_sessions_has_long_descriptions_and_no_deleted_series(
    tables: Any, timeline: str
) -> None:
    """The API finds the ids of these series in the owner's calendar.

    Only the Sessions table contains the long descriptions of the series.
    """
    long = "ü" * 501
    begin = datetime(2024, 1, 1, 9, tzinfo=UTC)
    for number in range(150):
        start = (begin + timedelta(days=number)).isoformat()
        new_session(ANNA, timeline, name=str(number), startDateTime=start, endDateTime=None)
    series = {"type": "RECURRING", "repeatCycleType": "YEARLY", "endDateTime": None}
    made = [
        new_session(ANNA, timeline, startDateTime=f"2024-0{month}-10T12:00:00Z", description=long, **series)
        for month in range(1, 5)
    ]
    ANNA.call("delete_session", id=made.pop()["id"])
    other = new_timeline(ANNA)
    made.append(new_session(ANNA, other, startDateTime="2024-09-10T12:00:00Z", **series))
    for extra, count in (({}, 4), ({"timelineId": timeline}, 3)):
        answer = ANNA.call("list_sessions", query={"type": "RECURRING", "take": 3, **extra})
        assert answer.data == [made[number] for number in reversed(range(4))][4 - count :][:3]
        assert answer.count == count
        page = ANNA.call(
            "list_sessions",
            query={"type": "RECURRING", "skip": 1, "startDateTimeFrom": "2024-01-11T00:00:00Z", **extra},
        )
        assert page.data == [made[number] for number in reversed(range(1, 4))][4 - count :][1:]
        assert page.count == count - 1


def test_the_count_of_a_list_is_never_smaller_than_the_number_of_sessions_on_the_page(
    tables: Any, timeline: str
) -> None:
    """The page comes from an index. The index may contain sessions that the Counters table does not count yet."""
    begin = datetime(2024, 1, 1, 9, tzinfo=UTC)
    for number in range(160):
        start = (begin + timedelta(days=number)).isoformat()
        new_session(ANNA, timeline, name=str(number), startDateTime=start, endDateTime=None)
    query = {"startDateTimeFrom": "2024-01-01T00:00:00Z", "take": 10}
    assert ANNA.call("list_sessions", query=query).count == 160
    for node in scan(tables, "CountersTable"):
        key = {"scope": {"S": node["scope"]}, "node": {"S": node["node"]}}
        tables.delete_item(TableName="CountersTable", Key=key)
    response = ANNA.call("list_sessions", query=query)
    assert (len(response.data), response.count) == (10, 10)


def test_a_list_of_several_timelines_merges_and_sorts_the_sessions_of_these_timelines(timeline: str) -> None:
    other, third, foreign = new_timeline(ANNA), new_timeline(ANNA), new_timeline(BERT)
    for day, where in enumerate((timeline, other, timeline, third, other), start=1):
        new_session(
            ANNA, where, name=f"day {day}", startDateTime=f"2024-01-0{day}T09:00:00Z", endDateTime=None
        )
    new_session(BERT, foreign, name="Bert's")

    def page(*ids: str, **query: object) -> tuple[list[str], int]:
        answer = ANNA.call("list_sessions", query={"timelineId": list(ids), **query})
        return [one["name"] for one in answer.data], answer.count

    assert page(timeline, other) == (["day 5", "day 3", "day 2", "day 1"], 4)
    assert page(timeline, other, skip=1, take=2) == (["day 3", "day 2"], 4)
    assert page(timeline, timeline, foreign, "gone", startDateTimeSortOrder="ASC") == (["day 1", "day 3"], 2)
    assert page(third, other, startDateTimeTo="2024-01-05T00:00:00Z") == (["day 4", "day 2"], 2)
    assert ANNA.call("list_sessions", query={"timelineId": [timeline] * 11}).status == 400
    assert (
        ANNA.call("list_sessions", query={"timelineId": [timeline, "#"]}).body["details"][0]["field"]
        == "timelineId"
    )
    assert ANNA.call("list_sessions", query={"take": ["1", "2"]}).status == 400


def test_lists_contain_descriptions_that_are_too_long_for_the_indexes(tables: Any, timeline: str) -> None:
    long, short = "ü" * 501, "ü" * 500
    ids = [new_session(ANNA, timeline, startDateTime=None, endDateTime=None, description=long)["id"]]
    new_session(ANNA, timeline, startDateTime=None, endDateTime=None, description=short)
    big = new_timeline(ANNA, description=long)
    for who in (ANNA, ADMIN):
        assert {one["description"] for one in who.call("list_sessions").data} == {long, short}
        assert {one["description"] for one in who.call("list_timelines").data} == {None, long}
    for table, index in (
        *(("SessionsTable", index) for index in SESSION_INDEXES),
        ("TimelinesTable", "owner-index"),
        ("TimelinesTable", "all-index"),
    ):
        assert long not in {item.get("description") for item in scan(tables, table, index)}
    assert ANNA.call("get_session", id=ids[0]).data["description"] == long
    assert ANNA.call("get_timeline", id=big).data["description"] == long
    assert ANNA.call("update_session", id=ids[0], body={"name": "Other"}).data["description"] == long
    assert ANNA.call("update_session", id=ids[0], body={"description": short}).data["description"] == short
    assert {one["description"] for one in ANNA.call("list_sessions").data} == {short}
    assert breaches(tables) == []


@pytest.mark.parametrize("order", ["ASC", "DESC"])
def test_sessions_with_the_same_start_are_sorted_by_id(timeline: str, order: str) -> None:
    """Use two owners, because two sessions of one owner with the same start would conflict."""
    other = new_timeline(BERT)
    ids = [new_session(ANNA, timeline)["id"], new_session(BERT, other)["id"]]
    pages = [
        ADMIN.call("list_sessions", query={"skip": skip, "take": 1, "startDateTimeSortOrder": order}).data[0][
            "id"
        ]
        for skip in range(2)
    ]
    assert pages == sorted(ids, reverse=order == "DESC")


def test_lists_contain_only_sessions_that_the_caller_may_read(timeline: str) -> None:
    new_session(ANNA, timeline)
    new_session(BERT, new_timeline(BERT), name="Bert's")
    assert get_names(BERT) == ["Bert's"]
    assert get_names(BERT, timelineId=timeline) == []
    assert BERT.call("list_sessions", query={"timelineId": timeline}).count == 0
    assert len(get_names(MANAGER)) == len(get_names(ADMIN)) == 2


def test_a_list_without_a_timeline_id_contains_the_sessions_of_all_timelines_of_the_caller(
    timeline: str,
) -> None:
    new_session(ANNA, timeline, name="first")
    new_session(
        ANNA, new_timeline(ANNA), name="second", startDateTime="2023-12-16T14:00:00Z", endDateTime=None
    )
    assert get_names() == ["second", "first"]


@pytest.mark.parametrize("who", [ANNA, ADMIN])
def test_a_list_contains_etags_only_if_the_query_parameter_etags_is_true(days: str, who: Caller) -> None:
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


def test_lists_are_empty_if_no_sessions_and_timelines_exist(tables: Any) -> None:
    for who in (ANNA, ADMIN):
        assert who.call("list_sessions").body == {
            "data": [],
            "meta": {"message": "success", "meta": {"skip": 0, "take": 10, "count": 0}},
        }
        assert who.call("list_timelines").count == 0


def test_lists_of_timelines_have_the_newest_timeline_first(tables: Any) -> None:
    owners = [ANNA, BERT, ANNA, BERT, ANNA]
    made = [(owner, new_timeline(owner)) for owner in owners]
    created = {id: (owner.call("get_timeline", id=id).data["createdAt"], id) for owner, id in made}
    newest_first = sorted(created, key=created.__getitem__, reverse=True)
    annas = [id for id in newest_first if (ANNA, id) in made]

    def page(who: Caller, **query: object) -> list[str]:
        return [timeline["id"] for timeline in who.call("list_timelines", query=query).data]

    assert page(ANNA) == annas
    assert page(ANNA, skip=1, take=1) == annas[1:2]
    for skip in range(6):
        for take in (1, 2, 5):
            assert page(ADMIN, skip=skip, take=take) == newest_first[skip : skip + take]
    assert ADMIN.call("list_timelines", query={"take": 1}).count == 5


def test_a_page_that_begins_after_149_timelines_has_the_correct_timelines(tables: Any) -> None:
    ids = [new_timeline(ANNA, name=str(number)) for number in range(152)]
    created = sorted((ANNA.call("get_timeline", id=id).data["createdAt"], id) for id in ids)
    for who in (ANNA, ADMIN):
        answer = who.call("list_timelines", query={"skip": 149, "take": 2})
        assert [one["id"] for one in answer.data] == [id for _, id in created[::-1][149:151]]
        assert answer.count == 152


@pytest.mark.parametrize("who", [ANNA, ADMIN])
@pytest.mark.parametrize("order", ["ASC", "DESC"])
def test_sessions_before_1900_and_after_2199_are_counted_by_century_and_listed(
    tables: Any, timeline: str, who: Caller, order: str
) -> None:
    years = ["0001", "0099", "0100", "1899", "1900", "2199", "2200", "2201", "9999"]
    for year in years:
        new_session(ANNA, timeline, name=year, startDateTime=f"{year}-06-01T00:00:00Z", endDateTime=None)
    get_names(who)
    nodes = {
        item["node"] for item in scan(tables, "CountersTable") if item["scope"] == f"TIMELINE#{timeline}"
    }
    assert {node for node in nodes if node.startswith("Y#")} == {
        *("Y#00", "Y#01", "Y#18", "Y#1900", "Y#2199", "Y#22", "Y#99")
    }
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
                get_names(who, **limits, startDateTimeSortOrder=order, skip=skip, take=2)
                == names[skip : skip + 2]
            )
    assert breaches(tables) == []
