"""Benchmarks. `make bench` runs all sections. A command such as `python -m bench.cold` runs one section."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "layers" / "scheduling"))
