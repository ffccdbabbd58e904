"""Cost of the most expensive requests: `python -m bench.prices` prints their table for docs/operations.md.

Each operation has a row with its most expensive known input, and some have further rows. Unless a row says otherwise,
texts have the greatest permitted length and four-byte characters, and series have the greatest permitted number of
excluded dates. A request that creates an item has an `Idempotency-Key`.
"""

import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any, NamedTuple
from uuid import UUID

from bench.store import create_database, record_costs
from bench.table import table
from scheduling.domain import session, slots
from scheduling.domain import timeline as timelines
from scheduling.domain.counters import Change, count_by_node
from scheduling.domain.session import Session
from scheduling.store.items import deserialize, serialize
from tests.support.api import Answer, Caller
from tests.support.capacity import Cost, count_capacity
from tests.support.fill import fill, write_items
from tests.support.streams import count_changes

HEADER = ("operation", "worst known input", "calls", "items read", "read units", "write units")
WIDEST = "\N{PILE OF POO}"  # four bytes in UTF-8
TEXTS = {"name": 200 * WIDEST, "description": 4_000 * WIDEST}
ADMIN = Caller("root", "[ADMIN]")
ANNA, SERIES, LISTS, COUNTS = (Caller(name.ljust(128, "-")) for name in ("anna", "series", "lists", "counts"))
"""Owners whose ids have the greatest permitted length."""
CROWDED = "a day in which every minute has sessions of both types"
BEGIN = datetime(2030, 1, 1, tzinfo=UTC)
CREATED = "2020-12-01T08:00:00.000Z"
DATES = [(BEGIN + timedelta(days=day)).date().isoformat() for day in range(1, 367)]
ZONE = "America/Argentina/ComodRivadavia"
LISTED, STORED_SERIES = 150 + 100, 200
"""`LISTED` is the number of items in the longest list: 150 skipped items and a page of 100. `STORED_SERIES` is the
number of series in the full calendar.
"""


class Price(NamedTuple):
    """The cost of one request."""

    operation: str
    case: str
    cost: Cost

    def row(self) -> list[str]:
        """Return the operation, the case and the cost as a row of the table."""
        calls, items, read_units, write_units = self.cost
        return [
            f"`{self.operation}`",
            self.case,
            f"{calls}",
            f"{items:,}",
            f"{read_units:g}",
            f"{write_units}",
        ]


def at(minutes: float, length: float = 10) -> dict[str, str]:
    """Return the times of a session that starts `minutes` minutes after BEGIN and lasts `length` minutes."""
    start = BEGIN + timedelta(minutes=minutes)
    texts = [each.isoformat().replace("+00:00", "Z") for each in (start, start + timedelta(minutes=length))]
    return {"startDateTime": texts[0], "endDateTime": texts[1]}


def series(**fields: Any) -> dict[str, Any]:
    """Return the fields of a series with the greatest permitted number of excluded dates."""
    return {
        "type": "RECURRING",
        "repeatCycleType": "DAILY",
        "timeZone": ZONE,
        "excludedDates": DATES,
        **TEXTS,
        **fields,
    }


class Measurement:
    """The requests to one database, with their costs."""

    def __init__(self, dynamodb: Any) -> None:
        self.dynamodb = dynamodb
        self.prices: list[Price] = []
        self._keys = 0

    def call(self, function: str, caller: Caller = ANNA, **arguments: Any) -> Answer:
        """Send a request that must succeed. If the operation creates an item, send an `Idempotency-Key`."""
        if function.startswith(("create_", "split_")) or function == "update_occurrence":
            self._keys += 1
            arguments["headers"] = {"idempotency-key": f"{self._keys:0255}"}
        with redirect_stdout(StringIO()):
            answer = caller.call(function, **arguments)
        assert answer.status == 200, answer
        return answer

    def measure(
        self, operation: str, case: str, function: str, caller: Caller = ANNA, **arguments: Any
    ) -> Any:
        """Send a request, and record its cost. Return the id in the answer, or None if the answer has no id."""
        reads_only = function.startswith(("get_", "list_"))
        with record_costs() if reads_only else count_capacity(self.dynamodb) as cost:
            answer = self.call(function, caller, **arguments)
        self.prices.append(Price(operation, case, Cost(*cost())))
        return answer.data["id"] if isinstance(answer.data, dict) else None


