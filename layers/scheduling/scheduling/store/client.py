"""The DynamoDB client: calls, and the meaning of their errors."""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import botocore.session
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.handlers import BUILTIN_HANDLERS
from botocore.parsers import ResponseParserError

from scheduling.errors import ServiceUnavailable, Throttled
from scheduling.settings import optional_setting
from scheduling.store.items import Item, deserialize
from scheduling.telemetry import telemetry

_THROTTLES = {
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
    "ThrottlingError",
    "ProvisionedThroughputExceeded",
}
_RACES = {
    "ConditionalCheckFailedException",
    "ConditionalCheckFailed",
    "TransactionConflictException",
    "TransactionConflict",
    "TransactionInProgressException",
}
_UNAVAILABLE = {"InternalServerError", "InternalFailure", "ServiceUnavailable", "RequestTimeout"}


LONGEST_PAUSE_SECONDS = 0.4


class WriteConflict(Exception):
    """Somebody else wrote first: read and decide again."""

    def __init__(self, present: Item | None, again: bool) -> None:
        super().__init__()
        self.present = present
        """What stands there now, if asked for."""
        self.again = again
        """Whether it was sent before and not answered, so that it may have been overtaken by itself."""


@lru_cache
def client() -> BaseClient:
    """The client, made on first use.

    A call that does not answer is given up after two seconds and tried twice more: DynamoDB answers in
    milliseconds, or not at all. botocore sends a transaction's retries with the same token, so that one that
    did take effect is not repeated. The fixed user agent and the absent validation spare a tenth of a call.
    """
    config = Config(
        connect_timeout=1,
        read_timeout=2,
        retries={"mode": "standard", "total_max_attempts": 3},
        parameter_validation=False,
        user_agent="sessions-api",
    )
    session = botocore.session.Session(include_builtin_handlers=False)
    for event, handler in _handlers():
        session.register(event, handler)
    endpoint = optional_setting("DYNAMODB_ENDPOINT")
    return session.create_client("dynamodb", config=config, endpoint_url=endpoint)


def _handlers() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Those of botocore's own handlers that concern DynamoDB: of some hundred and thirty, eight."""
    for event, handler, *order in BUILTIN_HANDLERS:
        kind, _, where = event.partition(".")
        if not order and kind != "docs" and where.split(".")[0] in ("", "*", "dynamodb"):
            yield event, handler


def call(operation: str, **parameters: Any) -> Item:
    """One call of the client.

    Raises:
        WriteConflict: a condition did not hold, or another transaction is under way.
        Throttled, ServiceUnavailable: it did not answer in time; it may or may not have taken effect.
        ClientError: everything else, which is a fault of ours.
    """
    started = time.perf_counter()
    try:
        response: Item = getattr(client(), operation)(**parameters)
    except ClientError as error:
        raise _translate(error) from error
    except (BotoCoreError, ResponseParserError) as error:
        raise ServiceUnavailable(operation) from error
    finally:
        telemetry.record_call(operation, (time.perf_counter() - started) * 1000)
    return response


def _translate(error: ClientError) -> Exception:
    code = error.response["Error"]["Code"]
    reasons: Sequence[Mapping[str, Any]] = error.response.get("CancellationReasons", ())
    codes = {reason.get("Code") for reason in reasons} or {code}
    if codes & _RACES:
        present: Any = error.response.get("Item")
        again = error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0) > 0
        return WriteConflict(deserialize(present) if present else None, again)
    if codes & _THROTTLES:
        return Throttled(code)
    return ServiceUnavailable(code) if code in _UNAVAILABLE else error


def backoff_pauses() -> Iterator[float]:
    longest = 0.02
    while True:
        yield random.uniform(0, longest)
        longest = min(2 * longest, LONGEST_PAUSE_SECONDS)


def run_in_parallel(*reads: Callable[[], Any]) -> list[Any]:
    """What independent reads return, for the time of the slowest."""
    if len(reads) < 2:
        return [read() for read in reads]
    from concurrent.futures import ThreadPoolExecutor  # only here: most reads are alone

    with ThreadPoolExecutor(min(8, len(reads))) as pool:
        return list(pool.map(lambda read: read(), reads))
