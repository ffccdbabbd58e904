"""Database reads that run in parallel."""

import time
from functools import partial
from typing import Any

import botocore.session
import pytest

from scheduling.store.client import client, run_in_parallel


def test_the_first_parallel_reads_of_a_function_share_one_client(environment: pytest.MonkeyPatch) -> None:
    made: list[Any] = []

    def create_client(*_: object, **__: object) -> object:
        time.sleep(0.05)  # give other threads time to start
        made.append(object())
        return made[-1]

    environment.setattr(botocore.session.Session, "create_client", create_client)
    found = run_in_parallel(client, client, client)
    assert len(made) == 1
    assert found == made * 3


def test_parallel_reads_return_their_results_in_the_order_of_the_reads(
    environment: pytest.MonkeyPatch,
) -> None:
    assert run_in_parallel(*(partial(int, text) for text in "321")) == [3, 2, 1]
    assert run_in_parallel() == []
