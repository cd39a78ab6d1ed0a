"""Tables with ids that have gaps and timestamps that are equal or NULL, for tests of slices."""

from __future__ import annotations

from mysql_s3_redshift_tests.faults.replication import Replication

BY_TIME = {"cdc_strategy": "timestamp_only", "cdc_timestamp_column": "ts"}
BY_ID = {"cdc_strategy": "id_only", "cdc_id_column": "id"}
HYBRID = {"cdc_strategy": "hybrid", "cdc_timestamp_column": "ts", "cdc_id_column": "id"}


def make_table(replication: Replication, name: str, rows: int = 300) -> None:
    """Ids with gaps, equal timestamps, some of them NULL."""
    replication.sql(
        f"CREATE TABLE `{name}` (id BIGINT PRIMARY KEY AUTO_INCREMENT, ts DATETIME(6) NULL "
        "DEFAULT NOW(6) ON UPDATE NOW(6), v INT, KEY (ts))",
        f"INSERT INTO `{name}` SELECT seq * 7, IF(seq % 29, '2024-01-01' + INTERVAL seq DIV 40 "
        f"SECOND, NULL), seq FROM seq_1_to_{rows}",
    )


def assert_same(replication: Replication, table: str, columns: str = "*") -> None:
    """Source and target have the same rows, and all evidence agrees."""
    assert replication.target_rows(table) == replication.source_rows(table, columns)
    replication.check_evidence(table)
