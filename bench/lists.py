"""What a page of a list costs, at its beginning and deep in it, beside the plain way: `python -m bench.lists`.

The plain way reads and throws away what is skipped, and counts by reading everything.
"""

import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from bench.store import (
    MANAGER,
    OWNER,
    SINGLE_SIZES,
    TIMELINE_ID,
    YEARS,
    Cost,
    Database,
    request,
    taken,
    with_singles,
)
from bench.table import table

PLOT = Path(__file__).parent.parent / "docs" / "list-cost.svg"
TAKE = 10

SCOPES = {
    "one timeline": (OWNER, {"timelineId": TIMELINE_ID}),
    "all of an owner": (OWNER, {}),
    "all there is": (MANAGER, {}),
}
PLACES = {"first": 0.0, "middle": 0.5, "end": 1.0}


def main() -> int:
    """The command."""
    costs: dict[tuple[int, str, str], Cost] = {}
    rows = []
    for total in SINGLE_SIZES:
        database = with_singles(total)
        for place, part in PLACES.items():
            skip = min(int(total * part), total - TAKE)
            plain = plain_cost(database, skip, total)
            for scope, (caller, query) in SCOPES.items():
                database.use()
                answer, cost = request(caller, "list_sessions", query={**query, "skip": skip, "take": TAKE})
                assert (answer.count, len(answer.data)) == (total, TAKE)
                costs[total, scope, place] = cost
                costs[total, "plain", place] = plain
                numbers = [str(cost.calls), f"{cost.items:,}", f"{cost.read_units:g}"]
                beside = [f"{plain.calls:,}", f"{plain.items:,}", f"{plain.read_units:,g}"]
                rows.append([scope, f"{total:,}", f"{skip:,}", *numbers, *beside])
    print("\nLists: what a page of ten takes, and what it takes the plain way\n")
    plain_header = ["plain: calls", "items", "units"]
    print(table(["scope", "sessions", "skip", "calls", "items read", "read units", *plain_header], rows))
    plot(with_singles(SINGLE_SIZES[-1]), SINGLE_SIZES[-1])
    missed = list(verdicts(costs).items())
    print()
    for sentence, met in missed:
        print(f"{'met   ' if met else 'MISSED'} {sentence}")
    return sum(not met for _, met in missed)


def verdicts(costs: Mapping[tuple[int, str, str], Cost]) -> dict[str, bool]:
    """The targets, and whether they are met."""
    few, many = SINGLE_SIZES[0], SINGLE_SIZES[-1]
    month = many / len(YEARS) / 365 * 31
    found = {}
    for scope in SCOPES:
        first, middle = costs[many, scope, "first"], costs[many, scope, "middle"]
        no_more = all(here <= there for here, there in zip(first, costs[few, scope, "first"], strict=True))
        found[f"{scope}: the first page and the count cost no more in {many:,} sessions than in {few}"] = (
            no_more
        )
        found[f"{scope}: the page in the middle reads at most a month more than the first"] = (
            middle.items - first.items <= month
        )
        plain = costs[many, "plain", "middle"]
        times = plain.items / middle.items
        found[f"{scope}: it reads {times:.0f} times fewer items than the plain way (≥ 20)"] = times >= 20
        times = plain.read_units / middle.read_units
        found[f"{scope}: it takes {times:.0f} times fewer units than the plain way (≥ 20)"] = times >= 20
    return found


def plain_cost(database: Database, skip: int, total: int) -> Cost:
    """Query and discard; count by reading. On the index of one timeline, which holds all that there is."""
    return Cost(*map(sum, zip(_read(database, skip + TAKE), _read(database, total), strict=True)))


@lru_cache
def _read(database: Database, items: int) -> Cost:
    with taken(database.client) as costs:
        pages = database.client.get_paginator("query").paginate(
            TableName="SessionsTable",
            IndexName="timeline-startDateTime-index",
            KeyConditionExpression="timelineId = :id",
            ExpressionAttributeValues={":id": {"S": TIMELINE_ID}},
            Select="COUNT",  # costs what it costs to return them too
            ScanIndexForward=False,
            PaginationConfig={"PageSize": items},
        )
        read = 0
        for page in pages:  # counted here: without items, botocore's MaxItems would never be reached
            read += page["Count"]
            if read >= items:
                break
        assert read >= items
    cost: Cost = costs()
    return cost


def plot(database: Database, total: int) -> None:
    """Draw the read units of a page against what is skipped before it."""
    database.use()
    caller, query = SCOPES["one timeline"]
    ours, plain = [], []
    steps = 50  # not a divisor of the months, so that it meets each anywhere
    for step in range(steps + 1):
        skip = min(total * step // steps, total - TAKE)
        ours.append(
            (
                skip,
                request(caller, "list_sessions", query={**query, "skip": skip, "take": TAKE})[1].read_units,
            )
        )
    for place in PLACES.values():
        skip = min(int(total * place), total - TAKE)
        plain.append((skip, plain_cost(database, skip, total).read_units))
    PLOT.write_text(drawing(ours, plain, total), "utf-8")


def drawing(ours: list[tuple[int, float]], plain: list[tuple[int, float]], total: int) -> str:
    """The plot: the units on a logarithmic scale, since the two are far apart."""
    from math import ceil, log10

    left, top, width, height = 70, 40, 600, 260
    powers = ceil(log10(max(units for _, units in plain)))

    def place(point: tuple[int, float]) -> str:
        skip, units = point
        x = left + width * skip / total
        y = top + height * (1 - max(0.0, log10(units)) / powers)
        return f"{x:.1f},{y:.1f}"

    def line(points: list[tuple[int, float]], colour: str) -> str:
        return f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{" ".join(map(place, points))}"/>'

    across = [
        f'<line x1="{left}" x2="{left + width}" y1="{top + height * (1 - power / powers):.1f}" '
        f'y2="{top + height * (1 - power / powers):.1f}" stroke="#ddd"/>'
        f'<text x="{left - 8}" y="{top + height * (1 - power / powers) + 4:.1f}" text-anchor="end">{10**power:,}</text>'
        for power in range(powers + 1)
    ]
    below = [
        f'<text x="{left + width * part / 4:.1f}" y="{top + height + 20}" text-anchor="middle">'
        f"{total * part // 4:,}</text>"
        for part in range(5)
    ]
    return "\n".join(
        [
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 360" font-family="sans-serif" font-size="12">',
            '<rect width="720" height="360" fill="#fff"/>',
            f'<text x="{left}" y="22" font-size="14">Read units of one page of {TAKE}, '
            f"of {total:,} sessions in a timeline</text>",
            *across,
            *below,
            f'<text x="{left + width / 2}" y="{top + height + 42}" text-anchor="middle">skip</text>',
            line(plain, "#c33"),
            line(ours, "#27c"),
            f'<text x="{left + width - 4}" y="{top + 40}" text-anchor="end" fill="#c33">'
            "query, discard, count by reading</text>",
            f'<text x="{left + width - 4}" y="{top + 120}" text-anchor="end" fill="#27c">this API</text>',
            "</svg>\n",
        ]
    )


if __name__ == "__main__":
    sys.exit(min(1, main()))