def measure(dynamodb: Any) -> list[Price]:
    """Measure the most expensive known requests of each operation. Return their costs."""
    found = Measurement(dynamodb)
    for measure_part in (
        _measure_timelines,
        _measure_sessions,
        _measure_occurrences,
        _measure_counts,
        _measure_full_calendar,
        _measure_lists,
    ):
        measure_part(found)
    return found.prices


def _measure_timelines(found: Measurement) -> None:
    id = found.measure("POST /timelines", "longest texts", "create_timeline", body=TEXTS)
    found.measure(
        "PATCH /timelines/{timelineId}", "longest texts", "update_timeline", id=id, body={"name": "x"}
    )
    found.measure("GET /timelines/{timelineId}", "longest texts", "get_timeline", id=id)
    found.measure("DELETE /timelines/{timelineId}", "longest texts", "delete_timeline", id=id)


def _measure_sessions(found: Measurement) -> None:
    plain = {"type": "ONE_TIME", "name": "Yoga"}
    long, short = (
        found.call("create_timeline", body=texts).data["id"] for texts in (TEXTS, {"name": "Routine"})
    )
    path = "/sessions/{sessionId}"
    post = "POST /sessions"
    found.call("create_session", body={**plain, "timelineId": short, **at(0)})
    found.measure(post, "plain", "create_session", body={**plain, "timelineId": short, **at(10)})
    case = "plain, on a timeline with the longest texts"
    found.measure(post, case, "create_session", body={**plain, "timelineId": long, **at(20)})
    body = series(timelineId=short, **at(30))
    dry = {"query": {"dryRun": "true"}}
    found.measure(post, "series, longest texts, `dryRun`", "create_session", body=body, **dry)
    id = found.measure(post, "series, longest texts", "create_session", body=body)
    found.measure(f"GET {path}", "the same series", "get_session", id=id)
    other = found.call("create_timeline", SERIES, body={"name": "Routine"}).data["id"]
    body = {"timelineId": other, **at(40)}
    case = "the same series, to another time and owner"
    found.measure(f"PATCH {path}", case, "update_session", ADMIN, id=id, body=body)
    found.measure(f"DELETE {path}", "the same series", "delete_session", ADMIN, id=id)
    found.measure(f"POST {path}/restore", "the same series", "restore_session", ADMIN, id=id)
    found.call("delete_session", ADMIN, id=id)


def _measure_occurrences(found: Measurement) -> None:
    timeline = found.call("create_timeline", body={"name": "Routine"}).data["id"]
    body = series(timelineId=timeline, excludedDates=DATES[2:], **at(50))
    id = found.call("create_session", body=body).data["id"]
    path, case = "/sessions/{sessionId}/occurrences/{date}", "series with 364 excluded dates, longest texts"
    place = f"{id}/{DATES[0]}"
    found.measure(f"PATCH {path}", case, "update_occurrence", id=place, body=at(24 * 60 + 70))
    found.measure(f"DELETE {path}", case, "delete_occurrence", id=f"{id}/{DATES[1]}")
    later = (BEGIN + timedelta(days=400)).date().isoformat()
    split = {"date": later, "name": 200 * WIDEST}
    found.measure("POST /sessions/{sessionId}/split", case, "split_session", id=id, body=split)


def _measure_full_calendar(found: Measurement) -> None:
    """Measure requests to a calendar of series with a time zone. Every conflict check reads all slots of the series."""
    timeline = found.call("create_timeline", SERIES, body={"name": "Routine"}).data["id"]
    made = []
    for number in range(STORED_SERIES):
        fields = series(timelineId=timeline, repeatCycleType="WEEKLY", **at(10 * number, 5))
        made.append(session.create(fields, _build_id(number), SERIES.id, CREATED))
    _fill_calendar(found.dynamodb, made)
    case = f"calendar with {STORED_SERIES:,} series with a time zone, longest names, 366 excluded dates"
    body = {"type": "ONE_TIME", "name": "Yoga", "timelineId": timeline, **at(6, 3)}
    found.measure("POST /sessions", case, "create_session", SERIES, body=body)
    later = BEGIN + timedelta(days=3650)
    week = {
        "from": later.isoformat().replace("+00:00", "Z"),
        "to": (later + timedelta(days=7)).isoformat().replace("+00:00", "Z"),
        "take": 1000,
    }
    found.measure("GET /occurrences", f"a week, {case}", "list_occurrences", SERIES, query=week)


