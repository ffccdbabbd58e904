"""Permissions of callers with several roles, and of callers without a known role.

tests/functional/test_timelines.py, tests/functional/test_permissions.py and tests/e2e/test_permissions.py check the
permissions of each role with requests.
"""

import pytest

from scheduling.domain.permissions import Action, Principal, Reach, may, reaches, require
from scheduling.errors import Forbidden


def caller(*roles: str) -> Principal:
    """Return the principal Ada with these roles."""
    return Principal("ada", frozenset(roles))


def test_a_user_may_read_only_own_timelines_and_an_admin_may_read_any_timeline() -> None:
    assert may(caller("USER"), Action.READ, "ada")
    assert not may(caller("USER"), Action.READ, "bob")
    assert may(caller("ADMIN"), Action.READ, "bob")


@pytest.mark.parametrize("action", Action)
def test_a_caller_with_several_roles_has_the_widest_permission(action: Action) -> None:
    assert reaches(caller("USER", "ADMIN"), action) is Reach.ANY
    assert reaches(caller("USER", "MANAGER"), action) is reaches(caller("MANAGER"), action)


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("roles", [(), ("OWNER",), ("admin",)])
def test_a_caller_without_a_known_role_may_do_nothing(roles: tuple[str, ...], action: Action) -> None:
    assert reaches(caller(*roles), action) is None
    assert not may(caller(*roles), action, "ada")


def test_require_raises_forbidden_unless_the_action_is_granted() -> None:
    require(caller("USER"), Action.READ, "ada")
    with pytest.raises(Forbidden):
        require(caller("USER"), Action.READ, "bob")
