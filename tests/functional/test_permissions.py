"""Permissions of sequences: permitted steps never lead to a forbidden result."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.functional.conftest import ADMIN, ANNA, BERT, new_session
from tests.support.api import Answer, Caller, new_timeline
from tests.support.invariants import breaches

ROLES = {"USER": "", "MANAGER": "[MANAGER]", "ADMIN": "[ADMIN]"}
MAY_TAKE_AWAY = {("USER", "own"), ("MANAGER", "own"), ("ADMIN", "own"), ("ADMIN", "foreign")}
"""Who may delete a session, or move the session to another owner (docs/guide.md)."""

GONE = "deleted"


class StepSearch:
    """Search for the sequences of moves and deletions that a caller may apply to a session."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.timelines = {
            f"{name}'s {which}": (name, new_timeline(owner))
            for name, owner in (("own", caller), ("anna", ANNA), ("bert", BERT))
            for which in ("first", "second")
        }

    def find_reachable(self, place: str) -> dict[str, list[str]]:
        """Return the timelines that a session on `place` can reach, each with the steps to the timeline."""
        paths: dict[str, list[str]] = {place: []}
        waiting = [place]
        while waiting:
            start = waiting.pop(0)
            for step, goal in self._permitted_steps(start):
                if goal not in paths:
                    paths[goal] = [*paths[start], step]
                    waiting.append(goal)
        return paths

    def _permitted_steps(self, place: str) -> Iterator[tuple[str, str]]:
        if place == GONE:
            return
        for goal in [*self.timelines, GONE]:
            _, timeline = self.timelines[place]
            id = new_session(ADMIN, timeline, startDateTime=None, endDateTime=None)["id"]
            if self._take_step(id, goal).status == 200:
                yield ("delete" if goal == GONE else f"move to {goal}"), goal

    def _take_step(self, id: str, goal: str) -> Answer:
        if goal == GONE:
            return self.caller.call("delete_session", id=id)
        return self.caller.call("update_session", id=id, body={"timelineId": self.timelines[goal][1]})


@pytest.mark.parametrize("role", ROLES)
def test_no_sequence_of_permitted_steps_moves_a_session_away_without_the_delete_permission(
    tables: Any, role: str
) -> None:
    steps = StepSearch(Caller("eve", ROLES[role]))
    print()
    for place, whose in (("own's first", "own"), ("anna's first", "foreign")):
        owner = steps.timelines[place][0]
        paths = steps.find_reachable(place)
        away = {
            goal: path for goal, path in paths.items() if goal == GONE or steps.timelines[goal][0] != owner
        }
        print(
            f"{role:8}{whose:8} session: ", {goal: " > ".join(path) for goal, path in away.items()} or "stays"
        )
        assert bool(away) == ((role, whose) in MAY_TAKE_AWAY)
        assert (GONE in paths) == ((role, whose) in MAY_TAKE_AWAY)
    assert breaches(tables) == []
