"""Append, upsert and replace on real servers."""

from __future__ import annotations

from collections import Counter

import pytest

from mysql_s3_redshift.core.model import RunLimits
from mysql_s3_redshift.errors import ConfigError
from mysql_s3_redshift_tests.e2e.minutes import assert_same, declare, make_table
from mysql_s3_redshift_tests.faults.replication import Replication


def test_a_whole_table_that_is_read_in_parts_may_have_any_name_in_its_key(replication):
    """Of the words that the documents use, too."""
    replication.sql(
        "CREATE TABLE t (a INT, `set` INT, set_id INT, PRIMARY KEY (a, `set`, set_id))",
        "INSERT INTO t SELECT seq DIV 50, seq % 50, 7 FROM seq_1_to_120",
    )
    replication.table("t", cdc_strategy="full_sync", load_mode="replace")
    for _ in range(2):
        assert replication.sync("t", RunLimits(limit=45)).load.loads == ()
    replication.sync("t", RunLimits(limit=45))
    assert replication.target_rows("t") == replication.source_rows("t")


def test_replace_swaps_in_one_transaction_and_keeps_views_and_grants(
    replication: Replication,
) -> None:
    """I-38, P-08: rows that vanished in MySQL vanish, dependent views and grants stay."""
    make_table(replication)
    replication.table("t", cdc_strategy="full_sync", load_mode="replace", chunk_rows=100)
    replication.sync("t")
    schema = replication.schema
    user = f"u_{schema}"
    replication.redshift(
        f'CREATE VIEW "{schema}".seen AS SELECT COUNT(*) AS n FROM "{schema}".t',
        f"CREATE USER {user} PASSWORD 'Sandbox-1234'",
        f'GRANT SELECT ON "{schema}".t TO {user}',
    )
    replication.sql("DELETE FROM t WHERE id > 100")
    replication.sync("t")
    assert_same(replication)
    assert replication.redshift(f'SELECT n FROM "{schema}".seen') == [(100,)]
    granted = f"SELECT HAS_TABLE_PRIVILEGE('{user}', '{schema}.t', 'select')"
    assert replication.redshift(granted) == [(True,)]
    replication.redshift(f'REVOKE ALL ON "{schema}".t FROM {user}', f"DROP USER {user}")


def test_replace_never_empties_the_target_unless_it_may(replication: Replication) -> None:
    """I-38, H-25: an empty source is an error by default, and the old rows stay."""
    make_table(replication)
    replication.table("t", cdc_strategy="full_sync", load_mode="replace")
    replication.sync("t")
    replication.sql("DELETE FROM t")
    for _ in range(2):
        with pytest.raises(ConfigError, match="allow_empty"):
            replication.sync("t")
        assert replication.target_rows("t").total() == 300
    replication.table("t", cdc_strategy="full_sync", load_mode="replace", allow_empty=True)
    replication.sync("t")
    assert replication.target_rows("t").total() == 0
    replication.sql("INSERT INTO t VALUES (1, NOW(), 1)")
    replication.sync("t")
    assert_same(replication)


def test_a_full_snapshot_without_changes_loads_nothing(replication: Replication) -> None:
    """I-21: pages advance; the same content is thrown away, a change of one value is not."""
    make_table(replication, 100)
    replication.table("t", cdc_strategy="full_sync", load_mode="append", chunk_rows=30)
    done = replication.sync("t")
    assert [f.rows for f in done.extract.files] == [30, 30, 30, 10]
    again = replication.sync("t")
    assert (again.extract.files, again.load.files) == ((), ())
    assert len(replication.objects()) == 4
    replication.sql("UPDATE t SET v = 0 WHERE id = 100")
    assert replication.sync("t").extract.rows == 100


def test_a_table_without_key_and_an_empty_table(replication: Replication) -> None:
    """Duplicates are rows; an empty table has a target before its first row comes."""
    replication.sql(
        "CREATE TABLE bag (a INT, b VARCHAR(10))",
        "INSERT INTO bag SELECT seq % 3, 'x' FROM seq_1_to_30",
        "CREATE TABLE void (id INT PRIMARY KEY, b VARCHAR(10))",
    )
    replication.table("bag", load_mode="replace")
    replication.table("void")
    for table in ("bag", "void"):
        replication.sync(table)
        assert_same(replication, table)
    replication.sql("INSERT INTO void VALUES (1, 'x')", "INSERT INTO bag VALUES (9, NULL)")
    for table in ("bag", "void"):
        replication.sync(table)
        assert_same(replication, table)


