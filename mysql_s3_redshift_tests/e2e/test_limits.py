"""Limits, ties and gaps: a run ends by its bound, an empty page or its limit, and by nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from mysql_s3_redshift.core.model import RunLimits
from mysql_s3_redshift_tests.faults.replication import Replication

STRATEGIES: dict[str, dict[str, Any]] = {
    "hybrid": {"cdc_strategy": "hybrid", "cdc_timestamp_column": "ts", "cdc_id_column": "id"},
    "timestamp_only": {"cdc_strategy": "timestamp_only", "cdc_timestamp_column": "ts"},
    "id_only": {"cdc_strategy": "id_only", "cdc_id_column": "id"},
    "full_sync": {"cdc_strategy": "full_sync", "load_mode": "replace"},
}


def make_table(replication: Replication, name: str, rows: int) -> None:
    """Ids with gaps, many equal timestamps."""
    replication.sql(
        f"CREATE TABLE `{name}` (id BIGINT PRIMARY KEY, ts DATETIME(6) NOT NULL, v INT, KEY (ts))",
        f"INSERT INTO `{name}` SELECT seq * 7, '2024-01-01' + INTERVAL seq DIV 40 SECOND, seq "
        f"FROM seq_1_to_{rows}",
    )


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_limit_takes_exactly_its_rows_and_the_next_run_goes_on_with_the_row_after(
    replication: Replication, strategy: str
) -> None:
    """I-03, I-04, I-10, I-21, I-22, I-23: 300 rows, runs of 70 in chunks of 30."""
    make_table(replication, "t", 300)
    replication.table("t", chunk_rows=30, **STRATEGIES[strategy])
    taken = []
    for _ in range(6):
        done = replication.sync("t", RunLimits(limit=70))
        taken.append(done.extract.rows)
    assert taken[:5] == [70, 70, 70, 70, 20]
    assert taken[5] == (0 if strategy != "full_sync" else 70)
    assert replication.target_rows("t") == replication.source_rows("t")
