"""Sessions in their table."""

from scheduling.domain.session import Session
from scheduling.errors import NotFound
from scheduling.settings import setting
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
    return found


def replace(before: Session, after: Session) -> Item:
    return put(setting("SESSIONS_TABLE"), after, "#version = :version", version=before["version"])
