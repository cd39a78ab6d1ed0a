"""S3: parquet files by multipart upload, documents by conditional writes."""
