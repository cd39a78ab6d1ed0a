"""Tables and queries as discovery describes them."""

import time
from datetime import datetime

import pymysql
import pytest

from mysql_s3_redshift.adapters.mysql.discovery import (
    describe_query,
    describe_table,
    describe_tables,
    list_tables,
)
from mysql_s3_redshift.core.model import ColumnPolicies
from mysql_s3_redshift.core.names import quote_mysql
from mysql_s3_redshift.core.schema import Index
from mysql_s3_redshift.core.types import map_table
from mysql_s3_redshift.errors import ConfigError, SourceError
from mysql_s3_redshift_tests.adapters.conftest import Connection, run

ORDERS = """
CREATE TABLE orders (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT COMMENT 'the key',
    region CHAR(2) CHARACTER SET ascii NOT NULL DEFAULT 'us',
    name VARCHAR(255) CHARACTER SET latin1,
    note VARCHAR(20) CHARACTER SET utf8mb4 DEFAULT 'NULL',
    amount DECIMAL(20,5) NOT NULL,
    size ENUM('s','unsigned'),
    colours SET('red','green'),
    flags BIT(5),
    doc JSON,
    made YEAR,
    took TIME(3),
    update_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    photo BLOB,
    doubled DECIMAL(21,5) AS (amount * 2) STORED,
    half DECIMAL(20,5) AS (amount / 2) VIRTUAL,
    PRIMARY KEY (id, region),
    UNIQUE KEY by_name (name, region),
    KEY by_time (update_at, id),
    KEY by_prefix (region, note(3), id)
) COMMENT 'what people ordered'
"""


def test_a_table_is_described_with_all_that_later_steps_need(admin, reader, mysql_database):
    """I-43"""
    run(admin, ORDERS, "INSERT INTO orders (amount) VALUES (1), (2)")
    table = describe_table(reader, mysql_database, "orders")
    assert (table.schema, table.name) == (mysql_database, "orders")
    assert table.primary_key == ("id", "region")
    assert {index.name: (index.columns, index.unique) for index in table.indexes} == {
        "PRIMARY": (("id", "region"), True),
        "by_name": (("name", "region"), True),
        "by_time": (("update_at", "id"), False),
        "by_prefix": (("region",), False),
    }
    assert (table.comment, table.engine, table.is_view) == ("what people ordered", "InnoDB", False)
    assert table.row_estimate is not None
    assert table.data_bytes is not None
    assert datetime.fromisoformat(table.created_at or "").year > 2000
    by_name = {column.name: column for column in table.columns}
    assert list(by_name)[:3] == ["id", "region", "name"]
    key = by_name["id"]
    assert (key.data_type, key.unsigned, key.auto_increment) == ("bigint", True, True)
    assert (key.nullable, key.comment) == (False, "the key")
    charsets = [(c.charset, c.max_bytes_per_char, c.length) for c in table.columns[1:4]]
    assert charsets == [("ascii", 1, 2), ("latin1", 3, 255), ("utf8mb4", 4, 20)]
    amount = by_name["amount"]
    assert (amount.precision, amount.scale) == (20, 5)
    assert (by_name["size"].length, by_name["colours"].length) == (8, 9)
    assert not by_name["size"].unsigned or by_name["size"].data_type == "enum"
    assert by_name["flags"].precision == 5
    assert (by_name["took"].fraction, by_name["update_at"].fraction) == (3, 6)
    generated = [column.name for column in table.columns if column.generated]
    assert generated == ["doubled", "half"]
    assert by_name["amount"].default is None


def test_json_is_json_on_every_server_and_text_with_another_check_is_text(
    admin, reader, mysql_database
):
    run(
        admin,
        "CREATE TABLE t (`a``b` JSON, plain LONGTEXT, "
        "checked LONGTEXT CHECK (json_valid(checked) OR checked = 'x'))",
    )
    types = [c.data_type for c in describe_table(reader, mysql_database, "t").columns]
    assert types == ["json", "longtext", "longtext"]


def test_invisible_columns_are_described(admin, reader, mysql_database):
    """I-43"""
    run(admin, "CREATE TABLE t (id INT PRIMARY KEY, hidden INT INVISIBLE)")
    columns = describe_table(reader, mysql_database, "t").columns
    assert [(c.name, c.invisible) for c in columns] == [("id", False), ("hidden", True)]


