"""Great Expectations suites derived from a scenario; the only importer of great_expectations."""
