"""Simulation of a calendar table in which slots become readable later than the head of their calendar.

DynamoDB applies the items of a transaction one by one. Between a transaction and a query, DynamoDB guarantees only
read-committed isolation. The simulation also guarantees only read-committed isolation. GetItem returns the current
head. Query and GetItem may return an earlier state of a slot, but a later read never returns an older state than an
earlier read. The conditions of transactions check the current items. The simulation intercepts the requests that
botocore sends to DynamoDB Local.
"""

import json
import random
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from threading import Lock
from typing import Any, cast
from unittest.mock import patch

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.httpsession import URLLib3Session
from urllib3 import HTTPResponse

TABLE, HEAD = "CalendarTable", "HEAD"

Item = dict[str, Any]


class DelayedCalendar:
    """Record of all states of the slots. For each state, the record has the time from which reads return the state.

    Args:
        put_delays: shortest and longest time in seconds until reads return a slot that was put.
        deletion_delays: shortest and longest time in seconds until reads no longer return a deleted slot.
    """

    def __init__(self, *, put_delays: tuple[float, float], deletion_delays: tuple[float, float]) -> None:
        self._delays, self._chance = {"Put": put_delays, "Delete": deletion_delays}, random.Random(1)
        self._send = URLLib3Session.send
        self._lock = Lock()
        self._states: defaultdict[tuple[str, str], list[tuple[float, Item | None]]] = defaultdict(list)

    @contextmanager
    def install(self) -> Iterator[None]:
        """Intercept the requests of all clients of this process."""
        with patch.object(
            URLLib3Session, "send", lambda session, request: self._handle_request(session, request)
        ):
            yield

    def reveal(self) -> None:
        """End the delays of all changes so far. Later changes are delayed again."""
        with self._lock:
            for states in self._states.values():
                states[:] = [(0, states[-1][1])]

    def _handle_request(self, session: Any, request: AWSPreparedRequest) -> Any:
        operation = operation_of(request)
        parameters = json.loads(cast(bytes, request.body) or b"{}")
        if operation == "TransactWriteItems":
            with self._lock:  # record the states in the order of the transactions
                response = self._send(session, request)
                if response.status_code == 200:
                    self._record_states(parameters["TransactItems"])
            return response
        if parameters.get("TableName") == TABLE and operation == "Query":
            return build_response(request, self._run_query(parameters))
        if parameters.get("TableName") == TABLE and operation == "GetItem":
            key = parameters["Key"]
            if key["slot"]["S"] != HEAD:
                item = self._find_visible_item(key["ownerId"]["S"], key["slot"]["S"])
                return build_response(request, {"Item": item} if item else {})
        return self._send(session, request)

    def _record_states(self, operations: list[Item]) -> None:
        for operation in operations:
            ((kind, parameters),) = operation.items()
            if parameters["TableName"] != TABLE or kind not in self._delays:
                continue
            item = parameters.get("Item")
            key = item or parameters["Key"]
            states = self._states[key["ownerId"]["S"], key["slot"]["S"]]
            visible_from = time.monotonic() + self._chance.uniform(*self._delays[kind])
            states.append((max(visible_from, states[-1][0] if states else 0), item))

    def _find_visible_item(self, owner: str, slot: str) -> Item | None:
        now = time.monotonic()
        seen = [item for visible_from, item in self._states.get((owner, slot), ()) if visible_from <= now]
        return seen[-1] if seen else None

    def _run_query(self, parameters: Item) -> Item:
        values = {name: value["S"] for name, value in parameters["ExpressionAttributeValues"].items()}
        with self._lock:
            keys = sorted(
                slot
                for owner, slot in self._states
                if owner == values[":key"] and values[":low"] <= slot <= values[":high"]
            )
        if not parameters.get("ScanIndexForward", True):
            keys.reverse()
        items = [item for key in keys if (item := self._find_visible_item(values[":key"], key))]
        items = items[: parameters.get("Limit")]
        return {"Items": items, "Count": len(items), "ScannedCount": len(items)}


def operation_of(request: AWSPreparedRequest) -> str:
    """Return the DynamoDB operation of a request, such as `Query`."""
    name = request.headers["X-Amz-Target"]
    return (name.decode() if isinstance(name, bytes) else str(name)).partition(".")[2]


def build_response(request: AWSPreparedRequest, body: Item, status: int = 200) -> AWSResponse:
    """Build a response of DynamoDB to a request."""
    headers = {"Content-Type": "application/x-amz-json-1.0", "x-amzn-RequestId": "1"}
    raw = HTTPResponse(
        BytesIO(json.dumps(body).encode()), headers=headers, status=status, preload_content=False
    )
    return AWSResponse(request.url, status, cast(Any, raw.headers), raw)
