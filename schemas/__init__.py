"""What is passed around: scenario, settings, batches, receipts, errors. Imports nothing of ours."""
