"""Retries of use cases after write conflicts."""

import time
from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from scheduling.errors import RetriesExhausted
from scheduling.services.request import Request
from scheduling.store.calendars import Calendar
from scheduling.store.client import ItemKey, WriteConflict, backoff_pauses
from scheduling.telemetry import telemetry

T = TypeVar("T")

ATTEMPTS = 10
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 3.0
"""The pauses are long, because an early retry would conflict with the same writers again (see `bench.contention`)."""


class RetryState:
    """State that a request keeps from one attempt to the next."""

    def __init__(self, deadline: float) -> None:
        self.calendar = Calendar(deadline)
        self.lost: set[ItemKey] = set()
        """The keys of items whose conditions failed in an earlier attempt, and that DynamoDB did not return.

        If the operation on such an item was an update, the item does not exist."""


def retry_on_conflict(operation: Callable[[Request, RetryState], T]) -> Callable[[Request], T]:
    """Retry a use case after write conflicts, with exponential backoff and jitter.

    Raises:
        RetriesExhausted: the last attempt ended in a write conflict, or no time was left for another attempt.
        DecisionTooLong: the deadline passed during a conflict check.
    """

    @wraps(operation)
    def run_attempts(request: Request) -> T:
        state = RetryState(request.deadline)
        pauses = backoff_pauses(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
        for number, pause in enumerate(pauses, 1):
            try:
                return operation(request, state)
            except WriteConflict as conflict:
                telemetry.record_retry()
                state.lost |= {key for key, item in conflict.items.items() if item is None}
            if number == ATTEMPTS or time.monotonic() + pause > request.deadline:
                break
            time.sleep(pause)
        raise RetriesExhausted

    return run_attempts
