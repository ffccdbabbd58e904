"""Lists on DynamoDB Local, which divides results into pages and counts read units as AWS does."""

import random
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID

import pytest

from scheduling.domain import session, timeline
from scheduling.store.client import client
from tests.support.api import Caller, new_timeline
from tests.support.fill import fill

ANNA, ROOT = Caller("anna"), Caller("root", "[ADMIN]")
MANY, TAKE = 150, 7


def list_ids(caller: Caller, order: str, **query: object) -> Iterator[str]:
    """List the sessions page by page until a page is not full. Yield the ids of the sessions."""
    skip, found = 0, TAKE
    while found == TAKE:
        asked = {"startDateTimeSortOrder": order, "skip": skip, "take": TAKE, **query}
        answer = caller.call("list_sessions", query=asked)
        assert answer.count == MANY
        yield from (session["id"] for session in answer.data)
        found, skip = len(answer.data), skip + TAKE


def create(owner: Caller, timeline: str, **times: str) -> str:
    """Create a session. Return its id."""
    body = {"type": "ONE_TIME", "timelineId": timeline, "name": "Yoga", **times}
    id: str = owner.call("create_session", body=body).data["id"]
    return id


def test_in_both_sort_orders_pages_of_7_contain_each_of_150_sessions_with_equal_starts_exactly_once(
    dynamodb: Any,
) -> None:
    """Create one session for each of 150 owners, because sessions of one owner would conflict."""

    def one(number: int) -> str:
        owner = Caller(f"owner-{number}")
        return create(owner, new_timeline(owner), startDateTime="2023-12-01T09:00:00Z")

    with ThreadPoolExecutor(4) as pool:
        ids = sorted(pool.map(one, range(MANY)))
    assert list(list_ids(ROOT, "ASC")) == ids
    assert list(list_ids(ROOT, "DESC")) == ids[::-1]


@pytest.mark.parametrize("scope", ["timeline", "owner", "all"])
def test_in_both_sort_orders_pages_of_7_contain_each_of_150_sessions_without_a_start_exactly_once(
    dynamodb: Any, timeline: str, scope: str
) -> None:
    with ThreadPoolExecutor(4) as pool:
        ids = sorted(pool.map(lambda _: create(ANNA, timeline), range(MANY)))
    query = {"timelineId": timeline} if scope == "timeline" else {}
    caller = ROOT if scope == "all" else ANNA
    assert list(list_ids(caller, "ASC", **query)) == ids
    assert list(list_ids(caller, "DESC", **query)) == ids[::-1]


# --- Contents and cost of pages of a crowded month

CREATED = "2020-12-01T08:00:00.000Z"
CROWD = 2_400
"""The number of sessions in the crowded month: 100 sessions an hour, for twelve hours on each of two days."""
MOST_ITEMS, MOST_UNITS, MOST_CALLS = 150 + 10, 20, 10
"""The highest numbers of items, read units and DynamoDB calls for a page of ten sessions."""


