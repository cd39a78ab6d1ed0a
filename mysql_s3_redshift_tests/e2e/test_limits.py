"""Limits, ties, gaps and odd keys: a run ends by its bound, an empty page or its limit alone."""

from __future__ import annotations

from typing import Any

import pytest

from mysql_s3_redshift.core.model import RunLimits
from mysql_s3_redshift.errors import ConfigError, UnsupportedValueError
from mysql_s3_redshift_tests.faults.replication import Replication

HYBRID = {"cdc_strategy": "hybrid", "cdc_timestamp_column": "ts", "cdc_id_column": "id"}
BY_TIME = {"cdc_strategy": "timestamp_only", "cdc_timestamp_column": "ts"}
STRATEGIES: dict[str, dict[str, Any]] = {
    "hybrid": HYBRID,
    "timestamp_only": BY_TIME,
    "id_only": {"cdc_strategy": "id_only", "cdc_id_column": "id"},
    "full_sync": {"cdc_strategy": "full_sync", "load_mode": "replace"},
    "custom_sql": {
        "cdc_strategy": "custom_sql",
        "query": "SELECT id, ts, v FROM {database}.t",
        "cdc_timestamp_column": "ts",
        "primary_key": ["id"],
    },
}


def make_table(replication: Replication, name: str, rows: int) -> None:
    """Ids with gaps, many equal timestamps."""
    replication.sql(
        f"CREATE TABLE `{name}` (id BIGINT PRIMARY KEY, ts DATETIME(6) NOT NULL, v INT, KEY (ts))",
        f"INSERT INTO `{name}` SELECT seq * 7, '2024-01-01' + INTERVAL seq DIV 40 SECOND, seq "
        f"FROM seq_1_to_{rows}",
    )


def declare(replication: Replication, strategy: str, **options: Any) -> None:
    """Put table `t` into the pipeline under a strategy."""
    chosen = dict(STRATEGIES[strategy])
    if "query" in chosen:
        chosen["query"] = chosen["query"].format(database=replication.database)
    replication.table("t", **chosen, **options)


def assert_same(replication: Replication, table: str = "t", target: str | None = None) -> None:
    """Source and target have the same rows."""
    assert replication.target_rows(target or table) == replication.source_rows(table)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_limit_takes_exactly_its_rows_and_the_next_run_goes_on_with_the_row_after(
    replication: Replication, strategy: str
) -> None:
    """I-03, I-04, I-10, I-21, I-22, I-23, H-02: 300 rows, runs of 70 in chunks of 30."""
    make_table(replication, "t", 300)
    declare(replication, strategy, chunk_rows=30)
    taken = [replication.extract("t", RunLimits(limit=70)).rows for _ in range(5)]
    assert taken == [70, 70, 70, 70, 20]
    replication.load("t")
    assert_same(replication)
    if strategy != "full_sync":
        again = replication.extract("t")
        assert (again.rows, again.note) == (0, "nothing new")
        state = again.state.mysql_state
        assert state.last_id in {None, 2100}
        assert state.total_rows == 300


def test_limit_times_chunks_is_the_cap(replication: Replication) -> None:
    """I-10: `--limit 40 --max-chunks 3` reads three files of forty rows."""
    make_table(replication, "t", 300)
    declare(replication, "hybrid")
    report = replication.extract("t", RunLimits(limit=40, max_chunks=3))
    assert [f.rows for f in report.files] == [40, 40, 40]
    assert report.files[-1].last["id"] == 840
    report = replication.extract("t", RunLimits(max_chunks=1))
    assert report.rows == 180


def test_sparse_ids_end_no_run_early(replication: Replication) -> None:
    """I-22: ids in steps of 1,000 make full chunks."""
    replication.sql(
        "CREATE TABLE t (id BIGINT PRIMARY KEY, v INT)",
        "INSERT INTO t SELECT seq * 1000, seq FROM seq_1_to_5000",
    )
    replication.table("t", chunk_rows=1000, cdc_strategy="id_only", cdc_id_column="id")
    report = replication.sync("t").extract
    assert [f.rows for f in report.files] == [1000] * 5
    assert_same(replication)


