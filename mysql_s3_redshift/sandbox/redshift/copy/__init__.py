"""COPY .. FORMAT PARQUET: which files, whether Redshift would take them, and their bytes."""
