"""How many sessions start in which month: kept with each write, so that no list has to count. Pure.

A timeline carries its own counts. Those of all sessions together lie in a fixed number of shards, by a hash
of the owner, so that the writes of two owners rarely meet.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any
from zlib import crc32

SHARDS = 16

Counts = Mapping[str, int]
"""From a month (`2023-12`, or `none`) to how many start in it."""


def shard(owner_id: str) -> str:
    """The id of the item that counts what that owner's sessions and timelines add to the whole."""
    return shard_id(crc32(owner_id.encode()) % SHARDS)


def shard_id(number: int) -> str:
    """The id of a shard. No timeline has such an id: `#` cannot be part of one."""
    return f"COUNTS#{number}"


def total(counts: Iterable[Counts]) -> dict[str, int]:
    """The counts of several together, without empty months."""
    sums: Counter[str] = Counter()
    for one in counts:
        sums.update(one)
    return {month: count for month, count in sums.items() if count > 0}


def of_kind(kind: str, item: Mapping[str, Any]) -> dict[str, int]:
    """The counts of `sessions` or `timelines` in a shard."""
    start = f"{kind}#"
    return {name.removeprefix(start): count for name, count in item.items() if name.startswith(start)}


class Changes:
    """What the change of one session adds and takes away."""

    def __init__(self, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> None:
        self.timelines: dict[tuple[str, str], Counter[str]] = {}
        """By the timeline's id and owner."""
        self.shards: dict[str, Counter[str]] = {}
        for session, step in ((before, -1), (after, 1)):
            if session is None:
                continue
            month, owner = session["startMonth"], session["ownerId"]
            self.timelines.setdefault((session["timelineId"], owner), Counter())[month] += step
            self.shards.setdefault(shard(owner), Counter())[f"sessions#{month}"] += step
        self.timelines = {
            key: nonzero for key, steps in self.timelines.items() if (nonzero := _nonzero(steps))
        }
        self.shards = {key: nonzero for key, steps in self.shards.items() if (nonzero := _nonzero(steps))}


def _nonzero(steps: Counter[str]) -> Counter[str]:
    return Counter({name: step for name, step in steps.items() if step})
