"""A table with one row a minute, for tests of load modes, windows and counts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from mysql_s3_redshift.core.model import Window
from mysql_s3_redshift_tests.faults.replication import Replication


def make_table(replication: Replication, rows: int = 300, name: str = "t") -> None:
    """One row a minute from 2024-01-01 on."""
    replication.sql(
        f"CREATE TABLE {name} (id INT PRIMARY KEY, ts DATETIME(6) NOT NULL, v INT, KEY (ts, id))",
        f"INSERT INTO {name} SELECT seq, '2024-01-01' + INTERVAL seq MINUTE, seq "
        f"FROM seq_1_to_{rows}",
    )


def declare(replication: Replication, mode: str, name: str = "t", **options: Any) -> None:
    chosen = {"cdc_timestamp_column": "ts", "cdc_strategy": "hybrid", "chunk_rows": 100}
    replication.table(name, load_mode=mode, **{**chosen, **options})


def assert_same(replication: Replication, table: str = "t") -> None:
    assert replication.target_rows(table) == replication.source_rows(table)


def window(start: str, end: str) -> Window:
    return Window(datetime.fromisoformat(start), datetime.fromisoformat(end))
