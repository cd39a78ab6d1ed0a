"""Orders of some days, and windows of them that are read in slices."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from mysql_s3_redshift.core.model import Window
from mysql_s3_redshift.core.reload_state import Reload
from mysql_s3_redshift_tests.faults.replication import Replication

FIRST = datetime(2024, 3, 30)  # noqa: DTZ001  data has no zone
DAYS = 3
HYBRID = {"cdc_strategy": "hybrid", "cdc_timestamp_column": "ts"}
BY_ID = {"cdc_strategy": "id_only", "cdc_id_column": "id"}


def days(first: int, last: int, *, daily: bool = False) -> Window:
    """The window of some days, counted from `FIRST`."""
    start, stop = FIRST + timedelta(days=first), FIRST + timedelta(days=last + 1)
    return Window(start, stop, "made", daily=daily)


ALL = days(0, DAYS - 1)


def make_orders(replication: Replication, table: str, mode: str, **options: Any) -> None:
    """Forty orders a day, by id; two days before the windows have forty together. All is loaded."""
    replication.sql(
        f"CREATE TABLE `{table}` (id INT PRIMARY KEY AUTO_INCREMENT, made DATETIME(6), "
        "ts DATETIME(6) NOT NULL, v INT, KEY (ts, id), KEY (made))",
        f"INSERT INTO `{table}` (id, made, ts, v) SELECT seq * 3, '{FIRST}' - INTERVAL 1441 "
        "MINUTE + INTERVAL seq * 36 MINUTE, NOW(6) - INTERVAL 1 HOUR, seq FROM seq_1_to_160",
    )
    options = {**HYBRID, "load_mode": mode, "chunk_rows": 20, "slices": 4, **options}
    replication.table(table, **options)
    replication.sync(table)


def assert_same(replication: Replication, table: str) -> None:
    assert replication.target_rows(table) == replication.source_rows(table)
    replication.check_evidence(table)


def reload_of(replication: Replication, table: str) -> Reload | None:
    return replication.extract_state(table).mysql_state.reload
