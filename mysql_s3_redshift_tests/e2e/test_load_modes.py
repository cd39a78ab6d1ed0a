"""Load modes, windows and counts on real servers."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from mysql_s3_redshift.core.model import RunLimits, Window
from mysql_s3_redshift.errors import ConfigError, UnsupportedValueError
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


def test_counts_are_the_same_everywhere_for_110_files(replication: Replication) -> None:
    """I-01, I-02, I-06, I-08, I-12, I-19: files, listing, manifest, ledger, state."""
    make_table(replication, 1100)
    declare(replication, "append", chunk_rows=10)
    report = replication.extract("t")
    assert (len(report.files), report.rows) == (110, 1100)
    assert len(replication.objects()) == 110
    assert replication.extract_state("t").mysql_state.total_rows == 1100
    loaded = replication.load("t")
    assert len(loaded.files) == 110
    (manifest,) = replication.objects("loads")
    assert len(json.loads(replication.read_object(manifest))["entries"]) == 110
    assert len(replication.ledger("t")) == 110
    replication.check_evidence("t")
    assert_same(replication)


def test_max_files_bounds_the_load_alone(replication: Replication) -> None:
    """I-09: what is left stays pending, and the next load takes it."""
    make_table(replication)
    declare(replication, "append", chunk_rows=30)
    replication.extract("t")
    first = replication.load("t", max_files=3)
    assert (len(first.files), first.pending) == (3, 7)
    assert replication.target_rows("t").total() == 90
    assert replication.load("t", max_files=0).loads == ()
    assert len(replication.load("t").files) == 7
    assert_same(replication)


def test_reset_starts_a_history_at_zero_and_numbers_go_on(replication: Replication) -> None:
    """I-01, I-16: counts are those of the new generation, and no number is used twice."""
    make_table(replication)
    declare(replication, "upsert")
    replication.sync("t")
    state = replication.extract_state("t").reset()
    replication.put_object(
        replication.state_key("t"), state.model_dump_json(by_alias=True).encode()
    )
    assert replication.extract_state("t").mysql_state.total_rows == 0
    replication.sync("t")
    assert replication.extract_state("t").mysql_state.total_rows == 300
    assert replication.load_state("t").redshift_state.total_rows == 300
    assert [seq for *_, seq in replication.ledger("t")] == [1, 2, 3, 4, 5, 6]
    assert_same(replication)


def test_a_lost_extract_state_makes_no_file_count_as_loaded(replication: Replication) -> None:
    """I-15, I-18: a first run beside an old load state numbers its files after that."""
    make_table(replication)
    declare(replication, "upsert")
    replication.sync("t")
    replication.s3.delete_object(Bucket="lake", Key=replication.state_key("t"))
    replication.sql("UPDATE t SET v = -1 WHERE id = 7")
    done = replication.sync("t")
    assert [f.seq for f in done.load.files] == [4, 5, 6]
    assert done.extract.state.generation == 2
    assert_same(replication)


def test_a_lost_load_state_is_made_good_by_the_ledger(replication: Replication) -> None:
    """I-05, H-21: every file is found in the ledger and none is loaded again."""
    make_table(replication)
    declare(replication, "append")
    replication.sync("t")
    replication.s3.delete_object(Bucket="lake", Key=replication.state_key("t", load=True))
    done = replication.load("t")
    assert (done.loads, len(done.recovered), done.pending) == ((), 3, 0)
    assert_same(replication)
    replication.check_evidence("t")


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


def test_a_value_that_cannot_be_kept_stops_the_table_where_it_is(replication: Replication) -> None:
    """H-20: chunks before it are committed, the state tells the error, nothing is re-appended."""
    replication.sql(
        "CREATE TABLE t (id INT PRIMARY KEY, ts DATETIME NOT NULL, body LONGTEXT, KEY (ts))",
        "INSERT INTO t SELECT seq, '2024-01-01', IF(seq = 150, REPEAT('x', 70000), 'ok') "
        "FROM seq_1_to_300",
    )
    declare(replication, "append")
    for _ in range(2):
        with pytest.raises(UnsupportedValueError, match="body"):
            replication.sync("t")
        state = replication.extract_state("t").mysql_state
        assert (state.status, state.total_rows) == ("failed", 100)
    replication.sql("UPDATE t SET body = 'short' WHERE id = 150")
    replication.sync("t")
    assert_same(replication)
    replication.check_evidence("t")


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
