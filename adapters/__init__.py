"""Files and sockets: scenario folders, parquet batches, run folders, reports."""
