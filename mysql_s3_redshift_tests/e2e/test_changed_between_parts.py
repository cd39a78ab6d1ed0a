"""A table or its options change while a whole-table read waits for its next part."""

from __future__ import annotations

import pytest

from mysql_s3_redshift.core.model import RunLimits
from mysql_s3_redshift.errors import ConfigError
from mysql_s3_redshift_tests.faults.replication import Replication

PART = RunLimits(limit=10)
REPLACE = {"cdc_strategy": "full_sync", "load_mode": "replace", "chunk_rows": 5}
HYBRID = {"cdc_strategy": "hybrid", "cdc_timestamp_column": "at", "cdc_id_column": "id"}
FULL = {"cdc_strategy": "full_sync"}


def create(replication: Replication) -> None:
    """A table of twenty rows."""
    replication.sql(
        "CREATE TABLE t (id INT PRIMARY KEY, a INT NOT NULL, b INT, at DATETIME(6), KEY (at, id))",
        "INSERT INTO t SELECT seq, 100 - seq, 1000 + seq, '2025-01-01' FROM seq_1_to_20",
    )


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE t MODIFY b INT AFTER id",
        "ALTER TABLE t ADD COLUMN c INT DEFAULT 5",
        "ALTER TABLE t DROP PRIMARY KEY, ADD PRIMARY KEY (a)",
        "ALTER TABLE t DROP PRIMARY KEY, ADD PRIMARY KEY (a, id)",
    ],
)
def test_a_snapshot_begins_anew_when_columns_or_key_change_between_its_parts(
    replication: Replication, change: str
):
    """I-25: COPY matches columns by their places, so files of two schemas are no set."""
    create(replication)
    replication.table("t", **REPLACE)
    replication.sync("t", PART)
    replication.sql(change)
    assert replication.sync("t").extract.rows == 20
    assert replication.target_rows("t", "id, a, b") == replication.source_rows("t", "id, a, b")
    replication.check_evidence("t", superseded=True)


@pytest.mark.parametrize(
    ("options", "before", "after"),
    [
        (HYBRID, "replace", "append"),
        (HYBRID, "replace", "upsert"),
        (FULL, "replace", "upsert"),
        (FULL, "upsert", "replace"),
    ],
)
def test_a_load_mode_stays_until_the_snapshot_that_was_read_for_it_is_loaded(
    replication: Replication, options: dict[str, str], before: str, after: str
):
    """H-25, I-36: a part of a snapshot is neither appended nor does it replace the rest."""
    create(replication)
    replication.table("t", **options, load_mode=before)
    replication.sync("t", PART)
    replication.table("t", **options, load_mode=after)
    for half in (replication.extract, replication.load):
        with pytest.raises(ConfigError, match=f"read for {before} is not complete"):
            half("t")
    replication.table("t", **options, load_mode=before)
    extracted = replication.extract("t")
    replication.table("t", **options, load_mode=after)
    with pytest.raises(ConfigError, match="on S3 and not loaded"):
        replication.load("t", state=extracted.state)
    replication.table("t", **options, load_mode=before)
    replication.load("t")
    replication.table("t", **options, load_mode=after)
    replication.sql("UPDATE t SET b = 0, at = NOW(6) WHERE id IN (3, 15)", "DO SLEEP(0.001)")
    replication.sync("t")
    missing = replication.source_rows("t") - replication.target_rows("t", "id, a, b, at")
    assert not missing
