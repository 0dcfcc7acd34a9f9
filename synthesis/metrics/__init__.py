"""Metrics of fidelity, one per module: a pure function on arrays, its bounds and direction declared beside it."""