def build_crowded_month() -> list[dict[str, Any]]:
    """Build the sessions of two timelines.

    Some sessions are RECURRING, some sessions start in other years, and some sessions have no start.
    """
    starts: list[datetime | None] = [
        datetime(2026, 1, 3 + number // 1_200, tzinfo=UTC) + timedelta(seconds=36 * (number % 1_200))
        for number in range(CROWD)
    ]
    starts += [datetime(year, 6, 1, tzinfo=UTC) for year in (532, 1899, 1950, 2025, 2199, 2300)]
    starts += [None] * 200
    made = []
    for number, start in enumerate(starts):
        fields = {
            "type": "RECURRING" if number % 90 == 0 else "ONE_TIME",
            "timelineId": f"timeline-{number % 2}",
            "name": str(number),
            "startDateTime": start and start.isoformat(),
        }
        id = str(UUID(int=random.Random(number).getrandbits(128), version=4))
        made.append(dict(session.create(fields, id, "anna", CREATED)))
    return made


@pytest.fixture
def crowded_month(dynamodb_local: Any) -> list[dict[str, Any]]:
    """Fill the tables with the sessions of a crowded month and their counts. Return the sessions."""
    sessions = build_crowded_month()
    timelines = [
        dict(timeline.create({"name": "Routine"}, f"timeline-{number}", "anna", CREATED))
        for number in range(2)
    ]
    fill(dynamodb_local, sessions, timelines)
    return sessions


class ReadCounter:
    """Counter of DynamoDB calls, and of the items and read units of these calls."""

    def __init__(self) -> None:
        self.calls, self.items, self.units = 0, 0, 0.0

    def request_capacity(self, params: dict[str, Any], **_: object) -> None:
        """Make each call ask DynamoDB for its consumed capacity."""
        params["ReturnConsumedCapacity"] = "INDEXES"

    def count_call(self, parsed: Mapping[str, Any], **_: object) -> None:
        """Count one call, with the items and units that it read."""
        capacity = parsed.get("ConsumedCapacity") or []
        each = [capacity] if isinstance(capacity, dict) else capacity
        self.calls += 1
        self.units += sum(one["CapacityUnits"] for one in each)
        self.items += parsed.get("ScannedCount", 0) + ("Item" in parsed)
        self.items += sum(map(len, parsed.get("Responses", {}).values()))


@pytest.fixture
def reads() -> Iterator[ReadCounter]:
    """Count the reads of all requests of the test."""
    found, events = ReadCounter(), client().meta.events
    events.register("before-parameter-build.dynamodb", found.request_capacity)
    events.register("after-call.dynamodb", found.count_call)
    yield found
    events.unregister("before-parameter-build.dynamodb", found.request_capacity)
    events.unregister("after-call.dynamodb", found.count_call)


def expected_names(sessions: list[dict[str, Any]], query: Mapping[str, Any], ascending: bool) -> list[str]:
    """Return the names of the sessions that a list must contain, in the order of the list."""
    ids, kind = query.get("timelineId"), query.get("type")
    since, until = query.get("startDateTimeFrom"), query.get("startDateTimeTo")
    rows = []
    for one in sessions:
        start = one.get("startDateTime")
        outside = (since and not (start and start >= since)) or (until and not (start and start < until))
        if (ids and one["timelineId"] not in ids) or (kind and one["type"] != kind) or outside:
            continue
        rows.append((one["startKey"], one["name"]))
    dated = sorted((row for row in rows if row[0][0] != "~"), reverse=not ascending)
    undated = sorted((row for row in rows if row[0][0] == "~"), reverse=not ascending)
    return [name for _, name in [*dated, *undated]]


def test_random_pages_of_a_crowded_month_contain_the_correct_sessions_and_read_few_items(
    crowded_month: list[dict[str, Any]], reads: ReadCounter
) -> None:
    choose = random.Random(7)
    instants = [
        f"2026-01-0{day}T{hour:02}:{minute}+00:00"
        for day in (3, 4, 5)
        for hour in (0, 5, 11)
        for minute in ("00:00", "07:00", "30:18", "59:59.5")
    ]
    for _ in range(150):
        query: dict[str, Any] = {}
        caller = choose.choice([ANNA, ROOT])
        if choose.random() < 0.4:
            query["timelineId"] = choose.choice([["timeline-0"], ["timeline-0", "timeline-1"]])
        if choose.random() < 0.4:
            query["startDateTimeFrom"] = choose.choice(instants)
        if choose.random() < 0.4:
            query["startDateTimeTo"] = choose.choice(instants)
        if choose.random() < 0.2:
            query["type"] = choose.choice(["ONE_TIME", "RECURRING"])
        order = choose.choice(["ASC", "DESC"])
        whole = expected_names(crowded_month, query, order == "ASC")
        skip = choose.choice([0, choose.randrange(len(whole) + 2), max(0, len(whole) - 3)])
        reads.calls, reads.items, reads.units = 0, 0, 0.0
        asked = {**query, "skip": skip, "take": 10, "startDateTimeSortOrder": order}
        answer = caller.call("list_sessions", query=asked)
        assert [one["name"] for one in answer.data] == whole[skip : skip + 10], asked
        assert answer.count == len(whole), asked
        if len(query.get("timelineId", ())) < 2:
            assert reads.items <= MOST_ITEMS, (asked, vars(reads))
            assert reads.units <= MOST_UNITS, (asked, vars(reads))
            if "type" not in query:
                assert reads.calls <= MOST_CALLS, (asked, vars(reads))


@pytest.mark.parametrize("order", ["ASC", "DESC"])
@pytest.mark.parametrize("caller", [ANNA, ROOT])
def test_a_page_that_skips_600_sessions_of_a_time_window_reads_few_items(
    crowded_month: list[dict[str, Any]], reads: ReadCounter, caller: Caller, order: str
) -> None:
    """The page begins in the middle of an hour with 100 sessions. The time window begins and ends within a minute, at
    second 18.
    """
    query = {"startDateTimeFrom": "2026-01-03T05:30:18Z", "startDateTimeTo": "2026-01-04T06:30:18Z"}
    skip = 600
    whole = expected_names(crowded_month, query, order == "ASC")
    asked = {**query, "skip": skip, "take": 10, "startDateTimeSortOrder": order}
    answer = caller.call("list_sessions", query=asked)
    assert [one["name"] for one in answer.data] == whole[skip : skip + 10]
    assert answer.count == len(whole)
    assert (reads.items <= MOST_ITEMS, reads.units <= MOST_UNITS, reads.calls <= MOST_CALLS) == (
        True,
        True,
        True,
    )


@pytest.mark.parametrize("caller", [ANNA, ROOT])
def test_a_page_of_the_few_recurring_sessions_in_a_crowded_month_reads_few_items(
    crowded_month: list[dict[str, Any]], reads: ReadCounter, caller: Caller
) -> None:
    whole = expected_names(crowded_month, {"type": "RECURRING"}, False)
    for skip in (0, 13):
        reads.calls, reads.items, reads.units = 0, 0, 0.0
        answer = caller.call("list_sessions", query={"type": "RECURRING", "skip": skip, "take": 10})
        assert [one["name"] for one in answer.data] == whole[skip : skip + 10]
        assert answer.count == len(whole)
        assert (reads.items <= MOST_ITEMS, reads.units <= MOST_UNITS) == (True, True), vars(reads)


def test_a_page_of_rare_recurring_sessions_does_not_read_the_counts_of_the_days_between_these_sessions(
    dynamodb_local: Any, reads: ReadCounter
) -> None:
    """The list has one session a day for six years, and every 180th session is RECURRING."""
    sessions = []
    for number in range(6 * 365):
        fields = {
            "type": "ONE_TIME" if number % 180 else "RECURRING",
            "timelineId": "timeline-0",
            "name": str(number),
            "startDateTime": (datetime(2020, 1, 1, 9, tzinfo=UTC) + timedelta(days=number)).isoformat(),
        }
        id = str(UUID(int=random.Random(number).getrandbits(128), version=4))
        sessions.append(dict(session.create(fields, id, "anna", CREATED)))
    fill(dynamodb_local, sessions, [dict(timeline.create({"name": "Yoga"}, "timeline-0", "anna", CREATED))])
    answer = ROOT.call("list_sessions", query={"type": "RECURRING", "take": 10})
    assert [one["name"] for one in answer.data] == [str(180 * number) for number in range(12, 2, -1)]
    assert answer.count == 13
    assert (reads.items <= MOST_ITEMS, reads.units <= MOST_UNITS) == (True, True), vars(reads)


def test_a_page_of_a_rare_type_queries_in_each_period_only_timelines_that_have_sessions_of_this_type(
    dynamodb_local: Any, reads: ReadCounter
) -> None:
    """Ten timelines of two owners together have one session a day, and every 181st session is RECURRING.

    In each period with a RECURRING session, only one timeline has a RECURRING session.
    """
    sessions, names = [], []
    for number in range(12 * 181):
        series, home = number % 181 == 0, number % 10
        fields = {
            "type": "RECURRING" if series else "ONE_TIME",
            "timelineId": f"timeline-{home}",
            "name": str(number),
            "startDateTime": (datetime(2020, 1, 1, 9, tzinfo=UTC) + timedelta(days=number)).isoformat(),
        }
        id = str(UUID(int=random.Random(number).getrandbits(128), version=4))
        sessions.append(dict(session.create(fields, id, ["anna", "bert"][home % 2], CREATED)))
        names += [str(number)] * series
    ids = [f"timeline-{home}" for home in range(10)]
    owners = ["anna", "bert"] * 5
    homes = [
        dict(timeline.create({"name": "Yoga"}, id, owner, CREATED))
        for id, owner in zip(ids, owners, strict=True)
    ]
    fill(dynamodb_local, sessions, homes)
    answer = ROOT.call("list_sessions", query={"type": "RECURRING", "timelineId": ids})
    assert [one["name"] for one in answer.data] == names[:1:-1]
    assert answer.count == 12
    assert reads.calls <= 1 + 10 + 2 + 10, vars(reads)


@pytest.mark.parametrize("caller", [ANNA, ROOT])
def test_a_page_of_the_many_one_time_sessions_in_a_crowded_month_reads_few_items(
    crowded_month: list[dict[str, Any]], reads: ReadCounter, caller: Caller
) -> None:
    whole = expected_names(crowded_month, {"type": "ONE_TIME"}, False)
    for skip in (0, 130, 1_300):
        reads.calls, reads.items, reads.units = 0, 0, 0.0
        answer = caller.call("list_sessions", query={"type": "ONE_TIME", "skip": skip, "take": 10})
        assert [one["name"] for one in answer.data] == whole[skip : skip + 10]
        assert answer.count == len(whole)
        assert reads.items <= MOST_ITEMS, vars(reads)
        assert (reads.units <= MOST_UNITS, reads.calls <= MOST_CALLS) == (True, True), vars(reads)


def build_long_list(undated: bool) -> list[dict[str, Any]]:
    """Build 335 ONE_TIME sessions and 67 series of two timelines.

    With `undated`, also build a RECURRING session without a start.
    """
    made = []
    for number in range(402 + undated):
        begin = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)
        fields: dict[str, Any] = {
            "type": "ONE_TIME" if number % 6 else "RECURRING",
            "timelineId": f"timeline-{number % 4 // 2}",
            "name": str(number),
            "startDateTime": begin.isoformat() if number < 402 else None,
        }
        if number % 6 == 0 and number < 402:
            fields["repeatCycleType"] = "YEARLY"
            fields["repeatUntil"] = "2027-12-31" if number % 12 else None
            fields["timeZone"] = "Asia/Tokyo" if number % 18 == 0 else None
            if fields["timeZone"]:
                fields["startDateTime"] = (begin + timedelta(hours=9)).isoformat()[:-6] + "+09:00"
        id = str(UUID(int=random.Random(number).getrandbits(128), version=4))
        made.append(dict(session.create(fields, id, "anna", CREATED)))
    return made


