"""Lists of the occurrences in a time window: times, order, pages and permissions."""

import json
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, cast

import pytest
from dateutil import tz
from dateutil.rrule import DAILY, MONTHLY, TH, TU, WEEKLY, rrule

from scheduling.domain import session, slots
from scheduling.store.items import serialize
from tests.functional.conftest import ADMIN, ANNA, BERT, MANAGER, new_session, one_time
from tests.support.api import Answer, Caller, handler, new_timeline
from tests.support.template import ROOT

VECTORS = json.loads((ROOT / "tests/vectors/occurrences.json").read_text("utf-8"))
WEEK = {"from": "2023-12-11T00:00:00Z", "to": "2023-12-18T00:00:00Z"}


def list_occurrences(caller: Caller = ANNA, **query: object) -> Answer:
    """List occurrences. The default time window is one week."""
    return caller.call("list_occurrences", query={**WEEK, **query})


def names(answer: Answer) -> list[str]:
    return [row["name"] for row in answer.data]


def list_of_timelines(caller: Caller, *timelines: str) -> Answer:
    """List the occurrences of a week on several timelines."""
    event = caller.event("list_occurrences", "", None, WEEK, {})
    event["rawQueryString"] += "".join(f"&timelineId={timeline}" for timeline in timelines)
    response = handler("list_occurrences")(event, None)
    return Answer(response["statusCode"], response["headers"], json.loads(response["body"]))


def new_weekly_series(caller: Caller, timeline: str, **fields: Any) -> dict[str, Any]:
    """Create a series, by default on Mondays from 2023-01-02, 09:00 to 10:00; return the series."""
    times = {"startDateTime": "2023-01-02T09:00:00Z", "endDateTime": "2023-01-02T10:00:00Z"}
    return new_session(
        caller, timeline, **{**times, "type": "RECURRING", "repeatCycleType": "WEEKLY", "name": "x", **fields}
    )


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["why"])
def test_each_time_window_of_the_test_vectors_has_the_expected_occurrences(
    case: dict[str, Any], timeline: str
) -> None:
    """Split a long time window into several requests, because one request may cover at most 366 days."""
    new_session(ANNA, timeline, **{"endDateTime": None, **case["session"]})
    start, end = datetime.fromisoformat(case["from"]), datetime.fromisoformat(case["to"])
    found = {}
    while start < end:
        until = min(start + timedelta(days=366), end)
        window = {"from": start.isoformat(), "to": until.isoformat(), "take": 1000}
        found |= {row["date"]: row for row in list_occurrences(**window).data}
        start = until
    times = [{name: row[name] for name in ("startDateTime", "endDateTime")} for row in found.values()]
    assert times == case["occurrences"]


def test_an_occurrence_names_its_session_and_its_local_date(timeline: str) -> None:
    session = new_session(
        ANNA,
        timeline,
        startDateTime="2023-12-15T01:00:00+09:00",
        endDateTime="2023-12-15T02:00:00+09:00",
    )
    (row,) = list_occurrences().data
    assert row == {
        "sessionId": session["id"],
        "timelineId": timeline,
        "type": "ONE_TIME",
        "name": "Special Workshop",
        "date": "2023-12-15",
        "startDateTime": "2023-12-15T01:00:00+09:00",
        "endDateTime": "2023-12-15T02:00:00+09:00",
    }


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        ("2023-12-10T23:00:00Z", "2023-12-11T00:00:00Z", False),
        ("2023-12-10T23:00:00Z", "2023-12-11T00:00:00.000001Z", True),
        ("2023-11-01T00:00:00Z", "2024-02-01T00:00:00Z", True),
        ("2023-12-11T00:00:00Z", None, True),
        ("2023-12-10T23:59:59.999999Z", None, False),
        ("2023-12-17T23:59:59.999999Z", None, True),
        ("2023-12-18T00:00:00Z", "2023-12-18T01:00:00Z", False),
        ("2023-12-18T00:00:00Z", None, False),
        (None, None, False),
    ],
)
def test_a_session_is_listed_if_it_overlaps_the_time_window(
    timeline: str, start: str | None, end: str | None, found: bool
) -> None:
    new_session(ANNA, timeline, startDateTime=start, endDateTime=end)
    answer = list_occurrences()
    assert answer.count == len(answer.data) == found
    assert [(row["startDateTime"], row["endDateTime"]) for row in answer.data] == [(start, end)] * found


