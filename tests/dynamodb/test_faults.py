"""Injected faults of DynamoDB and the network, which never cause a partial write.

Each test makes DynamoDB calls of one request fail: one call, one call and all later calls, or two calls. A request that
writes gets a 200 only if its write took effect. Any other answer is a 503 with `Retry-After`.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from itertools import combinations, count, product
from typing import Any, NamedTuple

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from botocore.httpsession import URLLib3Session
from urllib3 import HTTPResponse
from urllib3.exceptions import ProtocolError

from scheduling.domain.session import view as session_view
from scheduling.domain.timeline import view as timeline_view
from scheduling.store.items import deserialize, serialize
from tests.support.api import Answer, Caller
from tests.support.delayed_visibility import build_response, operation_of
from tests.support.invariants import breaches

ANNA, ROOT = Caller("anna"), Caller("root", "[ADMIN]")
BODY = {
    "type": "ONE_TIME",
    "name": "Workshop",
    "startDateTime": "2023-12-15T14:00:00Z",
    "endDateTime": "2023-12-15T16:00:00Z",
}
WEEKLY = {
    "type": "RECURRING",
    "name": "Yoga",
    "startDateTime": "2023-12-01T09:00:00Z",
    "endDateTime": "2023-12-01T10:00:00Z",
    "repeatCycleType": "WEEKLY",
}
MOVED = {"startDateTime": "2024-01-15T14:00:00Z", "endDateTime": "2024-01-15T16:00:00Z"}
TABLES = ("SessionsTable", "TimelinesTable", "CalendarTable", "IdempotencyTable")
FOREVER = range(10_000)

Send = Callable[[AWSPreparedRequest], Any]
Fault = Callable[[AWSPreparedRequest, Send], Any]
Tables = dict[str, list[dict[str, Any]]]


def _build_error(request: AWSPreparedRequest, status: int, error: str, **more: object) -> AWSResponse:
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{error}", "message": "injected", **more}
    return build_response(request, body, status)


def throttle(request: AWSPreparedRequest, _: Send) -> Any:
    if operation_of(request) == "TransactWriteItems":
        reasons = [{"Code": "ThrottlingError", "Message": "injected"}]
        return _build_error(request, 400, "TransactionCanceledException", CancellationReasons=reasons)
    return _build_error(request, 400, "ProvisionedThroughputExceededException")


def conflict_with_another_transaction(request: AWSPreparedRequest, send: Send) -> Any:
    match operation_of(request):
        case "TransactWriteItems":
            reasons = [{"Code": "None"}, {"Code": "TransactionConflict", "Message": "injected"}]
            return _build_error(request, 400, "TransactionCanceledException", CancellationReasons=reasons)
        case "PutItem":
            return _build_error(request, 400, "TransactionConflictException")
    return send(request)  # DynamoDB rejects no GetItem and no Query because of a running transaction


def answer_500(request: AWSPreparedRequest, _: Send) -> Any:
    return _build_error(request, 500, "InternalServerError")


def send_and_answer_500(request: AWSPreparedRequest, send: Send) -> Any:
    send(request)
    return _build_error(request, 500, "InternalServerError")


def time_out(request: AWSPreparedRequest, _: Send) -> Any:
    raise ReadTimeoutError(endpoint_url=request.url)


def send_and_time_out(request: AWSPreparedRequest, send: Send) -> Any:
    send(request)
    raise ReadTimeoutError(endpoint_url=request.url)


def reset_connection(request: AWSPreparedRequest, _: Send) -> Any:
    raise ConnectionClosedError(endpoint_url=request.url)


def send_and_cut_reply(request: AWSPreparedRequest, send: Send) -> Any:
    """Send the request, and cut the reply after the first half of its body."""
    whole = send(request).content
    raw = HTTPResponse(
        BytesIO(whole[: len(whole) // 2]),
        headers={"Content-Length": str(len(whole))},
        status=200,
        preload_content=False,
    )
    with pytest.raises(ProtocolError) as noticed:
        assert AWSResponse(request.url, 200, raw.headers, raw).content is None
    raise ConnectionClosedError(error=noticed.value, request=request, endpoint_url=request.url)


READ_FAULTS = (throttle, answer_500, time_out, reset_connection, send_and_cut_reply)
WRITE_FAULTS = (*READ_FAULTS, conflict_with_another_transaction, send_and_answer_500, send_and_time_out)
PAIRED_READ_FAULTS = (time_out,)
PAIRED_WRITE_FAULTS = (throttle, conflict_with_another_transaction, time_out, send_and_time_out)
"""Faults for tests in which two calls fail. The faults differ in their effect on the tables, and in the code that
retries the call: botocore or the layer."""

READS = {"GetItem", "BatchGetItem", "Query"}


class Faults:
    """Injector of faults into requests to DynamoDB. The plan maps the number of a request to its fault."""

    def __init__(self, send: Callable[[Any, AWSPreparedRequest], Any]) -> None:
        self._send = send
        self.set({})

    def set(self, plan: Mapping[int, Fault]) -> None:
        """Replace the plan, and count requests from 0 again."""
        self.plan = plan
        self.operations: dict[int, str] = {}
        self._numbers = count()

    def send(self, session: Any, request: AWSPreparedRequest) -> Any:
        number = next(self._numbers)
        self.operations[number] = operation_of(request)

        def forward(asked: AWSPreparedRequest) -> Any:
            return self._send(session, asked)

        fault = self.plan.get(number)
        return fault(request, forward) if fault else forward(request)


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Faults:
    """Install a fault injector with an empty plan, and skip the pauses between attempts."""
    installed = Faults(URLLib3Session.send)
    monkeypatch.setattr(URLLib3Session, "send", lambda session, request: installed.send(session, request))
    monkeypatch.setattr(time, "sleep", lambda _: None)
    return installed


class Home(NamedTuple):
    """State before a request: a timeline of Anna's with two sessions, and an empty timeline."""

    timeline: str
    empty_timeline: str
    series: str
    session: str


