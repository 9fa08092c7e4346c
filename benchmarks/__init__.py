"""Holds what measures sinkgraph; `python -m benchmarks` prints the table."""
