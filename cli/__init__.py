"""Commands: one module per group; Prefect is imported only by those that orchestrate."""
