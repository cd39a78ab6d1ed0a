"""Windows of the cursor's own column, loaded again."""

from __future__ import annotations

import pytest

from mysql_s3_redshift.core.model import RunLimits
from mysql_s3_redshift.errors import ConfigError
from mysql_s3_redshift_tests.e2e.minutes import assert_same, declare, make_table, window
from mysql_s3_redshift_tests.faults.replication import Replication


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_a_window_is_reloaded_and_the_watermark_stays(replication: Replication, mode: str) -> None:
    """I-24, I-47: half-open windows that meet share no row and lose none."""
    make_table(replication)
    declare(replication, mode)
    replication.sync("t")
    before = replication.extract_state("t").mysql_state
    replication.sql("UPDATE t SET v = -v, ts = ts")
    for start, end in (("01:00", "02:00"), ("02:00", "03:00")):
        report = replication.sync("t", window=window(f"2024-01-01 {start}", f"2024-01-01 {end}"))
        assert report.extract.rows == 60
    rows = replication.target_rows("t")
    assert rows.total() == 300
    assert sum(1 for row in rows if row[2] < 0) == 120
    after = replication.extract_state("t").mysql_state
    assert (after.last_timestamp, after.last_id) == (before.last_timestamp, before.last_id)
    whole = window("2023-01-01", "2030-01-01")
    assert replication.sync("t", window=whole).extract.rows == 300
    assert_same(replication)


def test_a_window_takes_rows_that_were_deleted_out_of_an_appended_target(
    replication: Replication,
) -> None:
    """An empty window is a file without rows: it deletes, and it is counted as loaded."""
    make_table(replication)
    declare(replication, "append")
    replication.sync("t")
    replication.sql("DELETE FROM t WHERE id BETWEEN 60 AND 119")
    done = replication.sync("t", window=window("2024-01-01 01:00", "2024-01-01 02:00"))
    assert [f.rows for f in done.extract.files] == [0]
    assert_same(replication)


def test_windows_that_cannot_be_are_refused_before_anything_is_read(
    replication: Replication,
) -> None:
    """A window without time, without an end, or that the load would refuse for ever."""
    make_table(replication)
    anything = window("2024-01-01", "2025-01-01")
    replication.sql(
        "CREATE TABLE e (id INT PRIMARY KEY, ts DATETIME NOT NULL, v INT, KEY (ts))",
        "INSERT INTO e SELECT seq, '2024-01-01' + INTERVAL seq SECOND, seq FROM seq_1_to_10",
    )
    declare(replication, "append", "e", columns={"hash": ["ts"], "hash_salt": "salt"})
    declare(replication, "append", cdc_strategy="id_only", cdc_timestamp_column=None)
    replication.sync("e")
    replication.sync("t")
    for table in ("e", "t"):
        with pytest.raises(ConfigError):
            replication.extract(table, window=anything)
        assert replication.load(table).pending == 0
    declare(replication, "append", name="t2")
    make_table(replication, name="t2")
    with pytest.raises(ConfigError, match="not complete"):
        replication.extract("t2", window=anything)
    replication.sync("t2")
    with pytest.raises(ConfigError, match="more rows than the limit"):
        replication.extract("t2", RunLimits(limit=10), window=anything)
    assert replication.load("t2").pending == 0


def test_old_windows_never_overwrite_newer_rows(replication: Replication) -> None:
    """Upsert by version: a replay of old files leaves the newest version."""
    make_table(replication)
    declare(replication, "upsert")
    replication.extract("t")
    old = window("2024-01-01", "2024-01-01 05:00")
    replication.extract("t", window=old)
    replication.sql("UPDATE t SET v = -v, ts = NOW(6) WHERE id % 2 = 0")
    replication.sync("t")
    assert_same(replication)
