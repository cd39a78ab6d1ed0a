import contextlib
import secrets
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Self, TypeAlias, cast

import pymysql
import pytest

from mysql_s3_redshift.adapters.mysql.discovery import (
    describe_query,
    describe_table,
    describe_tables,
    list_tables,
    server_facts,
)
from mysql_s3_redshift.adapters.mysql.wire.stream import query
from mysql_s3_redshift.core.convert import Converter
from mysql_s3_redshift.core.model import ColumnPolicies
from mysql_s3_redshift.core.names import quote_mysql
from mysql_s3_redshift.core.schema import Index, SourceTable
from mysql_s3_redshift.core.types import map_table, select_expression
from mysql_s3_redshift.errors import ConfigError, SourceConnectionError, SourceError
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.servers import mysql_admin_connection

Connection: TypeAlias = "pymysql.Connection[Any]"


@pytest.fixture
def admin(mysql_server: SandboxStatus, mysql_database: str) -> Iterator[Connection]:
    with contextlib.closing(mysql_admin_connection(mysql_server, mysql_database)) as connection:
        yield connection


@pytest.fixture
def reader(
    admin: Connection, mysql_server: SandboxStatus, mysql_database: str
) -> Iterator[Connection]:
    """A user who may SELECT from the test's database and nothing else."""
    account = mysql_server.mysql_admin
    name, password = f"reader_{secrets.token_hex(4)}", secrets.token_hex(16)
    run(
        admin,
        f"CREATE USER {name}@'%' IDENTIFIED BY '{password}'",
        f"GRANT SELECT ON `{mysql_database}`.* TO {name}@'%'",
    )
    connection = pymysql.connect(
        host=account.host,
        port=account.port,
        user=name,
        password=password,
        charset="utf8mb4",
        init_command="SET time_zone = '+00:00'",
    )
    with contextlib.closing(connection):
        yield connection
    run(admin, f"DROP USER {name}@'%'")