def test_an_index_that_does_not_order_by_its_columns_is_not_one(admin, reader, mysql_database):
    """I-45"""
    run(
        admin,
        "CREATE TABLE t (id INT PRIMARY KEY, words TEXT, g POINT NOT NULL, "
        "FULLTEXT KEY (words), SPATIAL KEY (g), KEY (words(5)))",
    )
    assert describe_table(reader, mysql_database, "t").indexes == (Index("PRIMARY", ("id",), True),)


HOSTILE = ["Orders-1.v$2", "a b", 'quo"te`s', "名称", "x" * 64, "per%cent%s"]


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name_is_found_again(admin, reader, mysql_database, name):
    """H-09"""
    run(admin, f"CREATE TABLE {quote_mysql(name)} (id INT)")
    assert describe_table(reader, mysql_database, name).name == name
    assert (mysql_database, name) in list_tables(reader)


def test_a_name_in_another_letter_case_is_another_table_where_the_server_says_so(
    admin, reader, mysql_database
):
    """H-09"""
    run(admin, "CREATE TABLE Orders (a INT)", "CREATE TABLE orders (b INT)")
    for name, column in (("Orders", "a"), ("orders", "b")):
        (found,) = describe_table(reader, mysql_database, name).columns
        assert found.name == column


def test_a_table_that_does_not_exist_is_refused_with_near_names(admin, reader, mysql_database):
    run(admin, "CREATE TABLE orders (a INT)", "CREATE VIEW orders_view AS SELECT * FROM orders")
    with pytest.raises(ConfigError, match=r"no table `order`(.|\n)*Did you mean `orders`"):
        describe_table(reader, mysql_database, "order")
    with pytest.raises(ConfigError, match=f"no schema(.|\n)*Did you mean `{mysql_database}`"):
        describe_table(reader, mysql_database[:-1], "orders")


def test_many_tables_are_described_in_few_questions(admin, reader, mysql_database):
    run(
        admin,
        *(f"CREATE TABLE t{i} (id INT PRIMARY KEY)" for i in range(30)),
        "CREATE VIEW v AS SELECT * FROM t1",
    )
    asked = []
    with pytest.MonkeyPatch.context() as patch:
        real = pymysql.Connection.query

        def counting(self: Connection, sql: str, unbuffered: bool = False) -> int:
            asked.append(sql)
            return real(self, sql, unbuffered)

        patch.setattr(pymysql.Connection, "query", counting)
        tables = describe_tables(reader, mysql_database)
    assert len(asked) <= 3
    assert {t.name for t in tables} == {f"t{i}" for i in range(30)}
    assert all(t.primary_key == ("id",) for t in tables)
    some = describe_tables(reader, mysql_database, ["v", "nothing", "t7"])
    assert [(t.name, t.is_view) for t in some] == [("v", True), ("t7", False)]
    assert describe_tables(reader, mysql_database, []) == ()
    assert (mysql_database, "v") in list_tables(reader, mysql_database, views=True)
    assert (mysql_database, "v") not in list_tables(reader)


def test_a_query_is_described_without_being_run(admin, reader, mysql_database):
    run(admin, ORDERS, "INSERT INTO orders (amount) VALUES (1), (2)")
    began = time.monotonic()
    table = describe_query(
        reader,
        "totals.v2",
        "SELECT region, COUNT(*) AS n, SUM(amount) AS amount, MAX(update_at) AS last, "
        "MAX(id) AS id, MAX(name) AS name, MIN(took) AS took, "
        "SUM(SLEEP(60)) AS slow, UNHEX('00') AS raw, 1.5e0 AS f "
        f"FROM `{mysql_database}`.orders GROUP BY region -- a comment",
        schema=mysql_database,
    )
    assert time.monotonic() - began < 50
    assert (table.schema, table.name) == (mysql_database, "totals.v2")
    types = {c.name: c.column_type for c in table.columns}
    assert types["region"] == "varchar(2)"
    assert types["n"] == "bigint"
    assert types["amount"] == "decimal(42,5)"
    assert types["last"] == "datetime(6)"
    assert types["id"] == "bigint unsigned"
    assert types["took"] == "time(3)"
    assert types["f"] == "double"
    assert types["raw"].startswith("varbinary")
    assert table.column("name") is not None
    assert table.primary_key == ()
    assert {c.name: c.target_type for c in map_table(table, ColumnPolicies()).columns}["name"] == (
        "VARCHAR(1020)"
    )


def test_a_query_that_mysql_refuses_is_told_with_its_reason(reader):
    with pytest.raises(SourceError, match="nothing"):
        describe_query(reader, "q", "SELECT nothing")
    assert describe_query(reader, "q", "SELECT 1 AS one").columns[0].name == "one"
