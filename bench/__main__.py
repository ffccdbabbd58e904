"""Command `make bench`: runs all benchmarks except `bench.load`, and prints which benchmarks missed a target."""

import sys
import time

from bench import cold, contention, decision, lists, occurrences, prices, simulation, writes

SECTIONS = {
    "decision": decision.main,
    "writes": writes.main,
    "contention": contention.main,
    "simulation": simulation.main,
    "prices": prices.main,
    "lists": lists.main,
    "occurrences": occurrences.main,
    "cold": cold.main,
}


def main() -> int:
    """Run the benchmarks of SECTIONS. Return 1 if any benchmark missed a target, otherwise 0."""
    missed, seconds = {}, {}
    for name, section in SECTIONS.items():
        print(f"\n== {name}", flush=True)
        started = time.monotonic()
        missed[name] = section()
        seconds[name] = time.monotonic() - started
    print("\n== summary")
    for name in SECTIONS:
        verdict = f"{missed[name]} targets missed" if missed[name] else "all targets met"
        print(f"{name:10} {verdict}, {seconds[name]:.0f} s")
    return min(1, sum(missed.values()))


if __name__ == "__main__":
    sys.exit(main())
