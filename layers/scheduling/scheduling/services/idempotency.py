"""Idempotency of requests with an Idempotency-Key.

Within one day, a repeated request gets the response to the first successful request, even after the session or
timeline was changed or deleted. So the client learns the effect of its own request. A caller who may no longer read
the timeline gets a 403.
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


def find_response(request: Request) -> EntityResult | None:
    """Return the response to an earlier request with the same key and body. Return None if no response is stored.

    Raises:
        IdempotencyKeyReused: the earlier request had another body or path.
        Forbidden: the caller may no longer read the timeline.
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


def respond_once(request: Request, operation: Callable[[], EntityResult]) -> EntityResult:
    """Return the response to an earlier request with the same key. Call the operation if there was no such request.

    The client may have sent this request twice at the same time. If the other copy succeeded first, the operation may
    fail. Then the function returns the response to the other copy.
    """
    if response := find_response(request):
        return response
    try:
        return operation()
    except ApiError:
        if response := find_response(request):
            return response
        raise


def save_response(request: Request, response: Mapping[str, Any]) -> list[Operation]:
    """Build the write that stores the response. Return an empty list for a request without an Idempotency-Key."""
    if request.idempotency is None:
        return []
    record: idempotency.IdempotencyRecord = {
        "id": request.idempotency.id,
        "fingerprint": request.idempotency.fingerprint,
        "answer": response,
        "expiresAt": request.epoch_after(days=_DAYS),
    }
    return [idempotency.save(record, request.epoch_after(days=0))]
