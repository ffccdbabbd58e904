"""Reads and writes of the Sessions table."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from scheduling.domain.session import Session, SessionChange, is_live
from scheduling.errors import NotFound
from scheduling.settings import setting
from scheduling.store import descriptions
from scheduling.store.items import Item
from scheduling.store.queries import batch_get, get
from scheduling.store.transactions import Operation, put


def get_existing(id: str) -> Session:
    """Return the session with that id.

    Raises:
        NotFound: no session has that id, or the session was deleted.
    """
    found = cast(Session | None, get(setting("SESSIONS_TABLE"), id=id))
    if found is None or not is_live(found):
        raise NotFound
    return cast(Session, descriptions.to_entity(found))


def find_many(ids: Sequence[str]) -> list[Item]:
    """Return the sessions that exist and are not deleted, in the order of the ids, by eventually consistent reads."""
    found = batch_get(setting("SESSIONS_TABLE"), ids) if ids else []
    by_id = {each["id"]: descriptions.to_entity(each) for each in found if is_live(cast(Session, each))}
    return [by_id[id] for id in ids if id in by_id]


def complete(listed: Sequence[Mapping[str, Any]]) -> list[Item]:
    """Return sessions that were read from an index, with their long descriptions."""
    return descriptions.complete(setting("SESSIONS_TABLE"), listed)


def get_retained(id: str, now: int) -> Session:
    """Return the session with that id. Include a deleted session that clients can still restore.

    Args:
        now: the epoch second of the request. An expired item counts as purged, because DynamoDB purges items later.

    Raises:
        NotFound: no session has that id, or the session was deleted too long ago.
    """
    found = cast(Session | None, get(setting("SESSIONS_TABLE"), id=id))
    if found is None or found.get("expiresAt", now) < now:
        raise NotFound
    return cast(Session, descriptions.to_entity(found))


def is_current(session: Session) -> bool:
    """Return whether the stored session still has the version of a session that was read before."""
    found = get(setting("SESSIONS_TABLE"), id=session["id"])
    return found is not None and found["version"] == session["version"]


def save(change: SessionChange) -> Operation:
    """Build the write of a session, on condition that the session has not changed since it was read."""
    before, after = change
    item = descriptions.to_item(after)
    if before is None:
        return put(setting("SESSIONS_TABLE"), item, "attribute_not_exists(#id)")
    return put(setting("SESSIONS_TABLE"), item, "#version = :version", version=before["version"])
