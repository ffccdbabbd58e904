"""Idempotency of requests with an Idempotency-Key.

A repeated request gets the answer to the first request, even after the session or timeline was changed or deleted.
So the client learns the effect of its own request. Only a caller who may still read the timeline gets the answer.
"""

from collections.abc import Callable, Mapping
from typing import Any

from scheduling.domain.permissions import Action, require
from scheduling.errors import ApiError, IdempotencyKeyReused
from scheduling.services.request import Request
from scheduling.services.results import EntityResult
from scheduling.store import idempotency
from scheduling.store.transactions import Operation

_DAYS = 1


def find_answer(request: Request) -> EntityResult | None:
    """Return the answer to an earlier request with the same key and the same body; None if there is none.

    Raises:
        IdempotencyKeyReused: the earlier request had another body.
        Forbidden: the caller has lost the right to read the timeline.
    """
    if request.idempotency is None:
        return None
    record = idempotency.find(request.idempotency.id, request.epoch_after(days=0))
    if record is None:
        return None
    if record["fingerprint"] != request.idempotency.fingerprint:
        raise IdempotencyKeyReused
    require(request.principal, Action.READ, record["answer"]["ownerId"])
    return EntityResult(record["answer"], replayed=True)


def answer_once(request: Request, operation: Callable[[], EntityResult]) -> EntityResult:
    """Return the answer to an earlier request with the same key, else call the operation.

    The operation may fail because the client sent the request twice at once and the other request succeeded. In that
    case, the answer to the other request is returned.
    """
    if answer := find_answer(request):
        return answer
    try:
        return operation()
    except ApiError:
        if answer := find_answer(request):
            return answer
        raise


def save_answer(request: Request, answer: Mapping[str, Any]) -> list[Operation]:
    """Build the write of the answer; an empty list for a request without an Idempotency-Key."""
    if request.idempotency is None:
        return []
    record: idempotency.IdempotencyRecord = {
        "id": request.idempotency.id,
        "fingerprint": request.idempotency.fingerprint,
        "answer": answer,
        "expiresAt": request.epoch_after(days=_DAYS),
    }
    return [idempotency.save(record, request.epoch_after(days=0))]
