"""Results of the use cases: entities as the store returns them, without an envelope."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class EntityResult(NamedTuple):
    """One entity."""

    item: Mapping[str, Any]
    replayed: bool = False
    """True when an earlier request with the same Idempotency-Key created the entity."""


class Page(NamedTuple):
    """One page of a list."""

    items: Sequence[Any]
    """Entities or occurrences, for the view of the endpoint."""
    skip: int
    take: int
    total: int
    """The number of all matches, on every page."""
