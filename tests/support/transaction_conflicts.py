"""Simulation of the error TransactionConflict, which DynamoDB Local never returns.

On AWS, a transaction gets this error if another running transaction contains one of the same items. DynamoDB Local runs
transactions one after the other. The simulation intercepts the requests that botocore sends to DynamoDB Local, and
delays each call by the usual duration of a call on AWS.
"""

import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any, cast
from unittest.mock import patch

from botocore.awsrequest import AWSPreparedRequest
from botocore.httpsession import URLLib3Session

from tests.support.delayed_visibility import build_response, operation_of

_KEYS = {"CalendarTable": ("ownerId", "slot")}


class HeldItems:
    """Simulation that keeps the set of all items in running transactions."""

    def __init__(self, call_seconds: float = 0.02, held_seconds: tuple[float, float] = (0.01, 0.02)) -> None:
        self._call_seconds, self._held_seconds = call_seconds, held_seconds
        self._send = URLLib3Session.send
        self._lock = Lock()
        self._held: set[tuple[str, ...]] = set()
        self.operations: Counter[str] = Counter()
        """The number of calls, by operation."""

    @contextmanager
    def install(self) -> Iterator["HeldItems"]:
        """Intercept the requests of all clients of this process."""
        with patch.object(
            URLLib3Session, "send", lambda session, request: self._handle_request(session, request)
        ):
            yield self

    def _handle_request(self, session: Any, request: AWSPreparedRequest) -> Any:
        operation = operation_of(request)
        with self._lock:
            self.operations[operation] += 1
        if operation != "TransactWriteItems":
            time.sleep(self._call_seconds)
            return self._send(session, request)
        items = [_read_key(member) for member in json.loads(cast(bytes, request.body))["TransactItems"]]
        with self._lock:
            conflicts = [item in self._held for item in items]
            if not any(conflicts):
                self._held.update(items)
        if any(conflicts):
            time.sleep(self._call_seconds)
            reasons = [{"Code": "TransactionConflict" if conflict else "None"} for conflict in conflicts]
            body = {
                "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
                "message": "Transaction cancelled",
                "CancellationReasons": reasons,
            }
            return build_response(request, body, 400)
        try:
            held = random.uniform(*self._held_seconds)
            time.sleep(held)
            response = self._send(session, request)
        finally:
            with self._lock:
                self._held.difference_update(items)
        time.sleep(max(0, self._call_seconds - held))
        return response


def _read_key(member: dict[str, Any]) -> tuple[str, ...]:
    ((_, parameters),) = member.items()
    item, table = parameters.get("Item") or parameters["Key"], parameters["TableName"]
    return (table, *(item[name]["S"] for name in _KEYS.get(table, ("id",))))
