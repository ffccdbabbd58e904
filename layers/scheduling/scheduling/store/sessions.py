"""Sessions in their table."""

from collections.abc import Mapping, Sequence
from typing import Any

from scheduling.domain.session import Session
from scheduling.errors import NotFound
from scheduling.settings import setting
from scheduling.store import descriptions
from scheduling.store.items import Item
from scheduling.store.queries import get
from scheduling.store.transactions import put


def get_existing(id: str) -> Session:
    """The session with that id.

    Raises:
        NotFound: there is none, or no longer.
    """
    found = get(setting("SESSIONS_TABLE"), id=id)
    if found is None or "startKey" not in found:
        raise NotFound
    return descriptions.to_entity(found)


def complete(listed: Sequence[Mapping[str, Any]]) -> list[Session]:
    """Return sessions that an index listed, each with its description."""
    return descriptions.complete(setting("SESSIONS_TABLE"), listed)


def insert(new: Session) -> Item:
    return put(setting("SESSIONS_TABLE"), descriptions.to_item(new), "attribute_not_exists(#id)")


def replace(before: Session, after: Session) -> Item:
    return put(
        setting("SESSIONS_TABLE"),
        descriptions.to_item(after),
        "#version = :version",
        version=before["version"],
    )
