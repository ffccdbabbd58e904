"""Read cost of pages of lists, with different positions, scopes and time windows: `python -m bench.lists`.

For some pages, the column "before" has the cost in a former design. This design stored counts by month in the items of
the timelines.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from bench.store import MANAGER, OWNER, Cost, Database, build_id, print_progress, request, start_engine
from bench.table import table
from scheduling.domain import session, timeline
from tests.support.fill import fill

SESSIONS = int(os.environ.get("BENCH_SESSIONS", 100_000))
RECURRING_EVERY = 1_000
TIMELINES = 2_000
SEVERAL = 10_000
LONG_TIMELINES = 500
LONGEST_DESCRIPTION = "🧘" * 4_000
"""The longest description that the API accepts: 4,000 characters of four bytes."""
TAKE = 10
CREATED = "2020-12-01T08:00:00.000Z"

MOST_ITEMS, MOST_UNITS, MOST_CALLS = 150 + TAKE, 20, 10


class Case(NamedTuple):
    """A request, and the cost of the same request in the former design (empty if unknown)."""

    name: str
    caller: Any
    function: str
    query: Mapping[str, Any]
    before: str = ""
    limited: bool = True
    """True if the targets apply to the request."""


def build_sessions(total: int, timelines: int = 1) -> Iterator[dict[str, Any]]:
    """Yield `total` sessions in one month, spread over `timelines` timelines. Every thousandth session is RECURRING."""
    begin, distance = datetime(2026, 1, 1, tzinfo=UTC), timedelta(days=31) / total
    for number in range(total):
        if number % 1_000 == 0:
            print_progress(f"writing session {number:,} of {total:,}")
        start = begin + number * distance
        fields = {
            "type": "ONE_TIME" if number % RECURRING_EVERY else "RECURRING",
            "repeatCycleType": None if number % RECURRING_EVERY else "YEARLY",
            "timelineId": build_id(number % timelines),
            "name": f"Session {number}",
            "description": "Bring a mat, a towel and a bottle of water. The door opens early. "
            + 40 * "word ",
            "startDateTime": start.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
        yield dict(session.create(fields, build_id(number + 1), OWNER.id, CREATED))
    print_progress("")


def build_timelines(total: int, owner: str, description: str | None = None) -> Iterator[dict[str, Any]]:
    """Yield `total` timelines of one owner. Each timeline was created one minute after the previous timeline."""
    for number in range(total):
        created = (datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=number)).isoformat(
            timespec="milliseconds"
        )
        fields = {"name": f"Routine {number}", "description": description}
        stamp = created.replace("+00:00", "Z")
        yield dict(timeline.create(fields, build_id(number), owner, stamp))


def build_cases() -> Iterator[Case]:
    """Yield the requests to the database with SESSIONS sessions on one timeline."""
    last = SESSIONS - TAKE
    one = {"timelineId": build_id(0)}
    scopes = {"timeline": (OWNER, one), "owner": (OWNER, {}), "everything": (MANAGER, {})}
    middle_before = "32 calls, 50,011 items, 3,936 units"
    window_before = "90,011 items, 7,083 units"
    for scope, (who, query) in scopes.items():
        for place, skip in (("first page", 0), ("middle", SESSIONS // 2), ("last page", last)):
            before = middle_before if place == "middle" and scope == "timeline" else ""
            yield Case(f"{scope}, {place}", who, "list_sessions", {**query, "skip": skip}, before)
        limits = {"startDateTimeFrom": "2026-01-02T00:00:00Z", "startDateTimeTo": "2026-01-29T00:00:00Z"}
        before = window_before if scope == "timeline" else ""
        yield Case(f"{scope}, window of whole days", who, "list_sessions", {**query, **limits}, before)
        cut = {"startDateTimeFrom": "2026-01-02T09:17:00Z", "startDateTimeTo": "2026-01-28T17:43:00Z"}
        yield Case(f"{scope}, window that cuts hours", who, "list_sessions", {**query, **cut})
        yield Case(
            f"{scope}, window, deep", who, "list_sessions", {**query, **cut, "skip": int(SESSIONS * 0.4)}
        )
        half = {"startDateTimeFrom": "2026-01-02T09:30:30Z", "startDateTimeTo": "2026-01-28T17:30:30Z"}
        yield Case(
            f"{scope}, window that cuts minutes, deep",
            who,
            "list_sessions",
            {**query, **half, "skip": int(SESSIONS * 0.4) + 67},
        )
        recurring = {**query, "type": "RECURRING"}
        yield Case(f"{scope}, type RECURRING", who, "list_sessions", {**recurring, "skip": 30}, limited=False)
        often = {**query, "type": "ONE_TIME", "skip": SESSIONS // 2}
        yield Case(f"{scope}, type ONE_TIME, middle", who, "list_sessions", often)
    yield Case(f"owner with {TIMELINES:,} timelines, first page", OWNER, "list_sessions", {}, "224 units")
    yield Case(f"{TIMELINES:,} timelines, first page", OWNER, "list_timelines", {})
    yield Case(f"{TIMELINES:,} timelines, middle", OWNER, "list_timelines", {"skip": TIMELINES // 2})
    yield Case(
        f"{LONG_TIMELINES:,} timelines with descriptions of 16 KB, take 1",
        type(OWNER)("long"),
        "list_timelines",
        {"take": 1},
        "10,363 units (with 5,000 timelines)",
    )


def build_cases_of_several() -> Iterator[Case]:
    """Yield the requests to the database with SEVERAL sessions on ten timelines."""
    many = {"timelineId": [build_id(number) for number in range(10)]}
    for place, skip in (("first page", 0), ("middle", SEVERAL // 2)):
        asked = {**many, "skip": skip}
        yield Case(
            f"ten timelines of {SEVERAL // 10:,}, {place}", OWNER, "list_sessions", asked, limited=False
        )


def main() -> int:
    """Measure all requests, and print the table. Return the number of missed targets."""
    database = Database(start_engine().endpoint, "lists")
    owned = [
        *build_timelines(TIMELINES, OWNER.id),
        *build_timelines(LONG_TIMELINES, "long", LONGEST_DESCRIPTION),
    ]
    for number, one in enumerate(owned[TIMELINES:]):
        one["id"] = build_id(1_000_000 + number)
        one["createdKey"] = f"{one['createdAt']}#{one['id']}"
    fill(database.client, build_sessions(SESSIONS), owned)
    several = Database(start_engine().endpoint, "several")
    fill(several.client, build_sessions(SEVERAL, 10), build_timelines(10, OWNER.id))
    rows, missed = [], 0
    for where, case in [
        *((database, case) for case in build_cases()),
        *((several, case) for case in build_cases_of_several()),
    ]:
        where.use()
        answer, cost = request(case.caller, case.function, query={"take": TAKE, **case.query})
        assert answer.data, case.name
        met = not case.limited or meets_targets(cost)
        missed += not met
        numbers = [str(cost.calls), f"{cost.items:,}", f"{cost.read_units:g}", f"{answer.count:,}"]
        rows.append([case.name, *numbers, case.before, "" if met else "MISSED"])
    print(f"\nLists of {SESSIONS:,} sessions in one month: cost of a page of {TAKE}\n")
    print(table(["list", "calls", "items", "units", "count", "before", ""], rows))
    print(
        f"\nTargets: at most {MOST_ITEMS} items, {MOST_UNITS} units and {MOST_CALLS} calls. "
        f"{missed} requests missed a target."
    )
    return missed


def meets_targets(cost: Cost) -> bool:
    """Return whether the cost of a request is within the targets."""
    return cost.items <= MOST_ITEMS and cost.read_units <= MOST_UNITS and cost.calls <= MOST_CALLS


if __name__ == "__main__":
    sys.exit(min(1, main()))