def test_an_occurrence_that_overlaps_the_start_or_the_end_of_the_time_window_is_listed(timeline: str) -> None:
    new_weekly_series(
        ANNA, timeline, startDateTime="2023-01-01T22:00:00Z", endDateTime="2023-01-02T06:00:00Z"
    )
    starts = [row["startDateTime"] for row in list_occurrences().data]
    assert starts == ["2023-12-10T22:00:00Z", "2023-12-17T22:00:00Z"]


def test_cancelled_moved_and_deleted_occurrences_and_finished_series_are_not_listed(timeline: str) -> None:
    at_ten = {"startDateTime": "2023-01-02T10:00:00Z", "endDateTime": "2023-01-02T11:00:00Z"}
    new_weekly_series(ANNA, timeline, excludedDates=["2023-12-11"])
    new_weekly_series(ANNA, timeline, **at_ten, repeatUntil="2023-12-10")
    deleted = new_session(ANNA, timeline)
    moved = new_session(
        ANNA, timeline, startDateTime="2023-12-16T14:00:00Z", endDateTime="2023-12-16T16:00:00Z"
    )
    assert list_occurrences().count == 2
    ANNA.call("delete_session", id=deleted["id"])
    later = {"startDateTime": "2024-12-16T14:00:00Z", "endDateTime": "2024-12-16T16:00:00Z"}
    assert ANNA.call("update_session", id=moved["id"], body=later).status == 200
    assert list_occurrences().data == []


def test_every_occurrence_of_a_renamed_series_has_the_new_name(timeline: str) -> None:
    session = new_weekly_series(ANNA, timeline)
    ANNA.call("update_session", id=session["id"], body={"name": "Yoga"})
    assert names(list_occurrences(**{"to": "2023-12-31T00:00:00Z"})) == ["Yoga"] * 3


def test_pages_of_occurrences_are_sorted_by_start_and_session_id(timeline: str) -> None:
    other = new_timeline(BERT)
    for caller, place in ((ANNA, timeline), (BERT, other)):
        new_weekly_series(caller, place, repeatCycleType="DAILY")
        new_session(caller, place)
    whole = list_of_timelines(ADMIN, timeline, other).data
    assert len(whole) == 16
    keys = [(datetime.fromisoformat(row["startDateTime"]), row["sessionId"]) for row in whole]
    assert keys == sorted(keys)
    for skip in range(0, 18, 3):
        event = ADMIN.event("list_occurrences", "", None, {**WEEK, "skip": skip, "take": 3}, {})
        event["rawQueryString"] += f"&timelineId={timeline}&timelineId={other}"
        body = json.loads(handler("list_occurrences")(event, None)["body"])
        assert body["data"] == whole[skip : skip + 3]
        assert body["meta"]["meta"] == {"skip": skip, "take": 3, "count": 16}


def test_a_page_has_100_occurrences_by_default_and_take_may_be_1000(timeline: str) -> None:
    new_weekly_series(ANNA, timeline, repeatCycleType="DAILY")
    year = {"from": "2023-06-01T00:00:00Z", "to": "2024-05-31T00:00:00Z"}
    assert (len(list_occurrences(**year).data), list_occurrences(**year).count) == (100, 365)
    assert len(list_occurrences(**year, take=1000).data) == 365


# --- Owners, timelines and permissions


