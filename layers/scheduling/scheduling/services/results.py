"""Results of the use cases, independent of HTTP."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class EntityResult(NamedTuple):
    """One entity."""

    item: Mapping[str, Any]
    replayed: bool = False
    """True if an earlier request with the same Idempotency-Key created the entity."""


class Page(NamedTuple):
    """One page of a list."""

    items: Sequence[Any]
    """Entities or occurrences. The endpoint applies its view to each item."""
    skip: int
    take: int
    total: int
    """The number of matching items on all pages."""