def test_upsert_keeps_the_newest_version_of_a_key_that_is_none(replication: Replication) -> None:
    """P-12: several versions in one batch: the newest wins; equal ones that differ are refused."""
    replication.sql(
        "CREATE TABLE log (n INT PRIMARY KEY AUTO_INCREMENT, k INT NOT NULL, ts DATETIME NOT NULL, "
        "v INT, KEY (ts))",
        "INSERT INTO log (k, ts, v) SELECT seq % 10, '2024-01-01' + INTERVAL seq SECOND, seq "
        "FROM seq_1_to_100",
    )
    options = {"cdc_timestamp_column": "ts", "primary_key": ["k"], "chunk_rows": 30}
    replication.table("log", cdc_strategy="timestamp_only", load_mode="upsert", **options)
    replication.sync("log")
    newest = replication.sql("SELECT k, MAX(v) FROM log GROUP BY k")
    assert replication.target_rows("log", "k, v") == Counter(newest)
    replication.sql(
        "INSERT INTO log (k, ts, v) VALUES (1, NOW(), 7), (1, NOW(), 8)", "DO SLEEP(1.1)"
    )
    with pytest.raises(ConfigError, match="is not a key"):
        replication.sync("log")
    assert replication.target_rows("log", "k, v") == Counter(newest)


def test_columns_that_appear_between_extraction_and_load(replication: Replication) -> None:
    """I-25, I-26: old files load with their own columns, Redshift's own columns stay."""
    make_table(replication)
    declare(replication, "append")
    replication.extract("t")
    replication.sql(
        "ALTER TABLE t ADD COLUMN a VARCHAR(10) DEFAULT 'x', ADD COLUMN b INT",
        "INSERT INTO t VALUES (301, NOW(6), 1, 'y', 2)",
    )
    replication.sync("t")
    columns = "id, ts, v"
    assert replication.target_rows("t", columns) == replication.source_rows("t", columns)
    assert replication.target_rows("t", "a, b") == Counter({(None, None): 300, ("y", 2): 1})
    replication.redshift(
        f"ALTER TABLE \"{replication.schema}\".t ADD COLUMN loaded_by VARCHAR(10) DEFAULT 'etl'"
    )
    replication.sql("INSERT INTO t VALUES (302, NOW(6), 1, 'z', 3)")
    replication.sync("t")
    assert replication.target_rows("t", "id, a, b") >= Counter({(302, "z", 3): 1})


def test_a_date_is_a_cursor(replication: Replication) -> None:
    """I-11: increments go on after a watermark that is a day; the days up to today are complete."""
    replication.sql(
        "CREATE TABLE t (id INT PRIMARY KEY, d DATE NOT NULL, KEY (d, id))",
        "INSERT INTO t SELECT seq, '2024-01-01' + INTERVAL seq DIV 7 DAY FROM seq_1_to_20",
    )
    cursor = {"cdc_timestamp_column": "d", "start_from": "2024-01-01", "chunk_rows": 6}
    replication.table("t", cdc_strategy="hybrid", load_mode="append", **cursor)
    assert replication.sync("t").extract.rows == 20
    replication.sql("INSERT INTO t SELECT seq, '2024-01-09' FROM seq_21_to_30")
    assert replication.sync("t").extract.rows == 10
    assert_same(replication)


def test_keys_that_differ_in_trailing_blanks_are_different_rows(replication: Replication) -> None:
    """P-12. Redshift compares VARCHARs without their trailing blanks; MySQL 8 compares with them.

    Each row comes once in a load of its own and once in a load with all the others.
    """
    assert replication.redshift(
        "SELECT COUNT(DISTINCT x) FROM (SELECT CAST('a' AS VARCHAR) AS x "
        "UNION ALL SELECT CAST('a ' AS VARCHAR)) k"
    ) == [(1,)], "the stand-in does as Redshift does"
    replication.sql(
        "CREATE TABLE t (k VARCHAR(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin PRIMARY KEY, "
        "v VARCHAR(9), ts DATETIME(6) NOT NULL, KEY (ts, k))"
    )
    declare(replication, "upsert", cdc_strategy="timestamp_only")
    replication.sql("INSERT INTO t VALUES ('a', '1', NOW(6))")
    replication.sync("t")
    replication.sql("INSERT INTO t VALUES ('a ', '1', NOW(6))")
    replication.sync("t")
    assert_same(replication)
    replication.sql(
        "INSERT INTO t VALUES ('', '2', NOW(6)), (' ', '2', NOW(6))",
        "UPDATE t SET v = CONCAT(v, ' '), ts = NOW(6)",
    )
    replication.sync("t")
    assert_same(replication)
    assert len(replication.target_rows("t")) == 4
    replication.check_evidence("t")
