"""dlt's `sql_database` to parquet files in a folder, by one of its backends.

dlt_reader.py URL TABLE FOLDER BACKEND
"""

import json
import os
import sys
import time


def main(url: str, table: str, folder: str, backend: str) -> None:
    os.environ["DLT_DATA_DIR"] = f"{folder}/pipeline"
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    import dlt
    from dlt.sources.sql_database import sql_table

    started = time.perf_counter()
    options = {"backend_kwargs": {"conn": url}} if backend == "connectorx" else {}
    resource = sql_table(
        credentials=url.replace("mysql://", "mysql+pymysql://"),
        table=table,
        backend=backend,
        chunk_size=65_536,
        **options,
    )
    pipeline = dlt.pipeline(
        pipeline_name="bench",
        pipelines_dir=f"{folder}/pipeline",
        destination=dlt.destinations.filesystem(f"file://{folder}/files"),
        dataset_name="bench",
    )
    pipeline.run(resource, loader_file_format="parquet")
    counted = pipeline.last_trace.last_normalize_info.row_counts
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "rows": counted.get(table, 0)}))


main(*sys.argv[1:])
