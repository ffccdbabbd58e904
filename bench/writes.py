"""Read cost of requests that write, in calendars of different sizes: `python -m bench.writes`.

The write units of these requests do not depend on the size of the calendar. `tests/dynamodb/test_costs.py` counts the
write units.
"""

import statistics
import sys
import time
from datetime import timedelta
from typing import Any

from bench.store import (
    BEGIN,
    OWNER,
    SERIES,
    SINGLE_SIZES,
    SPAN,
    TIMELINE_ID,
    Cost,
    get_database_with_series,
    get_database_with_singles,
    request,
)
from bench.table import table
from scheduling.store import client as store

TIMED = 15


def main() -> int:
    """Measure all requests, and print the table. Return the number of missed targets."""
    rows, seen = [], []
    for total in SINGLE_SIZES:
        get_database_with_singles(total).use()
        free = BEGIN + SPAN / 2 + SPAN / total * 0.75
        answer, cost = request(OWNER, "create_session", body=build_body(free, SPAN / total / 8))
        assert answer.status == 200, answer
        seen.append(cost)
        rows.append([f"POST, {total:,} single sessions", *format_cost(cost)])
        later = build_body(free + SPAN / total / 8, SPAN / total / 8)
        change = {field: later[field] for field in ("startDateTime", "endDateTime")}
        rows.append(
            [f"PATCH of times, {total:,}", *format_cost(measure_call("update_session", answer, body=change))]
        )
        rows.append([f"DELETE, {total:,}", *format_cost(measure_call("delete_session", answer))])

    most = SINGLE_SIZES[-1]
    get_database_with_singles(most).use()
    over_many = []
    for cycle, most_units in (("YEARLY", 30), ("WEEKLY", 600)):
        free = BEGIN + SPAN / most * 0.75
        body = build_body(free, timedelta(seconds=1)) | {"type": "RECURRING", "repeatCycleType": cycle}
        answer, cost = request(OWNER, "create_session", body=body)
        over_many.append((cycle, cost.read_units, most_units))
        rows.append([f"POST {cycle} over {most:,}: {answer.status}", *format_cost(cost)])

    get_database_with_series(SERIES).use()
    times = []
    for number in range(TIMED):
        free = BEGIN + timedelta(days=700) + timedelta(weeks=1) / SERIES * (number + 0.75)
        started = time.perf_counter()
        answer, cost = request(OWNER, "create_session", body=build_body(free, timedelta(seconds=10)))
        times.append(1000 * (time.perf_counter() - started))
        assert answer.status == 200, answer
    against_series = cost.read_units
    rows.append([f"POST, {SERIES:,} weekly series", *format_cost(cost)])
    refused, cost = request(
        OWNER, "create_session", body=build_body(BEGIN + timedelta(weeks=800), timedelta(seconds=10))
    )
    assert refused.status == 409, refused
    rows.append([f"POST refused, {SERIES:,} weekly series", *format_cost(cost)])

    print("\nRead cost of requests that write\n")
    print(table(["request, in a calendar of", "calls", "items read", "read units"], rows))
    print(
        f"\nTime of a POST into a calendar with {SERIES:,} weekly series: {statistics.median(times):.0f} ms (median), "
        f"{max(times):.0f} ms (longest of {TIMED})."
    )
    verdicts = [
        ("POST: the same calls and read units for all sizes", len({each[::2] for each in seen}) == 1),
        (f"POST against {SERIES:,} series: at most 30 read units", against_series <= 30),
        *(
            (f"{cycle} over {most:,} single sessions: at most {most_units} read units", units <= most_units)
            for cycle, units, most_units in over_many
        ),
    ]
    print()
    for target, met in verdicts:
        print("met   " if met else "MISSED", target)
    store.client.cache_clear()
    return sum(not met for _, met in verdicts)


def build_body(start: Any, length: timedelta) -> dict[str, str]:
    """Build the body of a POST of a session with this start and length."""
    text = [moment.isoformat().replace("+00:00", "Z") for moment in (start, start + length)]
    return {
        "type": "ONE_TIME",
        "timelineId": TIMELINE_ID,
        "name": "Special Workshop",
        "startDateTime": text[0],
        "endDateTime": text[1],
        "description": "Special workshop event",
    }


def measure_call(function: str, made: Any, **arguments: Any) -> Cost:
    """Call a function with the id of the session in the answer `made`. Return the cost."""
    answer, cost = request(OWNER, function, id=made.data["id"], **arguments)
    assert answer.status == 200, answer
    return cost


def format_cost(cost: Cost) -> list[str]:
    """Return the cells of a table row: calls, items and read units."""
    return [str(cost.calls), str(cost.items), f"{cost.read_units:g}"]


if __name__ == "__main__":
    sys.exit(min(1, main()))
