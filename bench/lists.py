"""Read cost of a page, at any depth, of any scope and window: `python -m bench.lists`.

The column "before" has the cost of the former design: counts by month in the timelines' items, for the same data.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from bench.store import MANAGER, OWNER, Cost, Database, engine, progress, request
from bench.table import table
from scheduling.domain import session, timeline
from tests.support.fill import fill

SESSIONS = int(os.environ.get("BENCH_SESSIONS", 100_000))
RECURRING_EVERY = 1_000
TIMELINES = 2_000
SEVERAL = 10_000
LONG_TIMELINES = 500
TAKE = 10
CREATED = "2020-12-01T08:00:00.000Z"

MOST_ITEMS, MOST_UNITS, MOST_CALLS = 150 + TAKE, 20, 10


class Case(NamedTuple):
    """A request, and the former cost of the same request."""

    name: str
    caller: Any
    function: str
    query: Mapping[str, Any]
    before: str = ""
    limited: bool = True
    """Whether the targets apply."""


def id_of(number: int) -> str:
    """Return an id that is spread like a random one."""
    return str(UUID(int=number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128, version=4))


def sessions(total: int, timelines: int = 1) -> Iterator[dict[str, Any]]:
    """Yield that many sessions of some timelines in one month, a few of them RECURRING."""
    begin, distance = datetime(2026, 1, 1, tzinfo=UTC), timedelta(days=31) / total
    for number in range(total):
        if number % 1_000 == 0:
            progress(f"writing session {number:,} of {total:,}")
        start = begin + number * distance
        fields = {
            "type": "ONE_TIME" if number % RECURRING_EVERY else "RECURRING",
            "repeatCycleType": None if number % RECURRING_EVERY else "YEARLY",
            "timelineId": id_of(number % timelines),
            "name": f"Session {number}",
            "description": "What a session is about, said in a sentence or two, as people do: "
            + 40 * "word ",
            "startDateTime": start.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
        yield dict(session.create(fields, id_of(number + 1), OWNER.id, CREATED))
    progress("")


def timelines(total: int, owner: str, description: str | None = None) -> Iterator[dict[str, Any]]:
    """Yield that many timelines of one owner, the first of which has the sessions."""
    for number in range(total):
        created = (datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=number)).isoformat(
            timespec="milliseconds"
        )
        fields = {"name": f"Routine {number}", "description": description}
        stamp = created.replace("+00:00", "Z")
        yield dict(timeline.create(fields, id_of(number), owner, stamp))


def cases() -> Iterator[Case]:
    """Yield the requests that are measured."""
    last = SESSIONS - TAKE
    one = {"timelineId": id_of(0)}
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
        f"{LONG_TIMELINES:,} timelines of 16 KB, take 1",
        type(OWNER)("long"),
        "list_timelines",
        {"take": 1},
        "10,363 units (of 5,000)",
    )


def cases_of_several() -> Iterator[Case]:
    """Yield the requests that are measured where ten timelines have sessions."""
    many = {"timelineId": [id_of(number) for number in range(10)]}
    for place, skip in (("first page", 0), ("middle", SEVERAL // 2)):
        asked = {**many, "skip": skip}
        yield Case(
            f"ten timelines of {SEVERAL // 10:,}, {place}", OWNER, "list_sessions", asked, limited=False
        )


def main() -> int:
    """Run the command; return how many targets were missed."""
    database = Database(engine().endpoint, "lists")
    owned = [*timelines(TIMELINES, OWNER.id), *timelines(LONG_TIMELINES, "long", "ü" * 4_000 + "x" * 4_000)]
    for number, one in enumerate(owned[TIMELINES:]):
        one["id"] = id_of(1_000_000 + number)
        one["createdKey"] = f"{one['createdAt']}#{one['id']}"
    fill(database.client, sessions(SESSIONS), owned)
    several = Database(engine().endpoint, "several")
    fill(several.client, sessions(SEVERAL, 10), timelines(10, OWNER.id))
    rows, missed = [], 0
    for where, case in [
        *((database, case) for case in cases()),
        *((several, case) for case in cases_of_several()),
    ]:
        where.use()
        answer, cost = request(case.caller, case.function, query={"take": TAKE, **case.query})
        assert answer.data, case.name
        met = not case.limited or meets(cost)
        missed += not met
        numbers = [str(cost.calls), f"{cost.items:,}", f"{cost.read_units:g}", f"{answer.count:,}"]
        rows.append([case.name, *numbers, case.before, "" if met else "MISSED"])
    print(f"\nLists of {SESSIONS:,} sessions in one month: what a page of {TAKE} reads\n")
    print(table(["list", "calls", "items", "units", "count", "before", ""], rows))
    print(f"\nTargets: {MOST_ITEMS} items, {MOST_UNITS} units, {MOST_CALLS} calls; {missed} missed.")
    return missed


def meets(cost: Cost) -> bool:
    """Return whether a request met the targets."""
    return cost.items <= MOST_ITEMS and cost.read_units <= MOST_UNITS and cost.calls <= MOST_CALLS


if __name__ == "__main__":
    sys.exit(min(1, main()))
