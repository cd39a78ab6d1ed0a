"""`verify --deep`: ranges of every kind of key, down to the rows that differ."""

from __future__ import annotations

import pytest

from mysql_s3_redshift.core import verify
from mysql_s3_redshift_tests.cli.conftest import Project

FULL = "{cdc_strategy: full_sync}"
ROWS = 400


@pytest.fixture(autouse=True)
def small_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some hundred rows are many."""
    monkeypatch.setattr(verify, "RANGE_ROWS", 10)
    monkeypatch.setattr(verify, "LEAF_ROWS", 4)


@pytest.mark.parametrize(
    ("key", "columns", "values", "by_ranges"),
    [
        ("k", "k BIGINT UNSIGNED", "18446744073709551615 - seq * 7", True),
        ("k", "k INT(8) UNSIGNED ZEROFILL", "seq * 3", True),
        ("k", "k DECIMAL(20,4)", "(CAST(seq AS SIGNED) - 200) / 8", True),
        (
            "k",
            "k DATETIME(6)",
            "TIMESTAMP'2024-01-01 00:00:00' + INTERVAL seq * 7 MICROSECOND",
            True,
        ),
        ("k", "k DATE", "DATE'1900-01-01' + INTERVAL seq DAY", True),
        ("k", "k BINARY(16)", "UNHEX(MD5(seq))", True),
        ("k", "k VARBINARY(9)", "LEFT(UNHEX(SHA1(seq)), 1 + seq % 7)", True),
        ("k", "k VARCHAR(20) COLLATE utf8mb4_bin", "CONCAT(CHAR(39), '\\\\', seq, 'é')", True),
        (
            "k",
            "k VARCHAR(20) COLLATE utf8mb4_general_ci",
            "CONCAT(CHAR(64 + seq % 60), seq)",
            False,
        ),
        ("a, k", "a INT, k INT", "seq DIV 50, seq % 50", True),
        ("a, k", "a DATE, k VARBINARY(9)", "DATE'2024-01-01' + INTERVAL seq % 3 DAY, seq", True),
        ("a, k", "a INT, k VARCHAR(9) COLLATE utf8mb4_general_ci", "seq % 2, seq", True),
        ("k, a", "a INT, k ENUM('x', 'y')", "seq, 1 + seq % 2", False),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_kind_of_key_leads_to_the_rows_that_differ(
    project: Project, key: str, columns: str, values: str, by_ranges: bool
):
    """H-33."""
    project.mysql(
        f"CREATE TABLE t ({columns}, n INT, PRIMARY KEY ({key}))",
        f"INSERT IGNORE INTO t SELECT {values}, seq FROM seq_1_to_{ROWS}",
    )
    project.tables["t"] = FULL
    project.write_config()
    project.replicate("t")
    table = f"{project.database}.t"
    count = project.redshift("SELECT COUNT(*) FROM {s}.t")[0][0]

    equal = project.run("verify", "-t", table, "--deep", "--json")
    assert equal.code == 0, equal.err
    deep = equal.document["tables"][f"shop/{table}"]["deep"]
    assert deep["by_key_ranges"] is by_ranges
    assert (deep["source_rows"], deep["target_rows"]) == (count, count)
    assert deep["statements"] <= -(-count // 160) or not by_ranges

    project.redshift("UPDATE {s}.t SET n = -n WHERE n = 7")
    project.redshift("DELETE FROM {s}.t WHERE n = 390")
    found = project.run("verify", "-t", table, "--deep", "--json")
    assert found.code == 4
    deep = found.document["tables"][f"shop/{table}"]["deep"]
    told = {r["kind"]: (r["source"]["n"], (r["target"] or {}).get("n")) for r in deep["rows"]}
    assert told == {"different": (7, -7), "missing": (390, None)}


@pytest.mark.parametrize("collation", ["utf8mb4_bin", "utf8mb4_nopad_bin"])
def test_texts_that_both_sides_order_differently_are_no_differences(
    project: Project, collation: str
):
    """MySQL fills `b` up with blanks to compare it with `b` and a tab; Redshift does not."""
    project.mysql(
        f"CREATE TABLE t (k VARCHAR(9) CHARACTER SET utf8mb4 COLLATE {collation} PRIMARY KEY, "
        "n INT)",
        "INSERT IGNORE INTO t SELECT TRIM(LEADING 'x' FROM CONCAT(ELT(1 + seq % 6, 'x', ' ', "
        "CHAR(9), 'a', CHAR(1), 'é'), ELT(1 + seq DIV 6 % 6, '', ' ', CHAR(9), 'a', 'b', '~'), "
        "ELT(1 + seq DIV 36, '', ' ', CHAR(1), 'b', '  '))), seq FROM seq_0_to_179",
    )
    project.tables["t"] = FULL
    project.write_config()
    project.replicate("t")
    equal = project.run("verify", "--deep")
    assert equal.code == 0, equal.out

    project.redshift("UPDATE {s}.t SET n = -n WHERE n = 100")
    project.redshift("DELETE FROM {s}.t WHERE n = 75")
    found = project.run("verify", "--deep")
    assert found.code == 4
    assert "1 missing, 0 extra, 1 different" in found.out


def test_rows_that_mysql_does_not_have_are_found_beyond_its_last_key(project: Project):
    table = project.create("orders", rows=30)
    project.replicate("orders")
    project.redshift("INSERT INTO {s}.orders SELECT id + 1000, v, update_at FROM {s}.orders")
    found = project.run("verify", "-t", table, "--deep", "--json").document
    deep = found["tables"][f"shop/{table}"]["deep"]
    assert sorted(r["target"]["id"] for r in deep["rows"]) == list(range(1001, 1021))
    assert (deep["source_rows"], deep["target_rows"]) == (30, 60)


def test_rows_that_the_first_load_has_not_reached_are_no_differences(project: Project):
    table = project.create("orders", rows=100)
    project.replicate("orders", limit=30)
    found = project.run("verify", "-t", table, "--deep", "--json")
    assert found.code == 0, found.out
    deep = found.document["tables"][f"shop/{table}"]["deep"]
    assert (deep["source_rows"], deep["target_rows"], deep["newer_rows"]) == (100, 30, 70)


def test_older_versions_in_an_append_table_are_by_design_and_copies_are_not(project: Project):
    table = project.create("orders", rows=30, options="{load_mode: append}")
    project.replicate("orders")
    project.mysql("UPDATE orders SET v = 'new', update_at = NOW(6) WHERE id = 5")
    project.replicate("orders")
    assert project.run("verify", "-t", table, "--deep").code == 0
    project.redshift("INSERT INTO {s}.orders SELECT * FROM {s}.orders WHERE id = 9")
    result = project.run("verify", "-t", table, "--deep")
    assert result.code == 4
    assert "1 extra" in result.out


def test_a_query_as_source_is_compared_by_hashes(project: Project):
    project.create("orders", rows=60)
    project.tables.clear()
    project.tables["totals"] = (
        "{cdc_strategy: custom_sql, load_mode: upsert, primary_key: [part], "
        'cdc_timestamp_column: update_at, query: "SELECT id % 9 AS part, COUNT(*) AS orders, '
        f'MAX(update_at) AS update_at FROM {project.database}.orders GROUP BY id % 9"}}'
    )
    project.write_config()
    project.replicate("totals")
    assert project.run("verify", "--deep").code == 0
    project.redshift("UPDATE {s}.totals SET orders = 0 WHERE part = 3")
    result = project.run("verify", "--deep")
    assert result.code == 4
    assert "orders: MySQL 7, Redshift 0" in result.out


def test_hashes_and_documents_are_compared_value_by_value_in_some_rows(
    project: Project, monkeypatch: pytest.MonkeyPatch
):
    """H-33. MySQL never learns the salt, and Redshift keeps no document's text."""
    monkeypatch.setattr(verify, "SAMPLE_ROWS", 60)
    monkeypatch.setenv("SALT", "pepper")
    document = """CONCAT('{"n": [', seq, ', 1.50, 1E2, 12345678901234567890], "a": "é"}')"""
    project.mysql(
        "CREATE TABLE t (id INT PRIMARY KEY, email VARCHAR(30), doc JSON)",
        f"INSERT INTO t SELECT seq, CONCAT('me', seq, '@é'), {document} FROM seq_1_to_{ROWS}",
    )
    options = "{cdc_strategy: full_sync, columns: {hash: [email], hash_salt: '${SALT}', "
    project.tables["t"] = options + "types: {doc: super}}}"
    project.write_config()
    project.replicate("t")

    equal = project.run("verify", "--deep", "--json")
    assert equal.code == 0, equal.out
    deep = equal.document["tables"][f"shop/{project.database}.t"]["deep"]
    assert (deep["columns_sampled"], deep["columns_left_out"]) == (["email", "doc"], [])
    assert 0 < deep["rows_sampled"] < ROWS, "some rows, of several ranges"

    monkeypatch.setattr(verify, "SAMPLE_ROWS", ROWS)
    project.redshift("UPDATE {s}.t SET email = LOWER(MD5('x')) WHERE id = 7")
    project.redshift("UPDATE {s}.t SET doc = JSON_PARSE('[8]') WHERE id = 390")
    found = project.run("verify", "--deep")
    assert found.code == 4
    assert f"compared in {ROWS} rows, value by value: email, doc" in found.out
    assert "2 different" in found.out
    assert "Redshift [8]" in found.out
    assert "@" not in found.out
    assert "pepper" not in found.out


def test_a_column_that_is_not_loaded_yet_is_named_and_left_out(project: Project):
    table = project.create("orders", rows=10)
    project.replicate("orders")
    project.mysql("ALTER TABLE orders ADD COLUMN later INT DEFAULT 5")
    result = project.run("verify", "-t", table, "--deep")
    assert result.code == 0, result.err
    assert "not compared: later" in result.out
