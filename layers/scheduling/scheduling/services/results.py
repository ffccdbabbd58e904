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
    """Entities or occurrences. The endpoint applies its view to each of them."""
    skip: int
    take: int
    total: int
    """The number of all matches, not only of those on this page."""
