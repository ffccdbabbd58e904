"""What the API costs: `make bench`, or one section by `python -m bench.cold`, `.lists`, `.writes`, `.decision`."""
