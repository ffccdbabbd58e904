"""Retries of use cases after write conflicts."""

import time
from collections.abc import Callable
from functools import wraps
from typing import TypeVar, cast

from scheduling.domain.slots import HEAD, Head
from scheduling.errors import RetriesExhausted
from scheduling.services.request import Request
from scheduling.store.calendars import Calendar
from scheduling.store.client import ItemKey, WriteConflict, backoff_pauses
from scheduling.telemetry import telemetry

T = TypeVar("T")

_ATTEMPTS = 10
_SHORTEST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 3.0


class Attempt:
    """What a request has learned from its earlier attempts."""

    def __init__(self) -> None:
        self.calendar = Calendar()
        self.lost: set[ItemKey] = set()
        """Items that a write expected and that do not exist."""

    def learn(self, conflict: WriteConflict) -> None:
        """Keep what a failed write returned, so that the next attempt reads less."""
        for key, item in conflict.items.items():
            if item is None:
                self.lost.add(key)
            elif item.get("slot") == HEAD:
                self.calendar.remember_head(cast(Head, item))


def retry_on_conflict(operation: Callable[[Request, Attempt], T]) -> Callable[[Request], T]:
    """Make a use case that retries write conflicts with exponential backoff and jitter.

    Raises:
        RetriesExhausted: other writers were faster in every attempt, or the request's deadline has come.
    """

    @wraps(operation)
    def retried(request: Request) -> T:
        attempt = Attempt()
        pauses = backoff_pauses(_SHORTEST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)
        for number, pause in enumerate(pauses, 1):
            try:
                return operation(request, attempt)
            except WriteConflict as conflict:
                telemetry.record_retry()
                attempt.learn(conflict)
            if number == _ATTEMPTS or time.monotonic() + pause > request.deadline:
                break
            time.sleep(pause)
        raise RetriesExhausted

    return retried
