"""Properties of the simulation in `bench.simulation`, for the former design `BEFORE` and the present design `NOW`."""

from itertools import pairwise

import pytest

from bench.simulation import (
    BEFORE,
    NOW,
    WARM_UP,
    Design,
    Outcome,
    Simulation,
    draw_arrivals,
    simulate,
    write_at_once,
)
from scheduling.http.endpoint import LONGEST_REQUEST_SECONDS
from scheduling.services.retries import ATTEMPTS

DESIGNS = pytest.mark.parametrize("design", [BEFORE, NOW], ids=lambda design: design.name)


def run(design: Design, rate: float, owners: int) -> Simulation:
    """Simulate two seconds of requests. Return the finished simulation."""
    simulation = Simulation(design)
    simulation.run(draw_arrivals(rate, owners, 2))
    return simulation


@DESIGNS
@pytest.mark.parametrize(("rate", "owners"), [(60, 1), (600, 50)])
def test_two_transactions_never_lock_the_same_item_at_the_same_time(
    design: Design, rate: float, owners: int
) -> None:
    holds = sorted(run(design, rate, owners).holds)
    contended = 0
    for (item, _, until), (other, start, _) in pairwise(holds):
        if item == other:
            contended += 1
            assert until <= start
    assert contended > 50


@DESIGNS
def test_every_written_session_increases_the_version_of_its_owners_head_by_one(design: Design) -> None:
    simulation = run(design, 60, 3)
    assert sum(simulation.versions.values()) == sum(each.result == "written" for each in simulation.outcomes)


@DESIGNS
def test_the_same_seed_gives_the_same_outcomes(design: Design) -> None:
    assert run(design, 60, 2).outcomes == run(design, 60, 2).outcomes


def test_a_request_makes_at_most_ten_attempts_and_starts_none_after_its_deadline() -> None:
    outcomes = run(NOW, 400, 1).outcomes
    refused = [each for each in outcomes if each.result == "conflict"]
    assert refused
    assert max(each.transactions for each in outcomes) == ATTEMPTS
    assert max(each.seconds for each in outcomes) < LONGEST_REQUEST_SECONDS + 1


def test_writers_of_different_owners_never_retry() -> None:
    simulation = Simulation(NOW)
    outcomes = simulation.run((0.001 * number, f"owner {number}") for number in range(100))
    assert {(each.transactions, each.result) for each in outcomes} == {(1, "written")}


def test_dynamodb_throttles_some_of_5000_writes_per_second_to_sessions_of_one_year() -> None:
    """The index of all sessions has one partition for each year.

    A partition accepts 1,000 writes per second, and 1,000 more after a second without writes.
    """
    outcomes = Simulation(NOW).run((0.0002 * number, f"owner {number}") for number in range(5_000))
    assert {each.result for each in outcomes} == {"written", "throttled"}


def test_a_throttled_transaction_waits_at_most_three_seconds_between_its_three_attempts() -> None:
    outcomes = Simulation(NOW).run((0.0002 * number, f"owner {number}") for number in range(5_000))
    throttled = [each.seconds for each in outcomes if each.result == "throttled"]
    assert throttled
    assert max(throttled) < 1 + 2 + 6 * NOW.call_seconds[1]  # three reads, and three attempts with two pauses


def test_a_transaction_conflicts_if_the_head_has_changed_since_it_was_read() -> None:
    """Two requests read the same version of the head. The first request writes, and the second must try again."""
    two: list[Outcome] = Simulation(NOW._replace(call_seconds=(0.1, 0.1))).run([(0.0, "ada"), (0.03, "ada")])
    assert sorted(each.transactions for each in two) == [1, 2]


def test_writers_of_different_owners_retry_often_if_they_share_items_and_rarely_otherwise() -> None:
    before, now = (simulate(design, 400, 10_000, WARM_UP + 1) for design in (BEFORE, NOW))
    assert before.retries > 0.3
    assert now.retries < 0.05


@pytest.mark.parametrize(("writers", "transactions"), [(16, 3.6), (64, 6.0)])
def test_simulated_writers_on_one_calendar_need_about_as_many_transactions_as_measured(
    writers: int, transactions: float
) -> None:
    """The measured numbers are in docs/measurements.md, in the table of `bench.contention`."""
    found = write_at_once(writers)
    assert all(each.result == "written" for each in found)
    mean = sum(each.transactions for each in found) / writers
    assert mean == pytest.approx(transactions, rel=0.15)