def test_a_user_sees_only_their_own_calendar(timeline: str) -> None:
    new_session(ANNA, timeline, name="Anna's")
    new_session(BERT, new_timeline(BERT), name="Bert's")
    assert names(list_occurrences(ANNA)) == ["Anna's"]
    assert names(list_occurrences(ANNA, ownerId="anna")) == ["Anna's"]
    assert list_occurrences(ANNA, ownerId="bert").status == 403


def test_a_list_contains_no_occurrences_of_unknown_or_foreign_timelines(timeline: str) -> None:
    new_session(ANNA, timeline)
    assert list_of_timelines(BERT, timeline).data == []
    assert list_of_timelines(ANNA, "unknown").data == []
    assert list_of_timelines(ADMIN, "unknown").data == []
    assert list_of_timelines(ADMIN, "unknown", timeline).count == 1
    assert list_of_timelines(ANNA, "unknown", timeline, timeline).count == 1


@pytest.mark.parametrize("who", [MANAGER, ADMIN])
def test_an_admin_or_manager_may_list_the_occurrences_of_any_owner_or_timeline(
    timeline: str, who: Caller
) -> None:
    new_session(ANNA, timeline, name="first")
    second, theirs = new_timeline(ANNA), new_timeline(BERT)
    times = {"startDateTime": "2023-12-16T14:00:00Z", "endDateTime": None}
    new_session(ANNA, second, name="second", **times)
    new_session(BERT, theirs, name="third", **times)
    assert names(list_occurrences(who, ownerId="anna")) == ["first", "second"]
    assert names(list_occurrences(who, ownerId="anna", timelineId=second)) == ["second"]
    assert names(list_occurrences(who, ownerId="bert", timelineId=second)) == []
    assert names(list_occurrences(who, timelineId=second)) == ["second"]
    assert sorted(names(list_of_timelines(who, timeline, theirs))) == ["first", "third"]


@pytest.mark.parametrize("who", [MANAGER, ADMIN])
def test_an_admin_or_manager_who_names_no_owner_and_no_timeline_gets_a_400(tables: Any, who: Caller) -> None:
    answer = list_occurrences(who)
    assert answer.status == 400
    (fault,) = answer.body["details"]
    assert (fault["field"], fault["code"]) == ("ownerId", "REQUIRED")
    assert "timelineId" in fault["message"]


def test_a_deleted_timeline_has_no_occurrences(tables: Any) -> None:
    timeline = new_timeline(ANNA)
    ANNA.call("delete_timeline", id=timeline)
    assert list_of_timelines(ADMIN, timeline).data == []


# --- Invalid queries


@pytest.mark.parametrize(
    ("query", "faults"),
    [
        ("", [("from", "REQUIRED"), ("to", "REQUIRED")]),
        ("from=2023-12-11T00:00:00Z", [("to", "REQUIRED")]),
        ("from=2023-12-11&to=2023-12-12", [("from", "MISSING_OFFSET"), ("to", "MISSING_OFFSET")]),
        ("from=2023-12-11T00:00:00Z&to=2023-12-11T00:00:00Z", [("to", "NOT_AFTER_START")]),
        ("from=2023-12-11T00:00:00Z&to=2023-12-10T00:00:00Z", [("to", "NOT_AFTER_START")]),
        ("from=2023-01-01T00:00:00Z&to=2024-01-02T00:00:00.000001Z", [("to", "TOO_LARGE")]),
        (
            "from=2023-12-11T00:00:00Z&from=2023-12-11T00:00:00Z&to=2023-12-12T00:00:00Z",
            [("from", "DUPLICATE")],
        ),
        ("from=2023-12-11T00:00:00Z&to=2023-12-12T00:00:00Z&from_=x", [("from_", "UNKNOWN_FIELD")]),
        ("from=2023-12-11T00:00:00Z&to=2023-12-12T00:00:00Z&take=1001", [("take", "TOO_LARGE")]),
        ("from=2023-12-11T00:00:00Z&to=2023-12-12T00:00:00Z&take=0", [("take", "TOO_SMALL")]),
        (
            "from=2023-12-11T00:00:00Z&to=2023-12-12T00:00:00Z" + "&timelineId=a" * 11,
            [("timelineId", "TOO_LONG")],
        ),
        (
            "from=2023-12-11T00:00:00Z&to=2023-12-12T00:00:00Z&timelineId=a_b",
            [("timelineId", "INVALID_FORMAT")],
        ),
        ("from=2023-12-11T00:00:00Z&to=2023-12-12T00:00:00Z&ownerId=", [("ownerId", "INVALID_FORMAT")]),
    ],
)
def test_an_invalid_query_gets_a_400_that_names_every_fault(
    tables: Any, query: str, faults: list[tuple[str, str]]
) -> None:
    event = ANNA.event("list_occurrences", "", None, {}, {}) | {"rawQueryString": query}
    response = handler("list_occurrences")(event, None)
    assert response["statusCode"] == 400
    details = json.loads(response["body"])["details"]
    assert [(fault["field"], fault["code"]) for fault in details] == faults


