"""Benchmarks: `make bench`, or one section by `python -m bench.cold`, `.lists`, `.writes`, `.simulation`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "layers" / "scheduling"))
