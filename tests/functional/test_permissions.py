"""Permissions of each request, and of sequences of requests that move or delete a session.

If a caller may not delete a session, no sequence of permitted requests may delete the session, or move the session to
another owner. To print the table of all requests and roles, run
`python -m pytest tests/functional/test_permissions.py -s`.
"""

import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from bench.table import table
from scheduling.http import request_log
from tests.functional.conftest import ADMIN, ANNA, BERT, new_session, one_time
from tests.support.api import Answer, Caller, new_timeline
from tests.support.invariants import breaches
from tests.support.template import ROOT

ROLES = {"USER": "", "MANAGER": "[MANAGER]", "ADMIN": "[ADMIN]"}
MAY_TAKE_AWAY = {("USER", "own"), ("MANAGER", "own"), ("ADMIN", "own"), ("ADMIN", "foreign")}
"""Each role, with the sessions (own or foreign) that the role may delete or move to another owner (docs/guide.md)."""

GONE = "deleted"


FREE = {"startDateTime": None, "endDateTime": None}
DAILY = {"type": "RECURRING", "repeatCycleType": "DAILY"}
WEEK = {"from": "2023-12-15T00:00:00Z", "to": "2023-12-22T00:00:00Z"}


@pytest.fixture(autouse=True)
def _no_log(environment: pytest.MonkeyPatch) -> None:
    """Keep the request log out of the printed table."""
    environment.setattr(request_log.logger().registered_handler, "stream", io.StringIO())


def read_guide() -> dict[str, dict[str, str]]:
    """Read the permission table of the guide. Return `any` or `own` for each action and role.

    `any` means that the role permits the action on the timelines of any owner. `own` means that the role permits the
    action only on the caller's own timelines.
    """
    _, _, after = (ROOT / "docs" / "guide.md").read_text("utf-8").partition("| action |")
    header, _, *lines = after.split("\n\n")[0].splitlines()
    roles = [cell.strip() for cell in header.strip("|").split("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {action: dict(zip(roles, reaches, strict=True)) for action, *reaches in rows}


class Requests:
    """Requests for sessions, occurrences and timelines, without the lists of sessions and timelines.

    `caller` sends the requests, and `owner` owns the timelines.
    """

    numbers = count()
    """Numbers of the series. `_create_series` computes the start of a series from its number.
    The first 72 series do not overlap."""

    def __init__(self, caller: Caller, owner: Caller) -> None:
        self.caller, self.owner = caller, owner

    def all(self) -> dict[str, dict[str, Callable[[], Answer]]]:
        """Return all requests, by action. The actions are those in the permission table of the guide."""
        call = self.caller.call
        name = {"name": "New"}
        return {
            "read a session, an occurrence or a timeline": {
                "GET session": lambda: call("get_session", id=self._create_session()),
                "GET timeline": lambda: call("get_timeline", id=self._create_timeline()),
                "GET occurrences": lambda: call("list_occurrences", query={**WEEK, "ownerId": self.owner.id}),
            },
            "create or change a session, or one occurrence": {
                "POST session": lambda: call(
                    "create_session", body=one_time(self._create_timeline(), **FREE)
                ),
                "PATCH session": lambda: call("update_session", id=self._create_session(), body=name),
                "PATCH occurrence": lambda: call(
                    "update_occurrence", id=self._create_occurrence(), body=name
                ),
                "DELETE occurrence": lambda: call("delete_occurrence", id=self._create_occurrence()),
                "POST split": lambda: call(
                    "split_session", id=self._create_series(), body={"date": "2023-12-17"}
                ),
            },
            "delete or restore a session": {
                "DELETE session": lambda: call("delete_session", id=self._create_session()),
                "POST restore": lambda: call("restore_session", id=self._create_deleted_session()),
                "PATCH session to a third owner": lambda: self._move_session(ADMIN),
            },
            "create, change or delete a timeline": {
                "POST timeline": lambda: call("create_timeline", body={**name, "ownerId": self.owner.id}),
                "PATCH timeline": lambda: call("update_timeline", id=self._create_timeline(), body=name),
                "DELETE timeline": lambda: call("delete_timeline", id=self._create_timeline()),
            },
        }

    def _create_timeline(self) -> str:
        return new_timeline(self.owner)

    def _create_session(self, **fields: Any) -> str:
        id: str = new_session(self.owner, self._create_timeline(), **{**FREE, **fields})["id"]
        return id

    def _create_deleted_session(self) -> str:
        id = self._create_session()
        ADMIN.call("delete_session", id=id)
        return id

    def _create_series(self) -> str:
        start = datetime(2023, 12, 15, tzinfo=UTC) + next(self.numbers) * timedelta(minutes=20)
        times = {
            "startDateTime": start.isoformat(),
            "endDateTime": (start + timedelta(minutes=9)).isoformat(),
        }
        return self._create_session(**DAILY, **times)

    def _create_occurrence(self) -> str:
        return f"{self._create_series()}/2023-12-16"

    def _move_session(self, third: Caller) -> Answer:
        body = {"timelineId": new_timeline(third)}
        return self.caller.call("update_session", id=self._create_session(), body=body)


def test_each_request_is_permitted_or_forbidden_as_in_the_permission_table_of_the_guide(tables: Any) -> None:
    rows, wrong = [], []
    expected = read_guide()
    for action in expected:
        for name in Requests(ANNA, ANNA).all()[action]:
            row = [name]
            for role, claim in ROLES.items():
                caller = Caller("eve", claim)
                for whose, owner in (("own", caller), ("any", ANNA)):
                    answer = Requests(caller, owner).all()[action][name]()
                    row.append("yes" if answer.status == 200 else f"{answer.status}")
                    permitted = expected[action][role] in ("any", whose)
                    if name.endswith("third owner") and role == "USER":
                        permitted = False  # a USER may not write to a timeline of the third owner
                    if answer.status != (200 if permitted else 403):
                        wrong.append((role, whose, name, answer))
            rows.append(row)
    header = ["request", *(f"{role}, {whose}" for role in ROLES for whose in ("own", "another's"))]
    print(f"\n{table(header, rows)}")
    assert wrong == []
    assert Requests(ANNA, ANNA).all().keys() == expected.keys()
    assert breaches(tables) == []


class StepSearch:
    """Search for sequences of permitted requests. Each request ("step") moves or deletes a session."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.timelines = {
            f"{name}'s {which}": (name, new_timeline(owner))
            for name, owner in (("own", caller), ("anna", ANNA), ("bert", BERT))
            for which in ("first", "second")
        }

    def find_reachable(self, place: str) -> dict[str, list[str]]:
        """Return the places to which the caller can bring a session from `place`, each with the steps to get there.

        A place is a timeline, or `GONE` for a deleted session.
        """
        paths: dict[str, list[str]] = {place: []}
        waiting = [place]
        while waiting:
            start = waiting.pop(0)
            for step, goal in self._find_permitted_steps(start):
                if goal not in paths:
                    paths[goal] = [*paths[start], step]
                    waiting.append(goal)
        return paths

    def _find_permitted_steps(self, place: str) -> Iterator[tuple[str, str]]:
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
def test_a_caller_who_may_not_delete_a_session_cannot_move_it_to_another_owner_by_several_requests(
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