def test_a_time_window_may_have_366_days(tables: Any) -> None:
    assert list_occurrences(**{"from": "2023-01-01T00:00:00Z", "to": "2024-01-02T00:00:00Z"}).status == 200


def test_a_time_window_with_more_than_50000_occurrences_gets_a_400(tables: Any, timeline: str) -> None:
    """Write the slots of 140 daily series directly to the table, because 140 requests are slow."""
    for number in range(140):
        times = [f"2023-01-01T{number // 6:02}:{number % 6}{minute}:00Z" for minute in (0, 5)]
        body = one_time(timeline, type="RECURRING", repeatCycleType="DAILY")
        body |= {"startDateTime": times[0], "endDateTime": times[1]}
        slot = slots.slot(session.create(body, str(number), ANNA.id, times[0]))
        tables.put_item(TableName="CalendarTable", Item=serialize(cast(dict[str, Any], slot)))
    year = {"from": "2023-06-01T00:00:00Z", "to": "2024-06-01T00:00:00Z"}
    answer = list_occurrences(**year)
    assert answer.status == 400
    assert answer.body["details"][0]["message"].endswith("Ask for a smaller window.")
    assert list_occurrences(**{**year, "to": "2024-05-01T00:00:00Z"}).count == 140 * 335


def test_a_time_window_may_end_with_the_year_9999(timeline: str) -> None:
    new_weekly_series(ANNA, timeline, repeatCycleType="DAILY")
    answer = list_occurrences(**{"from": "9999-12-25T00:00:00Z", "to": "9999-12-31T23:59:59Z"})
    assert [row["date"] for row in answer.data] == [f"9999-12-{day}" for day in range(25, 32)]
    last = list_occurrences(**{"from": "9999-12-31T09:30:00Z", "to": "9999-12-31T23:59:59Z"})
    assert [row["endDateTime"] for row in last.data] == ["9999-12-31T10:00:00Z"]


@pytest.mark.parametrize(
    ("start", "end", "zone", "date"),
    [
        ("2023-01-04T09:00:00Z", "2023-01-09T09:00:00Z", None, "9999-12-29"),
        ("2023-01-06T23:30:00Z", "2023-01-07T00:30:00Z", None, "9999-12-31"),
        ("2023-01-06T23:30:00+14:00", "2023-01-07T00:30:00+14:00", "Pacific/Kiritimati", "9999-12-31"),
    ],
)
def test_an_occurrence_that_ends_after_the_year_9999_cannot_be_listed_cancelled_changed_or_split(
    timeline: str, start: str, end: str, zone: str | None, date: str
) -> None:
    """ISO 8601 with four digits of the year cannot express the end of such an occurrence."""
    series = new_weekly_series(ANNA, timeline, startDateTime=start, endDateTime=end, timeZone=zone)
    answer = list_occurrences(**{"from": "9999-12-21T00:00:00Z", "to": "9999-12-31T23:59:59Z"})
    assert answer.count == 1
    assert answer.data[0]["date"] == f"9999-12-{int(date[-2:]) - 7}"
    for function, body in (
        ("delete_occurrence", None),
        ("update_occurrence", {}),
        ("split_session", {"date": date}),
    ):
        id = series["id"] if function == "split_session" else f"{series['id']}/{date}"
        assert ANNA.call(function, id=id, body=body).status == 404


