"""mysqlclient to parquet: a server-side cursor, its own conversions, Arrow's inference.

mysqlclient_reader.py URL TABLE FOLDER
"""

import json
import sys
import time
from urllib.parse import urlsplit

import MySQLdb
import pyarrow as pa
import pyarrow.parquet as pq
from MySQLdb.cursors import SSCursor

BATCH = 65_536


def main(url: str, table: str, folder: str) -> None:
    address = urlsplit(url)
    started = time.perf_counter()
    connection = MySQLdb.connect(
        host=address.hostname,
        port=address.port,
        user=address.username,
        password=address.password,
        database=address.path.lstrip("/"),
        charset="utf8mb4",
    )
    cursor = connection.cursor(SSCursor)
    cursor.execute(f"SELECT * FROM {table}")
    names = [column[0] for column in cursor.description]
    writer, rows = None, 0
    while found := cursor.fetchmany(BATCH):
        columns = zip(*found, strict=True)
        batch = pa.table(dict(zip(names, columns, strict=True)), writer and writer.schema)
        writer = writer or pq.ParquetWriter(f"{folder}/{table}.parquet", batch.schema)
        writer.write_table(batch)
        rows += len(found)
    if writer is not None:
        writer.close()
    print(json.dumps({"seconds": time.perf_counter() - started, "rows": rows}))


main(*sys.argv[1:])