class Case(NamedTuple):
    """Request that a test sends, and whether the request writes."""

    name: str
    caller: Caller
    function: str
    arguments: Callable[[Home], Mapping[str, Any]]
    writes: bool = True


CASES = [
    Case(
        "create_session", ANNA, "create_session", lambda home: {"body": {**BODY, "timelineId": home.timeline}}
    ),
    Case(
        "create_session_with_a_key",
        ANNA,
        "create_session",
        lambda home: {"body": {**BODY, "timelineId": home.timeline}, "headers": {"idempotency-key": "k"}},
    ),
    Case(
        "create_a_series",
        ANNA,
        "create_session",
        lambda home: {"body": {**WEEKLY, **MOVED, "timelineId": home.timeline}},
    ),
    Case("get_session", ANNA, "get_session", lambda home: {"id": home.session}, writes=False),
    Case(
        "list_sessions",
        ANNA,
        "list_sessions",
        lambda home: {"query": {"timelineId": home.timeline}},
        writes=False,
    ),
    Case("list_all_sessions", ROOT, "list_sessions", lambda home: {}, writes=False),
    Case(
        "rename_session", ANNA, "update_session", lambda home: {"id": home.session, "body": {"name": "New"}}
    ),
    Case("move_session", ANNA, "update_session", lambda home: {"id": home.session, "body": MOVED}),
    Case(
        "move_session_elsewhere",
        ANNA,
        "update_session",
        lambda home: {
            "id": home.session,
            "body": {**MOVED, "timelineId": home.empty_timeline},
            "headers": {"if-match": '"1"'},
        },
    ),
    Case("delete_session", ANNA, "delete_session", lambda home: {"id": home.session}),
    Case("create_timeline", ANNA, "create_timeline", lambda home: {"body": {"name": "New"}}),
    Case("get_timeline", ANNA, "get_timeline", lambda home: {"id": home.timeline}, writes=False),
    Case("list_timelines", ANNA, "list_timelines", lambda home: {}, writes=False),
    Case("list_all_timelines", ROOT, "list_timelines", lambda home: {}, writes=False),
    Case(
        "rename_timeline",
        ANNA,
        "update_timeline",
        lambda home: {"id": home.timeline, "body": {"name": "New"}},
    ),
    Case("delete_timeline", ANNA, "delete_timeline", lambda home: {"id": home.empty_timeline}),
]
WRITES = [case for case in CASES if case.writes]
EVERY_CASE = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


