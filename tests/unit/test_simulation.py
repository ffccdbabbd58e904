"""The simulation of writers: what holds in every run, whatever the design."""

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
    """Return a simulation of two seconds, after its end."""
    simulation = Simulation(design)
    simulation.run(draw_arrivals(rate, owners, 2))
    return simulation


@DESIGNS
@pytest.mark.parametrize(("rate", "owners"), [(60, 1), (600, 50)])
def test_no_two_transactions_hold_one_item(design: Design, rate: float, owners: int) -> None:
    holds = sorted(run(design, rate, owners).holds)
    contended = 0
    for (item, _, until), (other, start, _) in pairwise(holds):
        if item == other:
            contended += 1
            assert until <= start
    assert contended > 50


@DESIGNS
def test_every_written_session_moved_the_version_of_its_owner_once(design: Design) -> None:
    simulation = run(design, 60, 3)
    assert sum(simulation.versions.values()) == sum(each.result == "written" for each in simulation.outcomes)


@DESIGNS
def test_the_same_seed_gives_the_same_outcomes(design: Design) -> None:
    assert run(design, 60, 2).outcomes == run(design, 60, 2).outcomes


def test_a_request_stays_within_the_attempts_and_the_deadline_of_the_layer() -> None:
    outcomes = run(NOW, 400, 1).outcomes
    refused = [each for each in outcomes if each.result == "conflict"]
    assert refused
    assert max(each.transactions for each in outcomes) == ATTEMPTS
    assert max(each.seconds for each in outcomes) < LONGEST_REQUEST_SECONDS + 1


def test_writers_without_a_common_item_never_retry() -> None:
    simulation = Simulation(NOW)
    outcomes = simulation.run((0.001 * number, f"owner {number}") for number in range(100))
    assert {(each.transactions, each.result) for each in outcomes} == {(1, "written")}


def test_a_partition_that_takes_too_many_units_throttles() -> None:
    """An index takes 1,000 sessions of one year a second, after a reserve of 1,000."""
    outcomes = Simulation(NOW).run((0.0002 * number, f"owner {number}") for number in range(5_000))
    assert {each.result for each in outcomes} == {"written", "throttled"}


def test_a_late_write_conflicts_with_the_head_that_it_read() -> None:
    """Both requests read the head at the same version, and one transaction begins after the other has ended."""
    two: list[Outcome] = Simulation(NOW._replace(call_seconds=(0.1, 0.1))).run([(0.0, "ada"), (0.03, "ada")])
    assert sorted(each.transactions for each in two) == [1, 2]


def test_shared_items_cost_retries_and_owners_apart_cost_none() -> None:
    before, now = (simulate(design, 400, 10_000, WARM_UP + 1) for design in (BEFORE, NOW))
    assert before.retries > 0.3
    assert now.retries < 0.05


@pytest.mark.parametrize(("writers", "transactions"), [(16, 3.6), (64, 6.0)])
def test_simulated_writers_on_one_calendar_need_the_measured_transactions(
    writers: int, transactions: float
) -> None:
    """The table of `bench.contention` in docs/measurements.md has the measured figures."""
    found = write_at_once(writers)
    assert all(each.result == "written" for each in found)
    mean = sum(each.transactions for each in found) / writers
    assert mean == pytest.approx(transactions, rel=0.15)