def test_ties_larger_than_a_chunk_are_exact_without_any_key(replication: Replication) -> None:
    """H-02: without a key a chunk grows to the end of its group of equal timestamps."""
    replication.sql(
        "CREATE TABLE t (ts DATETIME NULL, v INT, KEY (ts))",
        "INSERT INTO t SELECT '2024-01-01' + INTERVAL seq DIV 100 SECOND, seq FROM seq_1_to_450",
        "INSERT INTO t SELECT NULL, seq FROM seq_1_to_35",
    )
    replication.table("t", chunk_rows=60, load_mode="append", **BY_TIME)
    report = replication.sync("t").extract
    assert [f.rows for f in report.files] == [35, 99, 100, 100, 100, 51]
    assert_same(replication)
    replication.sql("INSERT INTO t VALUES (NOW(), -1), (NOW(), -2)", "DO SLEEP(1.1)")
    assert replication.sync("t").extract.rows == 2
    assert_same(replication)


def test_a_limit_inside_a_group_of_ties_ends_the_run_before_the_group(
    replication: Replication,
) -> None:
    """I-10: the limit is never passed; the next run takes the group, or says that it cannot."""
    replication.sql(
        "CREATE TABLE t (ts DATETIME NOT NULL, v INT, KEY (ts))",
        "INSERT INTO t SELECT '2024-01-01' + INTERVAL seq DIV 20 SECOND, seq FROM seq_1_to_100",
        "INSERT INTO t SELECT '2024-01-02', seq FROM seq_1_to_40",
    )
    replication.table("t", load_mode="append", **BY_TIME)
    taken = [replication.extract("t", RunLimits(limit=30)).rows for _ in range(5)]
    assert taken == [19, 20, 20, 20, 21]
    with pytest.raises(ConfigError, match="more than 39 rows share"):
        replication.extract("t", RunLimits(limit=39))
    assert replication.extract("t", RunLimits(limit=40)).rows == 40
    replication.load("t")
    assert_same(replication)


def test_null_ids_inside_a_timestamp_are_read_once(replication: Replication) -> None:
    """H-02: NULL is the smallest id of its timestamp, on a page's edge too."""
    replication.sql(
        "CREATE TABLE t (pk INT PRIMARY KEY, ts DATETIME NOT NULL, id INT NULL, KEY (ts, id))",
        "INSERT INTO t SELECT seq, '2024-01-01' + INTERVAL seq DIV 30 SECOND, "
        "IF(seq % 3, NULL, seq) FROM seq_1_to_120",
    )
    replication.table("t", chunk_rows=7, load_mode="append", start_from="2024-01-01", **HYBRID)
    for limit in (7, 40, 13, None):
        replication.sync("t", RunLimits(limit=limit))
    assert_same(replication)


def test_rows_without_a_timestamp_are_read_in_the_first_phase(replication: Replication) -> None:
    """H-05: NULL and zero dates belong to no increment, and are not lost by a stop before them."""
    replication.sql(
        "CREATE TABLE t (id INT PRIMARY KEY, ts DATETIME(3) NULL, KEY (ts))",
        "CREATE TABLE nokey (id INT, ts DATETIME(3) NULL, KEY (ts))",
    )
    with replication.mysql() as connection, connection.cursor() as cursor:
        cursor.execute("SET SESSION sql_mode = ''")
        for table in ("t", "nokey"):
            cursor.execute(
                f"INSERT INTO {table} SELECT seq, CASE seq % 3 WHEN 0 THEN NULL WHEN 1 THEN "
                "'0000-00-00' ELSE '2024-01-01' + INTERVAL seq SECOND END FROM seq_1_to_90"
            )
    for table in ("t", "nokey"):
        replication.table(table, load_mode="append", chunk_rows=20, **BY_TIME)
        stopped = replication.extract(table, stopping=lambda: True)
        assert stopped.rows == 0
        replication.sync(table)
        replication.sync(table)
        found = replication.target_rows(table, "id")
        assert found == replication.source_rows(table, "id"), table


def test_zero_dates_in_a_key_and_partial_dates_in_a_watermark_are_refused(
    replication: Replication,
) -> None:
    """Nothing can be found or followed by a date that is none, so it is named."""
    with replication.mysql() as connection, connection.cursor() as cursor:
        cursor.execute("SET SESSION sql_mode = ''")
        for statement in (
            "CREATE TABLE keyed (day DATE, n INT, ts DATETIME NOT NULL, PRIMARY KEY (day, n))",
            "INSERT INTO keyed SELECT ELT(1 + seq % 3, '0000-00-00', '2024-02-00', '2024-03-01'), "
            "seq, '2024-01-01' FROM seq_1_to_60",
            "CREATE TABLE dated (id INT PRIMARY KEY, ts DATETIME NOT NULL, KEY (ts))",
            "INSERT INTO dated VALUES (1, '2024-01-31'), (2, '2024-02-00'), (3, '2024-02-01')",
        ):
            cursor.execute(statement)
    replication.table("keyed", chunk_rows=8, load_mode="append", **BY_TIME)
    with pytest.raises(UnsupportedValueError, match="0000-00-00"):
        replication.sync("keyed")
    replication.table("dated", chunk_rows=2, start_from="2024-01-01", **BY_TIME)
    with pytest.raises(UnsupportedValueError, match="2024-02-00"):
        replication.sync("dated")


