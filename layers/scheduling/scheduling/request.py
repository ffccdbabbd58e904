"""What an endpoint was asked, once it is known to be well formed."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from scheduling.auth import Principal
from scheduling.errors import PreconditionFailed


class Idempotency(NamedTuple):
    """A client's promise that all requests with this key are one and the same."""

    id: str
    """Names the principal, the route and the key."""
    fingerprint: str
    """Names the body."""


class Request(NamedTuple):
    """What an endpoint was asked, once it is known to be well formed."""

    principal: Principal
    id: str
    """The id in the path; empty where the path has none."""
    fields: Mapping[str, Any]
    """What the body or the query said, validated."""
    now: datetime
    new_id: str
    """An id for what the request creates; empty if that is not what it is for."""
    tally: dict[str, int]
    """What happened on the way that an operator wants to count."""
    if_match: frozenset[str] | None = None
    """The entity tags of which the present one must be one (RFC 9110, section 13.1.1)."""
    idempotency: Idempotency | None = None

    @property
    def stamp(self) -> str:
        """The time of the request as clients see it: UTC, milliseconds, `Z`."""
        return self.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def after(self, days: int) -> int:
        """The epoch second so many days later."""
        return int((self.now + timedelta(days=days)).timestamp())

    def expect(self, etag: str) -> None:
        """Raises PreconditionFailed unless that entity tag is one the client would change."""
        if self.if_match is not None and not self.if_match & {"*", etag}:
            raise PreconditionFailed


def idempotency(principal: Principal, route: str, key: str, fields: Mapping[str, Any]) -> Idempotency:
    """The record of a request with an Idempotency-Key."""
    return Idempotency(_digest([principal.id, route, key]), _digest(fields))


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