@pytest.mark.parametrize("undated", [False, True])
def test_a_list_of_series_among_335_one_time_sessions_is_correct_and_makes_at_most_five_dynamodb_calls(
    dynamodb_local: Any, reads: ReadCounter, undated: bool
) -> None:
    """With a RECURRING session without a start (`undated`), the test does not limit the calls."""
    made = build_long_list(undated)
    homes = [dict(timeline.create({"name": "Routine"}, f"timeline-{n}", "anna", CREATED)) for n in range(2)]
    fill(dynamodb_local, made, homes)
    limits = {
        "startDateTimeFrom": "2026-01-19T00:00:00+00:00",
        "startDateTimeTo": "2026-07-07T00:00:00+00:00",
    }
    for scope in ({}, {"timelineId": ["timeline-0"]}, {"timelineId": ["timeline-0", "timeline-1"]}):
        for window, order in product(({}, limits), ("ASC", "DESC")):
            whole = expected_names(made, {**scope, **window, "type": "RECURRING"}, order == "ASC")
            for skip in (0, 7, 38):
                reads.calls, reads.items, reads.units = 0, 0, 0.0
                query = {
                    **scope,
                    **window,
                    "type": "RECURRING",
                    "skip": skip,
                    "startDateTimeSortOrder": order,
                }
                answer = ANNA.call("list_sessions", query=query)
                assert [one["name"] for one in answer.data] == whole[skip : skip + 10], query
                assert answer.count == len(whole), query
                if not undated:
                    assert (reads.calls <= 5, reads.items <= 100, reads.units <= MOST_UNITS) == (
                        True,
                        True,
                        True,
                    )


def test_a_list_of_several_timelines_does_not_query_timelines_without_sessions(
    crowded_month: list[dict[str, Any]], reads: ReadCounter
) -> None:
    empty = [new_timeline(ANNA) for _ in range(9)]
    reads.calls = 0
    answer = ANNA.call("list_sessions", query={"timelineId": ["timeline-0", *empty]})
    assert (len(answer.data), reads.calls) == (10, 2)
