"""A backlog of 10,000 files that is really loaded: transactions, manifests, documents, memory."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.timing import run_program
from benchmarks.workspace import Workspace
from mysql_s3_redshift.adapters import pair
from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.config import load
from mysql_s3_redshift.core.arrow_types import arrow_schema
from mysql_s3_redshift.core.chunks import ChunkLoop, read_chunks
from mysql_s3_redshift.core.cursors import ChunkQuery
from mysql_s3_redshift.core.extraction import ExtractRequest, file_record
from mysql_s3_redshift.core.state import new_run_id
from mysql_s3_redshift.sandbox import redshift_server

FILES = 10_000
ROWS = 20
"""Rows of a file."""

DATABASE, TABLE = "bench_backlog", "events"
TIMEOUT = 900
SUMS = "COUNT(*), COUNT(DISTINCT id), SUM(id), COUNT(DISTINCT note), MAX(updated_at)"


def run(workspace: Workspace) -> dict[str, Any]:
    """Write the files, register them, load them in a process of its own, and compare."""
    name = workspace.fresh("scale_backlog")
    path = workspace.config(name, f"      {DATABASE}.{TABLE}: {{}}\n")
    with _table(workspace) as cursor:
        with Connections(load(path)) as connections:
            registered = _register(connections, cursor)
        cursor.execute(f"SELECT {SUMS} FROM {TABLE}")
        source = tuple(str(value) for value in cursor.fetchone())
        program = [sys.executable, "-m", "benchmarks.programs.backlog_load", str(path), TABLE]
        done = run_program(program, timeout=TIMEOUT)
        if done.error:
            raise RuntimeError(done.error)
        found = _sums(workspace, name)
        if found != source:
            raise RuntimeError(f"source {source}, target {found}")
        after = _state_after_the_next_run(path)
    workspace.forget(name)
    return {
        "files": FILES,
        "rows": ROWS,
        "registered_bytes": registered,
        "after_bytes": after,
        "peak_mb": done.peak_mb,
        "cpu": done.cpu,
        **done.facts,
    }


@contextlib.contextmanager
def _table(workspace: Workspace) -> Iterator[Any]:
    """The source table with the rows of one file, for as long as it is needed; gives a cursor."""
    with workspace.admin(None) as connection, connection.cursor() as cursor:
        connection.autocommit(True)
        cursor.execute(f"CREATE OR REPLACE DATABASE {DATABASE}")
        connection.select_db(DATABASE)
        cursor.execute(
            f"CREATE TABLE {TABLE} (id BIGINT PRIMARY KEY, note VARCHAR(40), "
            "updated_at DATETIME(6) NOT NULL, KEY (updated_at, id))"
        )
        cursor.execute(_insert(1, ROWS))
        yield cursor
        cursor.execute(f"DROP DATABASE {DATABASE}")


def _insert(first: int, last: int) -> str:
    values = "seq, SHA1(seq), '2025-01-01' + INTERVAL seq SECOND"
    return f"INSERT INTO {TABLE} SELECT {values} FROM seq_{first}_to_{last}"


def _register(connections: Connections, cursor: Any) -> int:
    """Extract the first file as ever; then write all others, and commit them at once.

    An extraction would commit after each of them, which is what `long_tables` measures.

    Returns:
        Bytes of the extract state.
    """
    [plan] = connections.config.plans()
    described = pair.describe(plan, connections)
    request = ExtractRequest(new_run_id())
    state = pair.extract_table(described, request, connections, _nobody).state
    cursor.execute(_insert(ROWS + 1, FILES * ROWS))
    key, storage = described.resolved.cursor.snapshot_columns, connections.storage(plan)
    loop = ChunkLoop(
        table=described.resolved,
        schema=described.schema,
        arrow_schema=arrow_schema(described.schema),
        source=connections.source(plan.source),
        storage=storage,
        run_id=request.run_id,
        day=datetime.now(UTC),
        chunk_rows=ROWS,
        budget=None,
        stopping=lambda: False,
        next_seq=state.next_seq,
    )
    files = [
        file_record(chunk, key, loop, seq=chunk.seq, kind="snapshot")
        for chunk in read_chunks(loop, ChunkQuery(order_by=key, after=(ROWS,)))
    ]
    document = storage.extract_states()
    document.read()
    document.write(state.register(files))
    return document.bucket.size(document.key) or 0


def _state_after_the_next_run(path: Path) -> int:
    """Bytes of the extract state once a run has forgotten the loaded files."""
    with Connections(load(path)) as connections:
        [plan] = connections.config.plans()
        described = pair.describe(plan, connections)
        request = ExtractRequest(new_run_id())
        report = pair.extract_table(described, request, connections, _nobody)
        if report.files:
            raise RuntimeError(f"{len(report.files)} files were extracted again")
        document = connections.storage(plan).extract_states()
        return document.bucket.size(document.key) or 0


def _nobody(*_event: object) -> None:
    """Nobody watches."""


def _sums(workspace: Workspace, name: str) -> tuple[str, ...]:
    settings = workspace.sandbox.settings
    with contextlib.closing(redshift_server.redshift_connection(settings)) as connection:
        cursor = connection.cursor()
        cursor.execute(f'SELECT {SUMS} FROM "bench_{name}"."{TABLE}"')
        return tuple(str(value) for value in cursor.fetchone() or ())