# --- Comparison with dateutil


def list_week(caller: Caller, monday: datetime) -> list[tuple[str, datetime, datetime]]:
    """Return the name, start and end of each occurrence of a week."""
    window = {"from": monday.isoformat(), "to": (monday + timedelta(days=7)).isoformat(), "take": 1000}
    return [
        (
            row["name"],
            datetime.fromisoformat(row["startDateTime"]),
            datetime.fromisoformat(row["endDateTime"]),
        )
        for row in caller.call("list_occurrences", query=window).data
    ]


def test_dateutil_finds_the_same_occurrences_in_each_week_of_a_year_in_berlin(timeline: str) -> None:
    """The clocks of Berlin change on 2024-03-31 and on 2024-10-27."""
    berlin = tz.gettz("Europe/Berlin")
    hour = timedelta(hours=1)
    rules: dict[str, tuple[rrule, timedelta, dict[str, Any]]] = {}

    def series(name: str, first: datetime, length: timedelta, rule: rrule, **fields: Any) -> None:
        times = [moment.replace(tzinfo=berlin).isoformat() for moment in (first, first + length)]
        new_weekly_series(
            ANNA,
            timeline,
            name=name,
            startDateTime=times[0],
            endDateTime=times[1],
            timeZone="Europe/Berlin",
            **fields,
        )
        rules[name] = rule, length, fields

    first = datetime(2023, 11, 1, 7)
    series("run", first, hour, rrule(DAILY, first, interval=3), repeatCycleType="DAILY", repeatInterval=3)
    first = datetime(2023, 11, 2, 18)
    series(
        "yoga",
        first,
        hour,
        rrule(WEEKLY, first, byweekday=(TU, TH)),
        recurringDaysOfWeek=["TUESDAY", "THURSDAY"],
    )
    first = datetime(2023, 12, 31, 12)
    series("report", first, hour, rrule(MONTHLY, first), repeatCycleType="MONTHLY")
    first = datetime(2024, 1, 6, 22)
    series(
        "night shift",
        first,
        8 * hour,
        rrule(WEEKLY, first, until=datetime(2024, 10, 27)),
        repeatUntil="2024-10-27",
    )
    first = datetime(2024, 2, 5, 14)
    series(
        "course",
        first,
        2 * hour,
        rrule(WEEKLY, first, count=10),
        repeatCount=10,
        excludedDates=["2024-03-04"],
    )

    def expand_rules(monday: datetime) -> list[tuple[str, datetime, datetime]]:
        local = [
            (name, start, start + length)
            for name, (rule, length, fields) in rules.items()
            for start in rule.between(datetime(2023, 1, 1), datetime(2025, 2, 1))
            if start.date().isoformat() not in fields.get("excludedDates", ())
        ]
        found = [
            (name, start.replace(tzinfo=berlin).astimezone(UTC), end.replace(tzinfo=berlin).astimezone(UTC))
            for name, start, end in local
        ]
        return sorted(
            (row for row in found if row[1] < monday + timedelta(days=7) and row[2] > monday),
            key=lambda row: row[1],
        )

    weeks, total = count(), 0
    while (monday := datetime(2024, 1, 1, tzinfo=UTC) + timedelta(weeks=next(weeks))).year == 2024:
        week = list_week(ANNA, monday)
        assert week == expand_rules(monday), monday
        total += len(week)
    assert total > 250