KEYS = {
    "composite": ("a INT, b VARCHAR(20)", "a, b", "seq % 5, CONCAT('k', seq)"),
    "binary": ("b BINARY(16)", "b", "UNHEX(MD5(seq))"),
    "varbinary": ("b VARBINARY(20)", "b", "UNHEX(LEFT(MD5(seq), 2 + 2 * (seq % 14)))"),
    "text": ("s VARCHAR(40) COLLATE utf8mb4_unicode_ci", "s", "CONCAT(CHAR(65 + seq % 57), seq)"),
    "latin1": ("s VARCHAR(40) CHARACTER SET latin1", "s", "CONCAT(CHAR(192 + seq % 60), seq)"),
    "emoji": ("s VARCHAR(40)", "s", "CONCAT('😀é', seq)"),
    "unsigned": ("n BIGINT UNSIGNED", "n", "18446744073709551615 - seq"),
    "decimal": ("n DECIMAL(30,10)", "n", "seq / 7"),
    "double": ("n DOUBLE", "n", "SQRT(seq) - 5"),
    "date": ("d DATE, n INT", "d, n", "'2024-01-01' + INTERVAL seq DIV 9 DAY, seq"),
    "datetime": ("d DATETIME(3)", "d", "'1969-12-31' + INTERVAL seq * 1001 MICROSECOND"),
    "timestamp": ("d TIMESTAMP(6) DEFAULT 0", "d", "'2024-03-31' + INTERVAL seq * 999 SECOND"),
    "time": ("t TIME(6)", "t", "SEC_TO_TIME(seq * 31.5 - 4000)"),
    "year": ("y YEAR, n INT", "y, n", "1901 + seq % 250, seq"),
    "enum": ("e ENUM('z','b','a'), n INT", "e, n", "1 + seq % 3, seq"),
    "bit": ("b BIT(20)", "b", "seq"),
    "negative": ("n INT", "n", "CAST(100 AS SIGNED) - CAST(seq AS SIGNED)"),
    "uuid": ("u UUID", "u", "MD5(seq)"),
    "inet": ("u INET6", "u", "CONCAT('fe80::', seq)"),
}


def test_every_kind_of_key_pages_exactly(replication: Replication) -> None:
    """I-24: composite, binary, text, unsigned, decimal and date keys, in chunks of 37 rows."""
    for kind, (columns, key, values) in KEYS.items():
        name = f"by_{kind}"
        replication.sql(
            f"CREATE TABLE `{name}` ({columns}, ts DATETIME(6) NOT NULL, row_no INT, "
            f"PRIMARY KEY ({key}), KEY (ts))",
            f"INSERT IGNORE INTO `{name}` SELECT {values}, '2024-01-01', seq FROM seq_1_to_200",
        )
        replication.table(name, chunk_rows=37, load_mode="append", **BY_TIME)
        synced = replication.sync(name)
        rows = replication.source_rows(name, "row_no")
        assert replication.target_rows(name, "row_no") == rows, name
        assert synced.extract.rows == rows.total(), name
        replication.sql(f"UPDATE `{name}` SET ts = NOW(6) WHERE row_no % 2 = 0 AND row_no > 2")
        again = replication.sync(name)
        assert again.extract.rows == sum(1 for (n,) in rows if n % 2 == 0 and n > 2), name
        assert again.load.files, name


def test_a_clock_that_was_set_back_behind_the_watermark_is_told(replication: Replication) -> None:
    """Its rows would be passed by, and "nothing new" alone would hide it."""
    make_table(replication, "t", 20)
    declare(replication, "hybrid", cdc_timestamp_timezone="Asia/Tokyo")
    assert replication.extract("t").rows == 20
    assert replication.extract("t").note == "nothing new"
    declare(replication, "hybrid", cdc_timestamp_timezone="America/New_York")
    report = replication.extract("t")
    assert report.rows == 0
    assert "the watermark is at" in report.note
