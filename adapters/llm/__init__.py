"""Exchanges with language models and other proposers: calls, limits, retries, what is kept and replayed."""
