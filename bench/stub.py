"""Stub of DynamoDB with constant or recorded answers. With the stub, a benchmark measures only the function."""

import asyncio
import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from scheduling.domain import session, slots, timeline
from scheduling.store.items import serialize
from tests.support.certificates import LOOPBACK

SESSION_ID = "0b8f4d9c-5a43-4e1f-9d5c-7f1c2b1d3e4f"
TIMELINE_ID = "a1b2c3d4-e5f6-7890-g1h2-i3j4k5l6m7n8"
EMPTY_TIMELINE_ID = "00000000-e5f6-7890-g1h2-i3j4k5l6m7n8"
OWNER_ID = "6c2f1a9e-3b4d-4c5e-8f70-1a2b3c4d5e6f"

_CREATED = "2023-11-20T08:00:00.000Z"


def _build_session(number: int) -> dict[str, Any]:
    fields = {
        "type": "ONE_TIME",
        "timelineId": TIMELINE_ID,
        "name": "Special Workshop",
        "startDateTime": f"2023-12-{number + 1:02}T09:00:00Z",
        "endDateTime": f"2023-12-{number + 1:02}T10:00:00Z",
        "description": "Special workshop event",
    }
    id = SESSION_ID[:-2] + f"{number:02}" if number else SESSION_ID
    return serialize(session.create(fields, id, OWNER_ID, _CREATED))


def _build_timeline(id: str) -> dict[str, Any]:
    counts = {} if id == EMPTY_TIMELINE_ID else _COUNTS
    made = timeline.create({"name": "Yoga"}, id, OWNER_ID, _CREATED)
    return serialize({**made, "sessionCounts": counts})


PAGE = 10
_COUNTS = {"ONE_TIME": PAGE, "RECURRING": 0}
_SESSIONS = [_build_session(number) for number in range(PAGE)]
_TIMELINES = {id: _build_timeline(id) for id in (TIMELINE_ID, EMPTY_TIMELINE_ID)}
_HEAD = serialize(
    {"ownerId": OWNER_ID, "slot": slots.HEAD, "version": 7, "sessionCounts": _COUNTS, "timelineCount": 1}
)


def _build_answer(operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer of a database with one page of sessions and one page of timelines.

    The database has no slots, so new sessions have no conflicts.

    Raises:
        ValueError: the functions that are measured do not send such a request.
    """
    match operation, request.get("TableName"):
        case "GetItem", "SessionsTable":
            return {"Item": _SESSIONS[0]}
        case "GetItem", "TimelinesTable":
            return {"Item": _TIMELINES[request["Key"]["id"]["S"]]}
        case "GetItem", "CalendarTable":
            return {"Item": _HEAD} if request["Key"]["slot"]["S"] == slots.HEAD else {}
        case "Query", "SessionsTable":
            return _build_query_answer(_SESSIONS)
        case "Query", "TimelinesTable":
            return _build_query_answer([_TIMELINES[TIMELINE_ID]])
        case "Query", "CalendarTable":
            return _build_query_answer([])
        case (("TransactWriteItems" | "PutItem" | "UpdateItem"), _):
            return {}
    raise ValueError(f"no answer to {operation} {request}")


def _build_query_answer(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Items": items, "Count": len(items), "ScannedCount": len(items)}


class Recording:
    """The recorded answers of DynamoDB to the requests of a client."""

    def __init__(self) -> None:
        self._answers: dict[str, dict[str, Any]] = {}

    def answer(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the recorded answer to a request."""
        return self._answers[_format_request(operation, request)]

    @contextmanager
    def record(self, client: Any) -> Iterator[None]:
        """Record DynamoDB's answers to the client while the context is open."""
        asked = threading.local()

        def note_request(request: Any, **_: object) -> None:
            target = request.headers["X-Amz-Target"]
            name = target.decode() if isinstance(target, bytes) else target
            asked.text = _format_request(name.partition(".")[2], json.loads(request.body))

        def note_answer(response_dict: Mapping[str, Any], **_: object) -> None:
            self._answers[asked.text] = json.loads(response_dict["body"])

        events = client.meta.events
        events.register("before-send.dynamodb", note_request)
        events.register("response-received.dynamodb", note_answer)
        try:
            yield
        finally:
            events.unregister("before-send.dynamodb", note_request)
            events.unregister("response-received.dynamodb", note_answer)


def _format_request(operation: str, request: Mapping[str, Any]) -> str:
    return f"{operation} {json.dumps(request, sort_keys=True)}"


class Stub:
    """A server that answers over TLS at the address `endpoint` while the context is open."""

    endpoint: str

    def __init__(
        self,
        tls: ssl.SSLContext,
        answer: Callable[[str, Mapping[str, Any]], Mapping[str, Any]] = _build_answer,
    ) -> None:
        self._tls = tls
        self._answer = answer
        self.calls: list[tuple[str, dict[str, Any]]] = []
        """The operation and the parameters of each received request."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> "Stub":
        self._thread.start()
        starting = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, LOOPBACK, 0, ssl=self._tls), self._loop
        )
        self._server = starting.result()
        port = self._server.sockets[0].getsockname()[1]
        self.endpoint = f"https://{LOOPBACK}:{port}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = {
                    name.lower(): value.strip()
                    for name, _, value in (line.partition(":") for line in head[1:])
                }
                request = json.loads(await reader.readexactly(int(headers["content-length"])))
                operation = headers["x-amz-target"].partition(".")[2]
                self.calls.append((operation, request))
                body = json.dumps(self._answer(operation, request)).encode()
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\n"
                    b"x-amzn-RequestId: 1\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
                )
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the function has closed the connection
        finally:
            writer.close()
