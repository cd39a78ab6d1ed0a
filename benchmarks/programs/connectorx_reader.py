"""connectorx to parquet, as its documentation shows it: streamed Arrow batches.

connectorx_reader.py URL TABLE FOLDER
"""

import json
import sys
import time

import connectorx
import pyarrow.parquet as pq


def main(url: str, table: str, folder: str) -> None:
    started = time.perf_counter()
    reader = connectorx.read_sql(
        url, f"SELECT * FROM {table}", return_type="arrow_stream", batch_size=65_536
    )
    rows = 0
    with pq.ParquetWriter(f"{folder}/{table}.parquet", reader.schema) as writer:
        for batch in reader:
            rows += batch.num_rows
            writer.write_batch(batch)
    print(json.dumps({"seconds": time.perf_counter() - started, "rows": rows}))


main(*sys.argv[1:])
