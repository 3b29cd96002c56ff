"""Results: on disk as JSON, as a Parquet table, as a page with plots."""
