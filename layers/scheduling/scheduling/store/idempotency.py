"""Answers to requests with an Idempotency-Key, each written in the transaction of what it answers.

Powertools' idempotency utility writes its record before and after the work, in calls of their own; a
function that dies in between leaves a record without an effect, or an effect without its answer.
"""

from collections.abc import Mapping
from typing import Any

from scheduling.errors import IdempotencyKeyReused
from scheduling.services.request import Request
from scheduling.services.results import One
from scheduling.settings import setting
from scheduling.store.items import Item
from scheduling.store.queries import get
from scheduling.store.transactions import put

_DAYS = 1


def recall(request: Request) -> One | None:
    """The answer to an earlier request with the same key and the same body.

    Raises:
        IdempotencyKeyReused: the body was another.
    """
    if request.idempotency is None:
        return None
    record = get(setting("IDEMPOTENCY_TABLE"), id=request.idempotency.id)
    if record is None or record["expiresAt"] <= request.epoch_after(days=0):
        return None
    if record["fingerprint"] != request.idempotency.fingerprint:
        raise IdempotencyKeyReused
    return One(record["answer"], replayed=True)


def remember(request: Request, answer: Mapping[str, Any]) -> list[Item]:
    """What the transaction must write besides; it fails where one with the same key was faster."""
    if request.idempotency is None:
        return []
    record = {
        "id": request.idempotency.id,
        "fingerprint": request.idempotency.fingerprint,
        "answer": answer,
        "expiresAt": request.epoch_after(days=_DAYS),
    }
    unused = "attribute_not_exists(#id) OR #expiresAt <= :now"
    return [put(setting("IDEMPOTENCY_TABLE"), record, unused, now=request.epoch_after(days=0))]
