"""Benchmarks of the API. `python -m bench.cold` runs only `bench.cold`. `make bench` runs all except `bench.load`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "layers" / "scheduling"))
