"""Prefect tasks: one thin step each."""
