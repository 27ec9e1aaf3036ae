"""What is kept and shown: Delta tables, the ledger, the archive, the published DuckDB file, views and reports."""
