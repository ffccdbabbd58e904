"""Benchmarks: `make bench` runs all sections, and `python -m bench.cold`, for example, runs one section."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "layers" / "scheduling"))
