"""Permissions: one table of what each role may do, and the functions that apply the table."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from scheduling.errors import Forbidden

ROLES = ("ADMIN", "MANAGER", "USER")


class Principal(NamedTuple):
    """A caller: the `sub` of a verified token, and the roles that the token carries."""

    id: str
    roles: frozenset[str]


class Action(StrEnum):
    """An action on a timeline or its sessions."""

    READ = "read a session, an occurrence or a timeline"
    CHANGE_SESSION = "create or change a session, or one occurrence"
    DELETE_SESSION = "delete or restore a session"
    CHANGE_TIMELINE = "create, change or delete a timeline"


class Reach(StrEnum):
    """The timelines on which a role may perform an action: only the caller's own timelines, or any timeline."""

    OWN = "own"
    ANY = "any"


_TABLE: Mapping[Action, Mapping[str, Reach]] = {
    Action.READ: {"ADMIN": Reach.ANY, "MANAGER": Reach.ANY, "USER": Reach.OWN},
    Action.CHANGE_SESSION: {"ADMIN": Reach.ANY, "MANAGER": Reach.ANY, "USER": Reach.OWN},
    Action.DELETE_SESSION: {"ADMIN": Reach.ANY, "MANAGER": Reach.OWN, "USER": Reach.OWN},
    Action.CHANGE_TIMELINE: {"ADMIN": Reach.ANY, "MANAGER": Reach.OWN, "USER": Reach.OWN},
}


def reaches(principal: Principal, action: Action) -> Reach | None:
    """Return the timelines on which the roles of a principal permit an action.

    Return None if no role of the principal permits the action.
    """
    granted = {_TABLE[action].get(role) for role in principal.roles}
    return Reach.ANY if Reach.ANY in granted else Reach.OWN if Reach.OWN in granted else None


def may(principal: Principal, action: Action, owner_id: str) -> bool:
    """Return whether a principal may perform an action on the timelines of an owner."""
    reach = reaches(principal, action)
    return reach is Reach.ANY or (reach is Reach.OWN and owner_id == principal.id)


def require(principal: Principal, action: Action, owner_id: str) -> None:
    """Raise Forbidden unless the principal may perform the action on the timelines of the owner."""
    if not may(principal, action, owner_id):
        raise Forbidden
