"""Small tables of a pipeline, and its `pipelines.yaml` for an engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from mysql_s3_redshift_tests.faults.replication import Replication


def make_tables(replication: Replication, count: int, *, rows: int, chunk_rows: int) -> list[str]:
    """Tables `t0`, `t1`, … of so many rows."""
    names = [f"t{number}" for number in range(count)]
    for name in names:
        replication.sql(
            f"CREATE TABLE {name} (id BIGINT PRIMARY KEY, ts DATETIME(6) NOT NULL, v INT, "
            "KEY (ts, id))",
            f"INSERT INTO {name} SELECT seq, '2025-01-01' + INTERVAL seq SECOND, seq % 7 "
            f"FROM seq_1_to_{rows}",
        )
        replication.table(
            name,
            cdc_strategy="hybrid",
            cdc_timestamp_column="ts",
            cdc_id_column="id",
            chunk_rows=chunk_rows,
        )
    return names


def write_config(replication: Replication, path: Path, execution: dict[str, Any]) -> Path:
    """The replication's `pipelines.yaml` with a section `execution`."""
    document = yaml.safe_load(replication.config_path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump({**document, "execution": execution}), encoding="utf-8")
    return path


def assert_exact(replication: Replication, names: list[str]) -> None:
    """Every table has the rows of its source, and all evidence agrees."""
    for name in names:
        assert replication.target_rows(name) == replication.source_rows(name)
        replication.check_evidence(name)
