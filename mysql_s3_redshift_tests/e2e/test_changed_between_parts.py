"""A table's columns, key or options change between two runs that read parts of it."""

from __future__ import annotations

from datetime import datetime

import pytest

from mysql_s3_redshift.adapters.operations import (
    Operation,
    reset,
    restore,
    set_watermark,
)
from mysql_s3_redshift.core.model import RunLimits
from mysql_s3_redshift.core.operate import ManualChange
from mysql_s3_redshift.errors import ConfigError
from mysql_s3_redshift.sandbox.s3_server import BUCKET
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


@pytest.mark.parametrize("options", [HYBRID, FULL])
def test_a_table_that_becomes_replace_loses_the_rows_that_mysql_deleted(
    replication: Replication, options: dict[str, str]
):
    """H-25: though nothing changed since the last sync, each time that it becomes replace."""
    create(replication)
    for _ in range(2):
        replication.table("t", **options, load_mode="upsert")
        replication.sync("t")
        replication.sql("DELETE FROM t ORDER BY id LIMIT 1")
        replication.sync("t")
        replication.table("t", **options, load_mode="replace")
        replication.sync("t")
        assert replication.target_rows("t", "id, a, b, at") == replication.source_rows("t")
        assert replication.sync("t").extract.rows == 0


def test_files_that_wait_for_an_upsert_wait_no_longer_when_the_table_is_replaced(
    replication: Replication,
):
    """I-19: no file stays pending, and the lost load state of a replaced table counts all again."""
    create(replication)
    replication.table("t", **HYBRID, load_mode="upsert", chunk_rows=5)
    replication.sync("t")
    replication.sql("INSERT INTO t VALUES (21, 0, 0, NOW(6))", "DO SLEEP(0.001)")
    replication.extract("t")
    replication.table("t", **HYBRID, load_mode="replace", chunk_rows=5)
    assert replication.sync("t").load.pending == 0
    counted = replication.load_state("t").redshift_state.total_rows
    key = replication.state_key("t", load=True)
    replication.s3.delete_object(Bucket=BUCKET, Key=key)
    assert replication.sync("t").load.pending == 0
    assert replication.load_state("t").redshift_state.total_rows == counted
    replication.check_evidence("t", superseded=True)


BY_TIME = {"cdc_strategy": "timestamp_only", "cdc_timestamp_column": "at", "chunk_rows": 3}
KEYED = "CREATE TABLE t (id INT, a INT, at DATETIME(6) NOT NULL, PRIMARY KEY (id, a))"
ROWS = "SELECT seq, (seq * 7) % 41, {} + INTERVAL seq DIV 10 MICROSECOND FROM seq_1_to_40"


@pytest.mark.parametrize("mode", ["append", "upsert"])
@pytest.mark.parametrize("key", ["a", "a, id"])
def test_a_first_extraction_goes_on_by_the_key_that_it_began_by(
    replication: Replication, mode: str, key: str
):
    """I-03, H-03: a position in one key is none in another."""
    replication.sql(KEYED, f"INSERT INTO t {ROWS.format(repr('2025-01-01'))}")
    replication.table("t", **BY_TIME, load_mode=mode)
    replication.sync("t", RunLimits(limit=14))
    replication.sql(f"ALTER TABLE t DROP PRIMARY KEY, ADD PRIMARY KEY ({key})")
    assert replication.sync("t").extract.rows == 26
    assert replication.target_rows("t") == replication.source_rows("t")


def begin_an_increment(replication: Replication, mode: str) -> None:
    """Four times ten rows with one timestamp; the second ten are read in part."""
    replication.sql(KEYED)
    replication.table("t", **BY_TIME, load_mode=mode)
    replication.sync("t")
    replication.sql(f"INSERT INTO t {ROWS.format('NOW(6)')}", "DO SLEEP(0.01)")
    assert replication.sync("t", RunLimits(limit=14)).extract.rows == 14


def test_an_upsert_reads_the_newest_ties_again_when_another_key_breaks_them(
    replication: Replication,
):
    """H-02, H-03"""
    begin_an_increment(replication, "upsert")
    replication.sql("ALTER TABLE t DROP PRIMARY KEY, ADD PRIMARY KEY (a, id)")
    replication.sync("t")
    assert replication.target_rows("t") == replication.source_rows("t")


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("append", BY_TIME),
        ("upsert", {**BY_TIME, "cdc_timestamp_column": "other"}),
    ],
)
def test_a_watermark_of_another_cursor_is_refused_until_a_reset(
    replication: Replication, mode: str, options: dict[str, object]
):
    """I-15, H-03: rows below another column's watermark would never be read."""
    begin_an_increment(replication, mode)
    replication.sql(
        "ALTER TABLE t DROP PRIMARY KEY, ADD PRIMARY KEY (a, id), "
        "ADD COLUMN other DATETIME(6) NOT NULL DEFAULT '2025-01-01'"
    )
    replication.table("t", **options, load_mode=mode)
    with pytest.raises(ConfigError, match="the stored position is one in"):
        replication.sync("t")
    plan = replication.plan("t")
    with replication.connections() as connections:
        change = ManualChange("watermark-reset", "a test", "")
        reset(Operation(plan, connections, change), mysql=True, redshift=True, truncate=True)
    replication.sync("t")
    assert replication.target_rows("t", "id, a, at") == replication.source_rows("t", "id, a, at")


def test_a_position_that_is_restored_is_one_in_the_columns_of_its_time(replication: Replication):
    """I-15, H-03: it was made by (at, b); read as one in (at, id), it would pass all ties by."""
    create(replication)
    options = {**HYBRID, "load_mode": "upsert", "start_from": "2025-01-01"}
    replication.table("t", **options | {"cdc_id_column": "b"})
    replication.sync("t", PART)
    plan = replication.plan("t")
    with replication.connections() as connections:
        note = Operation(plan, connections, ManualChange("watermark-set", "a test", ""))
        set_watermark(note, timestamp=datetime(2025, 1, 1), identity="1010")  # noqa: DTZ001
        replication.table("t", **options)
        assert replication.sync("t").extract.rows == 20
        replication.sql("UPDATE t SET a = 0, at = at")
        back = Operation(plan, connections, ManualChange("watermark-restore", "a test", ""))
        restore(back, back.states.history()[0].name)
    assert replication.sync("t").extract.rows == 20
    assert replication.target_rows("t", "id, a, b, at") == replication.source_rows("t")


@pytest.mark.parametrize("key", ["a, id", "a"])
def test_an_append_goes_on_by_the_former_key_where_the_file_names_it(
    replication: Replication, key: str
):
    """H-02, H-03"""
    begin_an_increment(replication, "append")
    replication.sql(f"ALTER TABLE t DROP PRIMARY KEY, ADD PRIMARY KEY ({key})")
    with pytest.raises(ConfigError, match="the stored position is one in"):
        replication.sync("t")
    replication.table("t", **BY_TIME, load_mode="append", primary_key=["id", "a"])
    assert replication.sync("t").extract.rows == 26
    assert replication.target_rows("t") == replication.source_rows("t")
