"""Responses to requests with an Idempotency-Key, each written in the transaction of its request.

Powertools' idempotency utility is not used, because the utility writes its record in separate calls before and after
the work. If a function stops between the calls, the record exists without the session, or the session without a
response.
"""

from collections.abc import Mapping
from typing import Any, TypedDict, cast

from scheduling.settings import setting
from scheduling.store.queries import get
from scheduling.store.transactions import Operation, put


class IdempotencyRecord(TypedDict):
    """The stored response to a request."""

    id: str
    fingerprint: str
    """A digest of the validated body and the path parameters."""
    answer: Mapping[str, Any]
    """The entity that the request created, in its first version."""
    expiresAt: int
    """The epoch second at which the record expires. DynamoDB deletes the record later."""


def find(id: str, now: int) -> IdempotencyRecord | None:
    """Return the record with that id. Return None if the record does not exist or has expired."""
    record = cast(IdempotencyRecord | None, get(setting("IDEMPOTENCY_TABLE"), id=id))
    return record if record and record["expiresAt"] > now else None


def save(record: IdempotencyRecord, now: int) -> Operation:
    """Build the write of a record, on condition that the table has no unexpired record with the same id."""
    unused = "attribute_not_exists(#id) OR #expiresAt <= :now"
    return put(setting("IDEMPOTENCY_TABLE"), record, unused, now=now)
