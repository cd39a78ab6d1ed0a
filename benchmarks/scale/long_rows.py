"""A table of 20 million rows that is really extracted: what a chunk costs, early and late."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from benchmarks.timing import run_program
from benchmarks.workspace import Workspace

MILLIONS = 20
DATABASE, TABLE = "bench_long", "events"
TIMEOUT = 900


def run(workspace: Workspace) -> dict[str, Any]:
    """Extract it in a process of its own that looks at itself after every chunk."""
    name = workspace.fresh("scale_rows")
    path = workspace.config(name, f"      {DATABASE}.{TABLE}: {{}}\n")
    with _table(workspace) as data_bytes:
        program = [sys.executable, "-m", "benchmarks.programs.long_extract", str(path), TABLE]
        done = run_program(program, timeout=TIMEOUT)
    workspace.forget(name)
    if done.error or done.facts["rows"] != MILLIONS * 1_000_000:
        raise RuntimeError(f"{done.facts.get('rows')} rows. {done.error}")
    return {
        "millions": MILLIONS,
        "data_bytes": data_bytes,
        "peak_mb": done.peak_mb,
        "cpu": done.cpu,
        **done.facts,
    }


@contextlib.contextmanager
def _table(workspace: Workspace) -> Iterator[int]:
    """The source table, for as long as it is needed; gives the bytes of rows and index.

    The index is made behind the rows, which is faster than with them.
    """
    with workspace.admin(None) as connection, connection.cursor() as cursor:
        connection.autocommit(True)
        cursor.execute(f"CREATE OR REPLACE DATABASE {DATABASE}")
        connection.select_db(DATABASE)
        cursor.execute(
            f"CREATE TABLE {TABLE} (id BIGINT PRIMARY KEY, customer_id INT NOT NULL, "
            "amount DECIMAL(12,2) NOT NULL, note VARCHAR(24), updated_at DATETIME(6) NOT NULL)"
        )
        for million in range(MILLIONS):
            cursor.execute(
                f"INSERT INTO {TABLE} SELECT seq, CRC32(seq) % 200000, seq % 100000 / 100, "
                "IF(seq % 4, CONCAT('order ', seq), NULL), '2023-01-01' + INTERVAL seq SECOND "
                f"FROM seq_{million * 1_000_000 + 1}_to_{(million + 1) * 1_000_000}"
            )
        cursor.execute(f"ALTER TABLE {TABLE} ADD KEY (updated_at, id)")
        cursor.execute(f"ANALYZE TABLE {TABLE}")
        cursor.fetchall()
        cursor.execute(
            "SELECT data_length + index_length FROM information_schema.tables "
            f"WHERE table_schema = '{DATABASE}'"
        )
        [size] = cursor.fetchone() or (0,)
        yield int(size)
        cursor.execute(f"DROP DATABASE {DATABASE}")
