"""Results of the use cases: entities as they are stored, never an envelope."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class One(NamedTuple):
    """One entity."""

    item: Mapping[str, Any]
    replayed: bool = False
    """True when the entity is the answer to an earlier request with the same Idempotency-Key."""


class Page(NamedTuple):
    """Part of a list."""

    items: Sequence[Mapping[str, Any]]
    skip: int
    take: int
    total: int
    """The number of all matches, on this page or not."""
