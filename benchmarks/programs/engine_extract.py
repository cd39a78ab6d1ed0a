"""The engine's own path from MySQL to parquet files, with a folder in the place of S3.

    python -m benchmarks.programs.engine_extract CONFIG TABLE FOLDER [--by key|cursor] [--rows N]

Plan, queries, decoding, conversion, encoding and the cutting into parts are the product's; only the
requests to S3 are replaced, because the other tools write to a folder too.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pyarrow as pa

from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.adapters.s3.bucket import Bucket
from mysql_s3_redshift.adapters.s3.parquet import ParquetUpload
from mysql_s3_redshift.config import Config, load
from mysql_s3_redshift.core.arrow_types import arrow_schema
from mysql_s3_redshift.core.chunks import ChunkLoop, read_chunks
from mysql_s3_redshift.core.cursors import ChunkQuery
from mysql_s3_redshift.core.plan import resolve
from mysql_s3_redshift.core.ports import Storage
from mysql_s3_redshift.core.types import map_table


class FolderBucket:
    """A folder with the requests of `Bucket` that a parquet upload sends."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def uri(self, key: str) -> str:
        return str(self.folder / key)

    def put(self, key: str, body: bytes, **_condition: object) -> str:
        (self.folder / key).write_bytes(body)
        return key

    def read_tail(self, key: str, length: int) -> tuple[bytes, str | None]:
        with (self.folder / key).open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - length))
            return file.read(), None

    def begin_upload(self, key: str) -> str:
        (self.folder / key).write_bytes(b"")
        return key

    def upload_part(self, key: str, _upload: str, number: int, body: bytes) -> Mapping[str, Any]:
        with (self.folder / key).open("ab") as file:
            file.write(body)
        return {"PartNumber": number, "ETag": ""}

    def complete_upload(self, key: str, upload: str, parts: Sequence[Mapping[str, Any]]) -> None:
        pass

    def abort_upload(self, key: str, _upload: str) -> None:
        (self.folder / key).unlink()


class FolderStorage:
    """Gives out the product's own file writers on a folder."""

    def __init__(self, folder: Path) -> None:
        self.bucket = cast("Bucket", FolderBucket(folder))

    def open_file(
        self, _run_id: str, seq: int, *, schema: pa.Schema, day: datetime
    ) -> ParquetUpload:
        return ParquetUpload(self.bucket, f"{seq:08d}.parquet", schema)


def extract(
    config: Config, table: str, folder: Path, *, by: str = "key", rows: int | None = None
) -> int:
    """Read a table into parquet files of the default size; return the number of rows.

    Args:
        config: Names the server.
        table: The table's name.
        folder: Where the files go.
        by: `key` reads as a first load does, `cursor` as an increment does.
        rows: How many to read; None reads all.
    """
    plan = next(p for p in config.plans() if p.table == table)
    with Connections(config) as connections:
        source = connections.source(plan.source)
        resolved = resolve(plan, source.describe(plan))
        schema = map_table(resolved.table, plan.columns, primary_key=resolved.key)
        loop = ChunkLoop(
            table=resolved,
            schema=schema,
            arrow_schema=arrow_schema(schema),
            source=source,
            storage=cast("Storage", FolderStorage(folder)),
            run_id="benchmark",
            day=datetime.now(UTC),
            chunk_rows=plan.chunk_rows,
            budget=rows,
            stopping=lambda: False,
            next_seq=1,
        )
        cursor = resolved.cursor
        if by == "cursor":
            query = ChunkQuery(order_by=cursor.columns)
        else:
            query = ChunkQuery(order_by=cursor.snapshot_columns, nulls="keep")
        return sum(chunk.written.rows for chunk in read_chunks(loop, query))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("config", type=Path)
    parser.add_argument("table")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--by", choices=("key", "cursor"), default="key")
    parser.add_argument("--rows", type=int)
    options = parser.parse_args()
    config = load(options.config)
    started = time.perf_counter()
    rows = extract(config, options.table, options.folder, by=options.by, rows=options.rows)
    print(json.dumps({"seconds": time.perf_counter() - started, "rows": rows}))


if __name__ == "__main__":
    main()
