"""What writing costs, however full the calendar is: `python -m bench.writes`."""

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
    request,
    with_series,
    with_singles,
)
from bench.table import table
from scheduling.store import client as store

TIMED = 15


def main() -> int:
    """The command."""
    rows, seen = [], []
    for total in SINGLE_SIZES:
        with_singles(total).use()
        free = BEGIN + SPAN / 2 + SPAN / total * 0.75
        answer, cost = request(OWNER, "create_session", body=single(free, SPAN / total / 8))
        assert answer.status == 200, answer
        seen.append(cost)
        rows.append([f"POST, {total:,} single sessions", *numbers(cost)])
        change = {"name": "Renamed"}
        rows.append([f"PATCH of words, {total:,}", *numbers(costs_of("update_session", answer, body=change))])
        later = single(free + SPAN / total / 8, SPAN / total / 8)
        change = {field: later[field] for field in ("startDateTime", "endDateTime")}
        rows.append([f"PATCH of times, {total:,}", *numbers(costs_of("update_session", answer, body=change))])
        rows.append([f"GET, {total:,}", *numbers(costs_of("get_session", answer))])
        rows.append([f"DELETE, {total:,}", *numbers(costs_of("delete_session", answer))])

    with_series(SERIES).use()
    times = []
    for number in range(TIMED):
        free = BEGIN + timedelta(days=700) + timedelta(weeks=1) / SERIES * (number + 0.75)
        started = time.perf_counter()
        answer, cost = request(OWNER, "create_session", body=single(free, timedelta(seconds=10)))
        times.append(1000 * (time.perf_counter() - started))
        assert answer.status == 200, answer
    rows.append([f"POST, {SERIES:,} weekly series", *numbers(cost)])
    answer, cost = request(
        OWNER, "create_session", body=single(BEGIN + timedelta(weeks=800), timedelta(seconds=10))
    )
    assert answer.status == 409, answer
    rows.append([f"POST refused, {SERIES:,} weekly series", *numbers(cost)])

    print("\nWrites: what a request takes\n")
    print(table(["request, in a calendar of", "calls", "items read", "read units", "write units"], rows))
    print(
        f"\nPOST with {SERIES:,} weekly series in the calendar: {statistics.median(times):.0f} ms, "
        f"{max(times):.0f} ms at the most of {TIMED}."
    )
    same = len({cost._replace(items=0) for cost in seen}) == 1
    print(f"\n{'met   ' if same else 'MISSED'} POST: the same calls and units in calendars of {SINGLE_SIZES}")
    store.client.cache_clear()
    return int(not same)


def single(start: Any, length: timedelta) -> dict[str, str]:
    """A body that takes that time."""
    text = [moment.isoformat().replace("+00:00", "Z") for moment in (start, start + length)]
    return {
        "type": "ONE_TIME",
        "timelineId": TIMELINE_ID,
        "name": "Special Workshop",
        "startDateTime": text[0],
        "endDateTime": text[1],
        "description": "Special workshop event",
    }


def costs_of(function: str, made: Any, **arguments: Any) -> Cost:
    """What a call for a session that was made takes."""
    answer, cost = request(OWNER, function, id=made.data["id"], **arguments)
    assert answer.status == 200, answer
    return cost


def numbers(cost: Cost) -> list[str]:
    return [str(cost.calls), str(cost.items), f"{cost.read_units:g}", f"{cost.write_units:g}"]


if __name__ == "__main__":
    sys.exit(min(1, main()))
