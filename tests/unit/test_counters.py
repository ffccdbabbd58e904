"""Counts of sessions and timelines by time, and changes that update these counts."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.domain import counters
from scheduling.domain.counters import (
    Change,
    Counts,
    Node,
    Path,
    add,
    children,
    count_by_node,
    is_leaf,
    node_name,
    path,
)

STARTS = [
    "~",
    "0532-11-03T10:00",
    "1899-12-31T23:59",
    "1900-01-01T00:00",
    "2026-11-24T09:29",
    "2026-11-24T09:30",
    "2200-01-01T00:00",
]

images = st.none() | st.builds(
    lambda start, owner, timeline, kind: {
        "startKey": f"{start}#3fa9" if start == "~" else f"{start}:00.000000Z#3fa9",
        "ownerId": owner,
        "timelineId": timeline,
        "type": kind,
    },
    st.sampled_from(STARTS),
    st.sampled_from(["anna", "bert"]),
    st.sampled_from(["yoga", "chess"]),
    st.sampled_from(["ONE_TIME", "RECURRING"]),
)
histories = st.lists(st.lists(images, min_size=1, max_size=5), max_size=8)
"""Strategy for the histories of several items. A history is the list of all states of one item, in their order. If the
item does not exist, its state is None.
"""


def changes(states: list[Any]) -> list[Change]:
    """Return the change from each state of an item to the next state."""
    return [Change(old, new) for old, new in zip([None, *states], states, strict=False)]


def add_changes(trees: dict[Node, Counts], some: list[Change]) -> dict[Node, Counts]:
    """Return the trees after some changes. Omit nodes without counts."""
    after = dict(trees)
    for node, steps in count_by_node(some).items():
        after[node] = add(trees.get(node, {}), steps)
    return {node: counts for node, counts in after.items() if counts}


@given(histories, st.integers(1, 7), st.randoms())
def test_the_counts_do_not_depend_on_the_order_and_the_batches_of_the_changes(
    history: list[list[Any]], size: int, random: Any
) -> None:
    every = [change for states in history for change in changes(states)]
    random.shuffle(every)
    trees: dict[Node, Counts] = {}
    for first in range(0, len(every), size):
        trees = add_changes(trees, every[first : first + size])
    present = [states[-1] for states in history if states[-1]]
    assert trees == add_changes({}, [Change(None, image) for image in present])
    for scope, those in (
        (counters.ALL_SESSIONS, present),
        *(
            (counters.sessions_of_owner(owner), [image for image in present if image["ownerId"] == owner])
            for owner in ("anna", "bert")
        ),
        *(
            (counters.sessions_of_timeline(id), [image for image in present if image["timelineId"] == id])
            for id in ("yoga", "chess")
        ),
    ):
        for kind in (None, "ONE_TIME", "RECURRING"):
            paths = [path(image["startKey"]) for image in those if kind in (None, image["type"])]
            found: dict[str, Counter[str]] = {"Y": Counter(), "M": Counter(), "D": Counter()}
            for node, counts in trees.items():
                if node.scope == scope:
                    found[node.name[0]].update(children(node.prefix, counts, kind))
            assert found["Y"] == Counter(one.branch for one in paths)
            assert found["M"] == Counter(one.twig for one in paths)
            assert found["D"] == Counter(one.leaf for one in paths)


@pytest.mark.parametrize(
    ("key", "prefixes"),
    [
        ("2026-11-24T09:30:00.000000Z#id", ("2026", "2026-11", "2026-11-24", "2026-11-24T09:30")),
        ("1900-01-01T00:00:00.000000Z#id", ("1900", "1900-01", "1900-01-01", "1900-01-01T00:00")),
        ("2199-12-31T23:59:59.999999Z#id", ("2199", "2199-12", "2199-12-31", "2199-12-31T23:59")),
        ("2200-01-01T00:00:00.000000Z#id", ("22", "220", "2200-01", "2200-01-01T00")),
        ("0532-11-24T09:30:00.000000Z#id", ("05", "053", "0532-11", "0532-11-24T09")),
        ("~#3fa91c", ("~", "~#", "~#3", "~#3fa")),
    ],
)
def test_the_path_of_a_sort_key_has_four_prefixes_of_which_only_the_last_is_a_leaf(
    key: str, prefixes: tuple[str, str, str, str]
) -> None:
    assert path(key) == prefixes
    *divisible, leaf = prefixes
    assert path(leaf) == Path(*prefixes)
    assert is_leaf(leaf)
    assert not any(map(is_leaf, divisible))
    for letter, prefix in zip("YMD", divisible, strict=True):
        node = Node("ALL", node_name(prefix))
        assert node == ("ALL", f"{letter}#{prefix}")
        assert node.prefix == prefix


def test_a_deleted_timeline_is_no_longer_counted() -> None:
    live = {"createdKey": "2026-11-24T09:30:00.000Z#id", "ownerId": "anna"}
    added = count_by_node([Change(None, live)])
    assert {node.scope for node in added} == {"TIMELINES#ALL", "TIMELINES#OWNER#anna"}
    for node, steps in count_by_node([Change(None, live), Change(live, {"ownerId": "anna"})]).items():
        assert add({}, steps) == {}, node
    for node, steps in count_by_node([Change(live, {"ownerId": "anna"})]).items():
        assert add(add({}, added[node]), steps) == {}


def test_changes_that_cancel_each_other_out_still_write_their_nodes() -> None:
    """Each write gives a node a new version. So `tools/recount.py` notices a change even if the counts stay equal."""
    one = {"createdKey": "2026-11-24T09:30:00.000Z#one", "ownerId": "anna"}
    two = {"createdKey": "2026-11-24T09:30:45.000Z#two", "ownerId": "anna"}
    steps = count_by_node([Change(one, None), Change(None, two)])
    assert {node.name for node in steps} == {"Y#2026", "M#2026-11", "D#2026-11-24"}
    assert all(add({}, some) == {} for some in steps.values())


def test_moving_a_session_within_the_same_minute_writes_no_counts() -> None:
    session = {
        "startKey": "2026-11-24T09:30:00.000000Z#id",
        "ownerId": "anna",
        "timelineId": "a",
        "type": "ONE_TIME",
    }
    later = {**session, "startKey": "2026-11-24T09:30:45.000000Z#id"}
    assert count_by_node([Change(session, later)]) == {}
    assert {
        node.name for node in count_by_node([Change(session, {**session, "startKey": "2026-11-24T10:00"})])
    } == {"D#2026-11-24"}
