"""Counts of sessions and timelines by time, as trees of small nodes.

The sort key of an item with a time begins with this time. So the keys of one period of time have a common prefix:
`2026`, `2026-11`, `2026-11-24`, `2026-11-24T09:30`. Each scope has one tree. A scope is a set of counted items, such as
the sessions of one owner, the sessions of one timeline, or all timelines. The nodes count a year by month, a month by
day, and a day by minute. A node counts the sessions of each type separately. A day has 1,440 minutes, so a node has at
most 1,440 counts for each type. Examples:

    node "Y#2026"        {"ONE_TIME": {"-11": 7}, "RECURRING": {"-11": 1}}
    node "M#2026-11"     {"ONE_TIME": {"-24": 3, ...}, ...}
    node "D#2026-11-24"  {"ONE_TIME": {"T09:30": 1, ...}, ...}

Before 1900 and after 2199, the periods are longer: century, decade, month and hour. Otherwise a scope could have 9,999
top nodes, one for each year. Sessions without a start are counted by the first characters of their ids.

DynamoDB's streams report the changes of items. For each change, `count_by_node` subtracts 1 from the counts that
include only the old state of the item. The function adds 1 to the counts that include only the new state. The sums do
not depend on the order of the changes.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise, product
from typing import Any, NamedTuple

from scheduling.domain.session import UNDATED_KEY

ALL_SESSIONS = "ALL"
ALL_TIMELINES = "TIMELINES#ALL"
TIMELINES = "TIMELINE"
"""The kind under which a node counts timelines. A node counts a session under the type of the session."""

COUNTED_FIELDS = ("startKey", "createdKey", "ownerId", "timelineId", "type")
"""The fields that decide in which nodes a session or timeline is counted."""

_NODES = "YMD"
"""The first letter of a node's name: `Y` on the top level, `M` on the middle level, `D` on the lowest level."""

Counts = Mapping[str, Mapping[str, int]]
"""The counts of one node, by kind and by period. The key of a period leaves out the prefix of the node. For example,
the node `Y#2026` counts November 2026 under `-11`."""
Image = Mapping[str, Any]
"""A session or timeline before or after a change, with at least its COUNTED_FIELDS."""


class Node(NamedTuple):
    """The address of a node."""

    scope: str
    name: str

    @property
    def prefix(self) -> str:
        """Return the prefix of the period that the node counts."""
        return self.name.partition("#")[2]


class Change(NamedTuple):
    """A change of one session or timeline."""

    old: Image | None
    new: Image | None


Steps = Mapping[str, Mapping[str, int]]
"""The numbers to add to the counts of one node, under the same keys as `Counts`."""


class Path(NamedTuple):
    """The prefixes under which a sort key is counted, from the longest period to the shortest."""

    root: str
    branch: str
    twig: str
    leaf: str


def sessions_of_owner(owner_id: str) -> str:
    """Return the scope of an owner's sessions."""
    return f"OWNER#{owner_id}"


def sessions_of_timeline(timeline_id: str) -> str:
    """Return the scope of a timeline's sessions."""
    return f"TIMELINE#{timeline_id}"


def timelines_of_owner(owner_id: str) -> str:
    """Return the scope of an owner's timelines, which are counted by their time of creation."""
    return f"TIMELINES#OWNER#{owner_id}"


def path(key: str) -> Path:
    """Return the prefixes under which a sort key is counted. The argument may also be a prefix of a sort key."""
    if key.startswith(UNDATED_KEY):
        return Path(key[:1], key[:2], key[:3], key[:5])
    if len(key) >= 4 and "1900" <= key[:4] < "2200":
        return Path(key[:4], key[:7], key[:10], key[:16])
    return Path(key[:2], key[:3], key[:7], key[:13])


def is_leaf(prefix: str) -> bool:
    """Return whether a period has the shortest possible length. No node counts the parts of such a period."""
    return path(prefix).index(prefix) == len(_NODES)


def node_name(prefix: str) -> str:
    """Return the name of the node that counts the parts of a period, such as the days of a month."""
    return f"{_NODES[path(prefix).index(prefix)]}#{prefix}"


def top(root: str) -> str:
    """Return the name of the top node for a year such as `2026`, or for a century such as `18`."""
    return f"{_NODES[0]}#{root}"


def count_by_node(changes: Iterable[Change]) -> dict[Node, dict[str, Counter[str]]]:
    """Return the numbers that the changes add to each node.

    The result has every node with a count that a change increases or decreases, even if the sum of the changes is zero.
    Then the version of the node increases too. By the version, `tools/recount.py` recognizes that a count has changed.
    """
    steps: dict[Node, dict[str, Counter[str]]] = {}
    for change in changes:
        old, new = set(_find_entries(change.old)), set(_find_entries(change.new))
        for entries, step in ((old - new, -1), (new - old, 1)):
            for node, kind, entry in entries:
                steps.setdefault(node, {}).setdefault(kind, Counter())[entry] += step
    return steps


def add(counts: Counts, steps: Steps) -> dict[str, Counter[str]]:
    """Return the counts of a node after adding `steps`, without zeros. The result is empty if all counts are zero."""
    sums = {kind: Counter(counts.get(kind, {})) for kind in counts.keys() | steps.keys()}
    for kind, entries in steps.items():
        sums[kind].update(entries)
    return _drop_zeros(sums)


def children(prefix: str, counts: Counts, kind: str | None = None) -> Counter[str]:
    """Return the counts of a node by the full prefixes of its children.

    Args:
        prefix: the node's own prefix.
        counts: the counts of the node.
        kind: the kind to count; None for the sum of all kinds.
    """
    sums: Counter[str] = Counter()
    for one, entries in counts.items():
        if kind in (None, one):
            for entry, count in entries.items():
                sums[prefix + entry] += count
    return sums


def _find_entries(image: Image | None) -> Iterator[tuple[Node, str, str]]:
    """Yield each node that counts an item, with the two keys of the count (see `Counts`). Skip a deleted item."""
    if image is None:
        return
    if key := image.get("startKey"):
        kind = image["type"]
        scopes = [
            ALL_SESSIONS,
            sessions_of_owner(image["ownerId"]),
            sessions_of_timeline(image["timelineId"]),
        ]
    elif key := image.get("createdKey"):
        kind, scopes = TIMELINES, [ALL_TIMELINES, timelines_of_owner(image["ownerId"])]
    else:
        return
    for scope, (period, part) in product(scopes, pairwise(path(key))):
        yield Node(scope, node_name(period)), kind, part.removeprefix(period)


def _drop_zeros(kinds: Mapping[str, Counter[str]]) -> dict[str, Counter[str]]:
    nonzero = {
        kind: Counter({entry: count for entry, count in entries.items() if count})
        for kind, entries in kinds.items()
    }
    return {kind: entries for kind, entries in nonzero.items() if entries}
