"""The DynamoDB client: calls, and the translation of their errors."""

import os
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import botocore.session
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from scheduling.errors import ServiceUnavailable, Throttled
from scheduling.settings import optional_setting
from scheduling.store.certificates import use_directory
from scheduling.store.items import Item, deserialize
from scheduling.telemetry import telemetry

_THROTTLES = {
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
    "ThrottlingError",
    "ProvisionedThroughputExceeded",
}
_FAILED_CONDITIONS = {"ConditionalCheckFailedException", "ConditionalCheckFailed"}
_RACES = _FAILED_CONDITIONS | {
    "TransactionConflictException",
    "TransactionConflict",
    "TransactionInProgressException",
}
_UNAVAILABLE = {"InternalServerError", "InternalFailure", "ServiceUnavailable", "RequestTimeout"}
_THREADS = 8
_SHORTEST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.4


ItemKey = tuple[str, str]
"""The name of a table, and the text of a key in DynamoDB's JSON."""


class WriteConflict(Exception):
    """A write that another writer prevented: a condition failed, or another transaction was writing an item."""

    def __init__(self, present: Mapping[int, Item | None], resent: bool) -> None:
        super().__init__()
        self.present = present
        """The items whose conditions failed, by position of the operation. None if DynamoDB returned no item."""
        self.resent = resent
        """True if botocore sent the write more than once. Then botocore's first attempt may have caused the
        conflict."""
        self.items: dict[ItemKey, Item | None] = {}
        """The items of `present` by key. `transactions.write` sets this attribute."""


@lru_cache
def client() -> BaseClient:
    """Return the client of this process.

    DynamoDB usually responds in milliseconds. A call without a response times out after two seconds, and botocore
    repeats the call up to two times. A repeated transaction has the same token as the first attempt. So DynamoDB does
    not execute a transaction twice. With a fixed user agent, and without validation of parameters, each call needs less
    CPU time (decision record 0014).
    """
    config = Config(
        connect_timeout=1,
        read_timeout=2,
        retries={"mode": "standard", "total_max_attempts": 3},
        parameter_validation=False,
        user_agent="sessions-api",
    )
    endpoint = optional_setting("DYNAMODB_ENDPOINT")
    made = botocore.session.Session().create_client("dynamodb", config=config, endpoint_url=endpoint)
    use_directory(made)
    return made


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    client()  # create the client during initialization, so that a SnapStart snapshot contains the client


def call(operation: str, **parameters: Any) -> Item:
    """Call DynamoDB.

    Raises:
        WriteConflict: a condition failed, or another transaction is writing one of the items.
        Throttled: DynamoDB throttled the call.
        ServiceUnavailable: DynamoDB did not respond, or reported an internal error. The call may have taken effect.
        ClientError: DynamoDB reported any other error.
    """
    started = time.perf_counter()
    retries = 0
    try:
        response: Item = getattr(client(), operation)(**parameters)
        retries = response["ResponseMetadata"].get("RetryAttempts", 0)
    except ClientError as error:
        retries = error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0)
        raise _translate_error(error) from error
    except (BotoCoreError, ResponseParserError) as error:
        raise ServiceUnavailable(operation) from error
    finally:
        telemetry.record_call(operation, (time.perf_counter() - started) * 1000, retries)
    return response


def _translate_error(error: ClientError) -> Exception:
    code = error.response["Error"]["Code"]
    alone = [{"Code": code, "Item": error.response.get("Item")}]
    reasons: Sequence[Mapping[str, Any]] = error.response.get("CancellationReasons", alone)
    codes = {reason.get("Code") for reason in reasons}
    if codes & _RACES:
        present = {
            position: deserialize(reason["Item"]) if reason.get("Item") else None
            for position, reason in enumerate(reasons)
            if reason.get("Code") in _FAILED_CONDITIONS
        }
        return WriteConflict(present, error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0) > 0)
    if codes & _THROTTLES:
        return Throttled(code)
    # The error of a proxy has an HTTP status, but no DynamoDB error code.
    failed = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500
    return ServiceUnavailable(code) if failed or code in _UNAVAILABLE else error


def backoff_pauses(
    shortest: float = _SHORTEST_PAUSE_SECONDS, longest: float = LONGEST_PAUSE_SECONDS
) -> Iterator[float]:
    """Yield the pauses before retries in seconds: exponential backoff with full jitter."""
    limit = shortest
    while True:
        yield random.uniform(0, limit)
        limit = min(2 * limit, longest)


def run_in_parallel(*reads: Callable[[], Any]) -> list[Any]:
    """Run independent reads at the same time and return their results."""
    if len(reads) < 2:
        return [read() for read in reads]
    from concurrent.futures import ThreadPoolExecutor  # imported here, because a single read needs no threads

    client()  # create the client first: otherwise each thread would create a client
    with ThreadPoolExecutor(min(_THREADS, len(reads))) as pool:
        return list(pool.map(lambda read: read(), reads))