def _measure_lists(found: Measurement) -> None:
    made = [
        session.create(
            series(timelineId=_build_id(0), **at(number / 300, 0.003)), _build_id(number), LISTS.id, CREATED
        )
        for number in range(LISTED)
    ]
    owned = [dict(timelines.create(TEXTS, _build_id(number), LISTS.id, CREATED)) for number in range(LISTED)]
    fill(found.dynamodb, map(dict, made), owned)
    query = {"skip": LISTED - 100, "take": 100}
    case = f"rows {query['skip'] + 1} to {LISTED} of one minute, longest texts"
    found.measure("GET /sessions", case, "list_sessions", LISTS, query=query)
    found.measure("GET /timelines", case, "list_timelines", LISTS, query=query)
    found.measure("GET /timelines", "`take=1`, longest texts", "list_timelines", LISTS, query={"take": 1})


def _measure_counts(found: Measurement) -> None:
    """Measure `update_counters` for batches of one change. A batch of a busy stream has up to 500 changes."""
    homes = [
        (owner, found.call("create_timeline", owner, body={"name": "Routine"}).data)
        for owner in (ANNA, COUNTS)
    ]
    count_changes(found.dynamodb)
    everywhere = [
        {
            "startKey": f"{year}-01-01T{minute // 60:02}:{minute % 60:02}",
            "ownerId": owner.id,
            "timelineId": home["id"],
            "type": kind,
        }
        for owner, home in homes
        for year in (2031, 2032)
        for minute in range(24 * 60)
        for kind in ("ONE_TIME", "RECURRING")
    ]
    nodes = count_by_node(Change(None, image) for image in everywhere).items()
    items = [{"scope": node.scope, "node": node.name, "version": 1, **counts} for node, counts in nodes]
    write_items(found.dynamodb, (("CountersTable", item) for item in items))
    body = {"type": "ONE_TIME", "name": "Yoga", "timelineId": homes[0][1]["id"]}
    for case, year in (("first session of a year", 2040), (f"one session in {CROWDED}", 2031)):
        times = {"startDateTime": f"{year}-01-01T00:00:00Z"}
        id = found.call("create_session", body={**body, **times}).data["id"]
        _measure_counting(found, case)
    changed = {"timelineId": homes[1][1]["id"], "startDateTime": "2032-01-01T23:59:00Z"}
    found.call("update_session", ADMIN, id=id, body=changed)
    _measure_counting(found, f"one session that moves to another owner and year, each with {CROWDED}")


def _measure_counting(found: Measurement, case: str) -> None:
    with count_capacity(found.dynamodb) as cost:
        count_changes(found.dynamodb)
    found.prices.append(Price("update_counters", case, cost()))


def _fill_calendar(dynamodb: Any, sessions: Sequence[Session]) -> None:
    """Write the slots of endless series with a time zone. Write 24, the length class of these series, into the head."""
    items: list[Mapping[str, Any]] = [found for each in sessions if (found := slots.slot(each))]
    key = serialize({"ownerId": sessions[0]["ownerId"], "slot": slots.HEAD})
    head = deserialize(dynamodb.get_item(TableName="CalendarTable", Key=key)["Item"])
    items.append({**head, "version": head["version"] + 1, "lengthClasses": [24]})
    write_items(dynamodb, (("CalendarTable", item) for item in items))


def _build_id(number: int) -> str:
    return str(UUID(int=number, version=4))


def main() -> int:
    """Measure all requests, and print the table. Return 0, because this benchmark has no targets."""
    database = create_database("prices")
    database.use()
    print("\nMost expensive requests\n")
    print(table(HEADER, [price.row() for price in measure(database.client)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
