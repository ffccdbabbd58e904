"""The table of the design, cell by cell."""

import pytest

from scheduling.domain.permissions import Action, Principal, Reach, may, reaches, require
from scheduling.errors import Forbidden

TABLE = {
    Action.READ: {"ADMIN": "any", "MANAGER": "any", "USER": "own"},
    Action.CHANGE_SESSION: {"ADMIN": "any", "MANAGER": "any", "USER": "own"},
    Action.DELETE_SESSION: {"ADMIN": "any", "MANAGER": "own", "USER": "own"},
    Action.CHANGE_TIMELINE: {"ADMIN": "any", "MANAGER": "own", "USER": "own"},
}
CELLS = [(action, role, reach) for action, row in TABLE.items() for role, reach in row.items()]


def caller(*roles: str) -> Principal:
    """Ada, with these roles."""
    return Principal("ada", frozenset(roles))


def test_the_table_here_names_every_action() -> None:
    assert set(TABLE) == set(Action)


@pytest.mark.parametrize(("action", "role", "reach"), CELLS)
def test_a_role_may_do_what_its_cell_says(action: Action, role: str, reach: str) -> None:
    assert may(caller(role), action, "ada")
    assert may(caller(role), action, "bob") is (reach == "any")
    assert reaches(caller(role), action) is Reach(reach)


@pytest.mark.parametrize("action", Action)
def test_the_farthest_of_several_roles_counts(action: Action) -> None:
    assert reaches(caller("USER", "ADMIN"), action) is Reach.ANY
    assert reaches(caller("USER", "MANAGER"), action) is Reach(TABLE[action]["MANAGER"])


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("roles", [(), ("OWNER",), ("admin",)])
def test_a_caller_without_a_known_role_may_do_nothing(roles: tuple[str, ...], action: Action) -> None:
    assert reaches(caller(*roles), action) is None
    assert not may(caller(*roles), action, "ada")


def test_require_raises_forbidden_unless_the_action_is_granted() -> None:
    require(caller("USER"), Action.READ, "ada")
    with pytest.raises(Forbidden):
        require(caller("USER"), Action.READ, "bob")