class Trial:
    """Request that is sent once with each plan of faults. The tables are restored after each attempt."""

    def __init__(self, client: Any, faults: Faults, case: Case) -> None:
        self._client, self._faults, self._case = client, faults, case
        timelines = [ANNA.call("create_timeline", body={"name": name}).data["id"] for name in ("One", "Two")]
        installed = [
            ANNA.call("create_session", body={**body, "timelineId": timelines[0]}).data["id"]
            for body in (
                WEEKLY,
                {**BODY, "startDateTime": "2023-12-14T14:00:00Z", "endDateTime": "2023-12-14T15:00:00Z"},
            )
        ]
        self._home = Home(*timelines, *installed)
        self._before = self._read_tables()
        answer = self.attempt({})
        assert answer.status == 200, answer
        self._operations = self.operations
        self.calls = len(self._operations)
        assert self.calls > 0

    def choose(
        self, number: int, read_faults: Sequence[Fault], write_faults: Sequence[Fault]
    ) -> Sequence[Fault]:
        """Return `read_faults` if the call reads, and `write_faults` otherwise."""
        return read_faults if self._operations.get(number) in READS else write_faults

    def attempt(self, plan: Mapping[int, Fault]) -> Answer:
        """Send the request with the faults, check the result, and return the answer.

        `operations` then has the DynamoDB operations of this attempt by number.
        """
        self._faults.set(plan)
        answer = self._case.caller.call(self._case.function, **self._case.arguments(self._home))
        self.operations = self._faults.operations
        self._faults.set({})
        after = self._read_tables()
        message = {number: fault.__name__ for number, fault in list(plan.items())[:3]}
        self._check(answer, after, f"{self._case.name}, {message}: {answer}")
        self._restore(after)
        return answer

    def _check(self, answer: Answer, after: Tables, message: str) -> None:
        changed = after != self._before
        if answer.status == 200:
            assert changed == self._case.writes, message
            if changed:
                self._check_entity(answer, after, message)
        else:
            assert (answer.status, answer.headers.get("Retry-After")) == (503, "1"), message
        if changed:
            self._check_one_new_version(after, message)
            assert breaches(self._client) == [], message

    def _check_entity(self, answer: Answer, after: Tables, message: str) -> None:
        """Check that the tables agree with the answer to the client."""
        sessions = {item["id"]: session_view(item) for item in after["SessionsTable"]}
        timelines = {item["id"]: timeline_view(item) for item in after["TimelinesTable"]}
        there = (sessions | timelines)[answer.data["id"]]
        assert there == answer.data, message

    def _check_one_new_version(self, after: Tables, message: str) -> None:
        """Check that exactly one item is new or has the next version."""
        steps = 0
        for table in ("SessionsTable", "TimelinesTable"):
            versions = {item["id"]: item.get("version", 0) for item in self._before[table]}
            steps += sum(
                item["version"] - versions.get(item["id"], 0) for item in after[table] if "version" in item
            )
        assert steps == 1, message

    def _read_tables(self) -> Tables:
        return {
            table: sorted(
                (
                    deserialize(item)
                    for item in self._client.scan(TableName=table, ConsistentRead=True)["Items"]
                ),
                key=lambda item: str(item.get("id") or item.get("slot")),
            )
            for table in TABLES
        }

    def _restore(self, after: Tables) -> None:
        for table in TABLES:
            if after[table] == self._before[table]:
                continue
            keys = ("ownerId", "slot") if table == "CalendarTable" else ("id",)
            for item in after[table]:
                if item not in self._before[table]:
                    self._client.delete_item(TableName=table, Key=serialize({key: item[key] for key in keys}))
            for item in self._before[table]:
                if item not in after[table]:
                    self._client.put_item(TableName=table, Item=serialize(item))


@EVERY_CASE
def test_a_request_makes_no_partial_write_when_one_dynamodb_call_fails(
    dynamodb_local: Any, faults: Faults, case: Case
) -> None:
    trial = Trial(dynamodb_local, faults, case)
    for number in range(trial.calls):
        for fault in trial.choose(number, READ_FAULTS, WRITE_FAULTS):
            answer = trial.attempt({number: fault})
            assert case.writes or answer.status == 200, (number, fault.__name__, answer)


@EVERY_CASE
def test_a_request_makes_no_partial_write_when_one_dynamodb_call_and_all_later_calls_fail(
    dynamodb_local: Any, faults: Faults, case: Case
) -> None:
    trial = Trial(dynamodb_local, faults, case)
    for number in range(trial.calls):
        for fault in trial.choose(number, READ_FAULTS, WRITE_FAULTS):
            trial.attempt({later: fault for later in FOREVER[number:]})


@pytest.mark.parametrize("case", WRITES, ids=[case.name for case in WRITES])
def test_a_request_makes_no_partial_write_when_two_dynamodb_calls_fail(
    dynamodb_local: Any, faults: Faults, case: Case
) -> None:
    trial = Trial(dynamodb_local, faults, case)
    for first, second in combinations(range(trial.calls + 1), 2):
        of_first, of_second = (
            trial.choose(number, PAIRED_READ_FAULTS, PAIRED_WRITE_FAULTS) for number in (first, second)
        )
        for fault, other in product(of_first, of_second):
            trial.attempt({first: fault, second: other})
