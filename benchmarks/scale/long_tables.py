"""Long tables: documents, commits and memory by the number of files, on the real state code."""

from __future__ import annotations

import contextlib
import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

from benchmarks.workspace import Workspace
from mysql_s3_redshift.adapters.s3.bucket import Bucket
from mysql_s3_redshift.adapters.s3.documents import StateDocument, serialize
from mysql_s3_redshift.config import load
from mysql_s3_redshift.core.state import DataFile, ExtractState, LoadState, MysqlState, utc_now

CHUNK_ROWS = 500_000
LOADED_AT = (1, 2, 10, 50, 100, 200, 500, 1_000, 2_000)
"""Files of 500,000 rows: from half a million to a billion rows, loaded after every tenth."""
BACKLOGS = (1, 100, 500, 1_000, 2_000, 5_000, 10_000)


def run(workspace: Workspace) -> dict[str, Any]:
    """Simulate two tables: one that is loaded as it grows, and one that is never loaded."""
    return {"loaded": _loaded(workspace), "backlog": _backlog(workspace)}


def _loaded(workspace: Workspace) -> list[dict[str, Any]]:
    """Every ten files are loaded; the documents are written to S3 at the points of interest."""
    found: list[dict[str, Any]] = []
    extract, loads = _first(), LoadState(table_name="t", target="w")
    with _documents(workspace) as (extracts, load_document):
        for seq in range(1, LOADED_AT[-1] + 1):
            began = time.perf_counter()
            extract = extract.without_loaded(loads).register([_file(seq)], last_id=seq)
            if seq in LOADED_AT:
                extracts.write(extract)
                seconds = time.perf_counter() - began
                load_document.write(loads)
                found.append(_point(extract, seq, seconds, loads))
            if seq % 10 == 0 or seq in LOADED_AT:
                pending = extract.pending(loads)
                known = (f.seq for f in extract.files)
                loads = loads.mark(pending, known=known).finish("x")
    return found


def _backlog(workspace: Workspace) -> list[dict[str, Any]]:
    """Nothing is loaded: every commit names all files that wait."""
    found: list[dict[str, Any]] = []
    extract, total = _first(), 0
    with _documents(workspace) as (extracts, _):
        for seq in range(1, BACKLOGS[-1] + 1):
            began = time.perf_counter()
            extract = extract.register([_file(seq)], last_id=seq)
            if seq in BACKLOGS:
                extracts.write(extract)
                written = time.perf_counter() - began
                began = time.perf_counter()
                extracts.read()
                read = time.perf_counter() - began
                tracemalloc.start()
                serialize(extract)
                peak = tracemalloc.get_traced_memory()[1]
                tracemalloc.stop()
                found.append(_point(extract, seq, written) | {"read": read, "peak": peak})
            total += 1
    return found


def _point(
    extract: ExtractState, files: int, seconds: float, loads: LoadState | None = None
) -> dict[str, Any]:
    body = serialize(extract)
    load_bytes = len(serialize(loads)) if loads else 0
    return {
        "files": files,
        "rows": files * CHUNK_ROWS,
        "bytes": len(body),
        "load_bytes": load_bytes,
        "commit": seconds,
    }


@contextlib.contextmanager
def _documents(
    workspace: Workspace,
) -> Iterator[tuple[StateDocument[ExtractState], StateDocument[LoadState]]]:
    name = workspace.fresh("scale_long")
    config = load(workspace.config(name, "      bench.none: {}\n"))
    bucket = Bucket(config.storage("lake"))
    yield (
        StateDocument(bucket, f"{name}/extract.json", ExtractState),
        StateDocument(bucket, f"{name}/load.json", LoadState),
    )
    workspace.forget(name)


def _first() -> ExtractState:
    return ExtractState(
        table_name="source:schema.a_table_of_usual_length",
        pipeline="pipeline",
        cdc_strategy="hybrid",
        mysql_state=MysqlState(phase="incremental"),
    )


def _file(seq: int) -> DataFile:
    """A record as a hybrid table's chunks have it."""
    folder = "s3://company-lake/mysql/data/pipeline/schema.a_table_of_usual_length"
    name = f"source_schema_a_table_of_usual_length_20250825_063102_a1b2c3d4_{seq:08d}.parquet"
    return DataFile(
        seq=seq,
        uri=f"{folder}/year=2025/month=08/day=25/{name}",
        rows=CHUNK_ROWS,
        bytes=21_345_678,
        first={"update_at": "2025-08-25T06:30:08.000000", "id": seq * CHUNK_ROWS},
        last={"update_at": "2025-08-25T06:31:08.000000", "id": (seq + 1) * CHUNK_ROWS},
        schema_id="0123456789abcdef",
        kind="incremental",
        run_id="a1b2c3d4-0000-4000-8000-000000000000",
        written_at=utc_now(),
    )
