"""The ledger: what a load asks of it, by the number of files that were ever loaded."""

from __future__ import annotations

import contextlib
import time
from typing import Any

from benchmarks.workspace import Workspace
from mysql_s3_redshift.adapters.redshift import sql
from mysql_s3_redshift.sandbox import redshift_server

ROWS = (1_000, 10_000, 100_000, 1_000_000)
LEDGER = '"bench_scale_ledger"."ledger"'
ASKED = 1_000
"""Files of one load."""


def run(workspace: Workspace) -> list[dict[str, Any]]:
    """Fill a ledger by doubling it, and ask what every load asks. The Redshift is the stand-in."""
    found = []
    settings = workspace.sandbox.settings
    with contextlib.closing(redshift_server.redshift_connection(settings)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute('DROP SCHEMA IF EXISTS "bench_scale_ledger" CASCADE')
        cursor.execute('CREATE SCHEMA "bench_scale_ledger"')
        cursor.execute(sql.create_ledger(LEDGER))
        cursor.execute(
            f"INSERT INTO {LEDGER} (load_id, generation, seq, uri, rows, bytes) "
            f"VALUES ('load', 1, 1, 's3://lake/{'x' * 160}/00000001.parquet', 500000, 21345678)"
        )
        rows = 1
        for wanted in ROWS:
            while rows < wanted:
                more = min(rows, wanted - rows)
                cursor.execute(
                    f"INSERT INTO {LEDGER} (load_id, generation, seq, uri, rows, bytes) "
                    f"SELECT load_id, generation, seq + {rows}, uri || '', rows, bytes "
                    f"FROM {LEDGER} WHERE seq <= {more}"
                )
                rows += more
            cursor.execute(f"ANALYZE {LEDGER}")
            found.append({"rows": rows, "known": _known(cursor, rows), "newest": _newest(cursor)})
        cursor.execute('DROP SCHEMA "bench_scale_ledger" CASCADE')
    return found


def _known(cursor: Any, rows: int) -> float:
    """Seconds of the look-up that every load begins with: which of its files are there."""
    cursor.paramstyle = "qmark"
    began = time.perf_counter()
    cursor.execute(sql.ledger_files(LEDGER), (rows - ASKED + 1, rows))
    files = cursor.fetchall()
    seconds = time.perf_counter() - began
    if len(files) != ASKED:
        raise RuntimeError(f"{len(files)} files found, {ASKED} asked for")
    return seconds


def _newest(cursor: Any) -> float:
    began = time.perf_counter()
    cursor.execute(sql.newest_file(LEDGER))
    cursor.fetchall()
    return time.perf_counter() - began