def run(connection: Connection, *statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    connection.commit()


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


def test_the_server_tells_what_it_is(admin, reader):
    facts = server_facts(admin)
    assert facts.flavor in {"mariadb", "mysql"}
    assert facts.version[0].isdigit()
    assert facts.time_zone
    assert (facts.read_only, facts.is_replica) == (False, False)
    assert server_facts(reader).is_replica is None  # it may not know


class ScriptedCursor:
    """Answers the questions of `server_facts` as a server of another kind would."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self._answers = answers
        self._row: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def execute(self, statement: str) -> None:
        asked = "PROCESSLIST" if "PROCESSLIST" in statement else "facts"
        self._row = self._answers[statement.split()[1] if "SHOW" in statement else asked]
        if isinstance(self._row, Exception):
            raise self._row

    def fetchone(self) -> Any:
        return self._row


class ScriptedConnection:
    def __init__(self, **answers: Any) -> None:
        facts = {
            "version": "8.0.20", "version_comment": "MySQL Community Server - GPL",
            "time_zone": "SYSTEM", "system_time_zone": "EST", "read_only": 0, "innodb_read_only": 0,
        }  # fmt: skip
        facts |= answers.pop("facts", {})
        self._answers = {"facts": facts, "PROCESSLIST": None, **answers}

    def cursor(self, _kind: object) -> ScriptedCursor:
        return ScriptedCursor(self._answers)


UNKNOWN = pymysql.err.ProgrammingError(1064, "You have an error in your SQL syntax")
DENIED = pymysql.err.OperationalError(1227, "Access denied; you need REPLICATION CLIENT")


@pytest.mark.parametrize(
    ("answers", "replica"),
    [
        ({"REPLICA": {"Source_Host": "primary"}}, True),
        ({"REPLICA": None}, False),
        ({"REPLICA": UNKNOWN, "SLAVE": {"Master_Host": "primary"}}, True),
        ({"REPLICA": UNKNOWN, "SLAVE": None}, False),
        ({"REPLICA": DENIED}, None),
        ({"REPLICA": DENIED, "PROCESSLIST": {"1": 1}}, True),
        ({"REPLICA": DENIED, "facts": {"read_only": 1}}, True),
        ({"REPLICA": None, "facts": {"innodb_read_only": 1}}, True),
    ],
)
def test_a_replica_is_known_by_its_status_its_threads_or_by_refusing_writes(answers, replica):
    facts = server_facts(cast("Connection", ScriptedConnection(**answers)))
    assert facts.is_replica is replica
    assert (facts.flavor, facts.time_zone) == ("mysql", "EST")


def test_a_lost_connection_is_told_as_one():
    gone = pymysql.err.OperationalError(2013, "Lost connection to MySQL server during query")
    with pytest.raises(SourceConnectionError):
        server_facts(cast("Connection", ScriptedConnection(REPLICA=gone)))


EVERY_TYPE = """
CREATE TABLE every_type (
    id INT PRIMARY KEY, u BIGINT UNSIGNED, t TINYINT(1), m MEDIUMINT UNSIGNED, y YEAR,
    d DECIMAL(10,2), w DECIMAL(65,30), f FLOAT, g DOUBLE, b1 BIT(1), b9 BIT(9), b64 BIT(64),
    day DATE, at DATETIME(6), stamp TIMESTAMP(6) NULL, dur TIME(3),
    l VARCHAR(10) CHARACTER SET latin1, v VARCHAR(10) CHARACTER SET utf8mb4, e ENUM('a','b'),
    s SET('x','y'), j JSON, bin BINARY(3), blb BLOB, p POINT, mail VARCHAR(20), n INT
) DEFAULT CHARACTER SET utf8mb4
"""

VALUES = """
INSERT INTO every_type VALUES (
    1, 18446744073709551615, 5, 16777215, 2155, -12345678.90,
    -12345678901234567890123456789012345.123456789012345678901234567890, 0.1, 1e-15,
    b'1', b'111111111', b'1111111111111111111111111111111111111111111111111111111111111111',
    '2024-02-29', '9999-12-31 23:59:59.999999', '2024-07-01 12:00:00.000001', '-838:59:59.000',
    '€uro', '😀', 'b', 'x,y', '{"a": 1}', 'a', x'00ff', ST_GeomFromText('POINT(1 2)'),
    'me@example.com', 7)
"""


def read_all(connection: Connection, table: SourceTable, policies: ColumnPolicies) -> list[Any]:
    """Read a table as the extraction does: typed by discovery, decoded, converted."""
    schema = map_table(table, policies)
    columns = ", ".join(select_expression(column) for column in schema.columns)
    source = f"{quote_mysql(table.schema)}.{quote_mysql(table.name)}"
    using = Converter(schema, policies, table="t", key_columns=table.primary_key)
    rows: list[Any] = []
    with query(connection, f"SELECT {columns} FROM {source}") as stream:
        for wire in stream:
            made = using.convert(wire.batch, wire.bad_dates, wire.bad_date_text)
            rows += made.to_pylist()
    return rows


def test_every_type_arrives_from_a_real_server(admin, reader, mysql_database):
    """H-31, P-01, P-02"""
    run(admin, "SET time_zone = '-05:00'", EVERY_TYPE, VALUES)
    run(admin, "INSERT INTO every_type (id) VALUES (2)")
    policies = ColumnPolicies(hash=("mail", "n"), hash_salt="s")
    table = describe_table(reader, mysql_database, "every_type")
    first, second = read_all(reader, table, policies)
    wide = "-12345678901234567890123456789012345.123456789012345678901234567890"
    expected = {
        "u": Decimal(2**64 - 1), "t": 5, "m": 16777215, "y": 2155, "d": Decimal("-12345678.90"),
        "w": wide, "g": 1e-15, "b1": True, "b9": 511, "b64": Decimal(2**64 - 1),
        "day": date(2024, 2, 29), "dur": "-838:59:59.000", "l": "€uro", "v": "😀",
        "at": datetime.fromisoformat("9999-12-31T23:59:59.999999"),
        "e": "b", "s": "x,y", "bin": b"a\0\0", "blb": b"\0\xff",
        "stamp": datetime.fromisoformat("2024-07-01T17:00:00.000001"),
    }  # fmt: skip
    assert {name: first[name] for name in expected} == expected
    assert first["f"] == pytest.approx(0.1, rel=1e-7)
    assert first["j"] == '{"a": 1}'
    assert first["p"].hex() == "0101000000000000000000f03f0000000000000040"
    assert len(first["mail"]) == len(first["n"]) == 64
    assert second == {"id": 2, **dict.fromkeys(list(first)[1:])}


def test_hashes_are_those_of_mysqls_own_text(admin, reader, mysql_database):
    run(admin, EVERY_TYPE, VALUES)
    table = describe_table(reader, mysql_database, "every_type")
    names = tuple(c.name for c in table.columns)
    (row,) = read_all(reader, table, ColumnPolicies(hash=names, hash_salt="pepper"))
    with reader.cursor() as cursor:
        for name in names:
            plain = f"`{name}`"
            plain = f"{name}+0" if name.startswith("b") and name[1:].isdigit() else plain
            if name in {"l", "v", "e", "s", "j", "mail"}:
                plain = f"CONVERT({plain} USING utf8mb4)"
            digest = f"SHA2(CONCAT('pepper', {plain}), 256)"
            cursor.execute(f"SELECT {digest} FROM `{mysql_database}`.every_type")
            assert cursor.fetchone() == (row[name],), name


def test_zero_dates_of_a_real_server_become_null(admin, reader, mysql_database):
    """P-01"""
    run(
        admin,
        "SET sql_mode = 'ALLOW_INVALID_DATES'",
        "CREATE TABLE z (id INT PRIMARY KEY, d DATE NOT NULL, t DATETIME NOT NULL)",
        "INSERT INTO z VALUES (1, '0000-00-00', '2024-02-00 10:00:00'), (2, '2024-02-31', NOW())",
    )
    table = describe_table(reader, mysql_database, "z")
    rows = read_all(reader, table, ColumnPolicies())
    assert [row["d"] for row in rows] == [None, None]
    assert rows[0]["t"] is None
    assert rows[1]["t"] is not None
    assert timedelta(days=-2) < rows[1]["t"] - datetime.now() < timedelta(days=2)  # noqa: DTZ005
