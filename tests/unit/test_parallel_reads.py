"""Database reads that run in parallel."""

from functools import partial
from threading import Event
from typing import Any

import botocore.session
import pytest

from scheduling.store.client import client, run_in_parallel


def test_the_first_parallel_reads_of_a_function_share_one_client(environment: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    second = Event()

    def create_client(*_: object, **__: object) -> object:
        new = object()
        made.append(new)
        if len(made) > 1:
            second.set()
        second.wait(1)  # give another thread time to create a second client
        return new

    environment.setattr(botocore.session.Session, "create_client", create_client)
    found = run_in_parallel(client, client, client)
    assert len(made) == 1
    assert found == made * 3


def test_parallel_reads_return_their_results_in_the_order_of_the_reads(
    environment: pytest.MonkeyPatch,
) -> None:
    assert run_in_parallel(*(partial(int, text) for text in "321")) == [3, 2, 1]
    assert run_in_parallel() == []
