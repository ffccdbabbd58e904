"""Requests to the use cases."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from scheduling.domain.permissions import Principal
from scheduling.errors import NotFound, PreconditionFailed


class Idempotency(NamedTuple):
    """The identity of a request that the client may send several times."""

    id: str
    """A digest of the principal, the route and the key."""
    fingerprint: str
    """A digest of the validated body and the path parameters."""


class Request(NamedTuple):
    """A valid request to a use case. Nothing in this class depends on HTTP."""

    principal: Principal
    path: Mapping[str, str]
    """The path parameters, such as `sessionId`."""
    fields: Mapping[str, Any]
    """The validated fields of the body and the query."""
    now: datetime
    new_id: str = ""
    """The id for the entity that the request creates; empty if the request creates no entity."""
    expected_versions: frozenset[int] | None = None
    """The versions of the entity that the client accepts; None for all versions."""
    idempotency: Idempotency | None = None
    dry_run: bool = False
    """True if the use case must check the request and write nothing."""
    deadline: float = float("inf")
    """The value of `time.monotonic()` after which the use case stops comparing slots and starts no further retry."""

    @property
    def id(self) -> str:
        """Return the id in the path. Raise NotFound if the path has no id, as in a malformed direct invocation."""
        for id in self.path.values():
            return id
        raise NotFound

    def parameter(self, name: str) -> str:
        """Return a path parameter. Raise NotFound if the path does not have the parameter."""
        if name not in self.path:
            raise NotFound
        return self.path[name]

    @property
    def timestamp(self) -> str:
        """Return the time of the request in UTC with milliseconds, such as `2026-11-24T09:00:00.000Z`."""
        return self.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def epoch_after(self, days: int) -> int:
        """Return the epoch second `days` days after the request."""
        return int((self.now + timedelta(days=days)).timestamp())

    def check_version(self, version: int) -> None:
        """Raise PreconditionFailed unless the client accepts this version of the entity."""
        if self.expected_versions is not None and version not in self.expected_versions:
            raise PreconditionFailed


def identify_retries(principal: Principal, route: str, key: str, fields: Mapping[str, Any]) -> Idempotency:
    """Return the identity of a request with an Idempotency-Key.

    Args:
        fields: the validated fields and the path parameters.
    """
    return Idempotency(_digest([principal.id, route, key]), _digest(fields))


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
