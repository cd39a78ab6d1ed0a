"""Every type of MySQL at its edges, in both protocols, against a real server."""

# ruff: noqa: DTZ001  MySQL's datetimes have no zone

from __future__ import annotations

import struct
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from mysql_s3_redshift.adapters.mysql import wire
from mysql_s3_redshift.adapters.mysql.wire import WireKind
from mysql_s3_redshift.errors import SourceError
from mysql_s3_redshift_tests.adapters.wire.comparison import read, read_by_pymysql

BOTH = pytest.mark.parametrize("protocol", ["binary", "text"])

# column type, values as SQL literals
EDGES: dict[str, list[str]] = {
    "TINYINT": ["-128", "127", "0", "NULL"],
    "TINYINT(1)": ["5", "-1", "0"],
    "TINYINT UNSIGNED": ["255", "0", "NULL"],
    "SMALLINT": ["-32768", "32767"],
    "SMALLINT UNSIGNED": ["65535", "NULL"],
    "MEDIUMINT": ["-8388608", "8388607"],
    "MEDIUMINT UNSIGNED": ["16777215", "0"],
    "INT": ["-2147483648", "2147483647", "NULL"],
    "INT UNSIGNED": ["4294967295"],
    "INT(8) UNSIGNED ZEROFILL": ["42", "0"],
    "BIGINT": ["-9223372036854775808", "9223372036854775807", "9007199254740993"],
    "BIGINT UNSIGNED": ["18446744073709551615", "9223372036854775808", "NULL"],
    "YEAR": ["1901", "2155", "0", "NULL"],
    "DOUBLE": ["1.7976931348623157e308", "-5e-324", "1e-15", "0.1", "-0e0", "NULL", "1e22"],
    "DOUBLE(10,3)": ["1234567.891", "-0.001"],
    "FLOAT": ["3.4028234e38", "16777217", "0.1", "-1.4e-45", "NULL", "1234567.9"],
    "FLOAT(9,4)": ["12345.6789", "-0.0001"],
    "DECIMAL(1,0)": ["-9", "9", "0"],
    "DECIMAL(5,5)": ["-0.99999", "0.00001", "0"],
    "DECIMAL(38,0)": ["9" * 38, "-" + "9" * 38, "NULL"],
    "DECIMAL(38,30)": ["99999999." + "9" * 30, "-0." + "0" * 29 + "1"],
    "DECIMAL(65,30)": ["-" + "9" * 35 + "." + "9" * 30, "0", "NULL"],
    "DECIMAL(12,2) UNSIGNED ZEROFILL": ["12.5", "0"],
    "DECIMAL(38,10) UNSIGNED": ["9" * 28 + "." + "9" * 10],
    "DATE": ["'1000-01-01'", "'9999-12-31'", "'2024-02-29'", "'0001-01-01'", "NULL"],
    "DATETIME": ["'1000-01-01 00:00:00'", "'9999-12-31 23:59:59'", "'2024-01-01'", "NULL"],
    "DATETIME(6)": ["'1969-12-31 23:59:59.999999'", "'2024-01-01'", "'2024-01-01 00:00:00.1'"],
    "DATETIME(1)": ["'2024-01-01 00:00:00.1'", "'2024-01-01 00:00:01'"],
    "TIMESTAMP NULL": ["'1970-01-01 00:00:01'", "'2038-01-19 03:14:07'", "NULL"],
    "TIMESTAMP(6) NULL": ["'2038-01-19 03:14:07.999999'", "'2000-01-01'"],
    "TIME": ["'-838:59:59'", "'838:59:59'", "'00:00:00'", "'-00:00:01'", "'24:00:00'", "NULL"],
    "TIME(6)": ["'-838:59:58.999999'", "'00:00:00.000001'", "'100:00:00'", "'-00:00:00.000001'"],
    "TIME(2)": ["'9:08:07.06'", "'123:04:05.67'"],
    "BIT(1)": ["b'1'", "b'0'", "NULL"],
    "BIT(13)": ["b'1000000000001'", "b'0'"],
    "BIT(64)": ["0xFFFFFFFFFFFFFFFF", "0x8000000000000001", "0"],
    "CHAR(10)": ["'ä€😀'", "''", "NULL", "'Null'", "'None'", "'NaN'"],
    "VARCHAR(4000)": ["REPEAT('x', 250)", "REPEAT('x', 251)", "REPEAT('😀', 4000)", "''", "'\\0'"],
    "VARCHAR(10) CHARACTER SET latin1": ["'é'", "''"],
    "TINYTEXT": ["'t'", "NULL"],
    "MEDIUMTEXT": ["REPEAT('y', 65535)", "REPEAT('y', 65536)", "''"],
    "LONGTEXT": ["REPEAT('z', 1000000)"],
    "ENUM('a','ü','')": ["'a'", "'ü'", "''", "NULL"],
    "SET('a','b','c')": ["'a,c'", "''", "NULL"],
    "JSON": ['\'{"a": [1, null, "é"]}\'', "NULL", "'\"x\"'"],
    "BINARY(4)": ["'ab'", "0x00FF00FF"],
    "VARBINARY(300)": ["0x00FF", "''", "REPEAT(0xFB, 300)", "NULL"],
    "LONGBLOB": ["REPEAT(0xFE, 70000)", "''"],
    "POINT": ["ST_GeomFromText('POINT(1 2)')", "NULL"],
    "GEOMETRY": ["ST_GeomFromText('LINESTRING(0 0, 1 1)')"],
}


@BOTH
@pytest.mark.parametrize("column_type", EDGES)
def test_every_type_keeps_its_edges_exactly(connection: Any, column_type: str, protocol: Any):
    """H-31, P-01: what PyMySQL shows of each value is what the reader gives."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE t (id INT NOT NULL PRIMARY KEY, v {column_type})")
        for key, literal in enumerate(EDGES[column_type]):
            cursor.execute(f"INSERT INTO t VALUES ({key}, {literal})")
    floating = column_type.startswith(("FLOAT", "DOUBLE"))
    exact = "v * 1E0" if floating else "v"
    sql = f"SELECT id, {exact if protocol == 'text' else 'v'} AS v FROM t ORDER BY id"
    with wire.query(connection, sql, prefer=protocol) as stream:
        columns = stream.columns
        assert stream.protocol == protocol
        list(stream)

    by_pymysql = read_by_pymysql(connection, f"SELECT id, {exact} FROM t ORDER BY id", columns)

    assert read(connection, sql, prefer=protocol) == by_pymysql
    assert len(by_pymysql) == len(EDGES[column_type])


def test_arrow_types_are_the_lossless_ones(connection: Any):
    types = {
        "TINYINT": pa.int8(),
        "TINYINT UNSIGNED": pa.uint8(),
        "SMALLINT": pa.int16(),
        "SMALLINT UNSIGNED": pa.uint16(),
        "MEDIUMINT": pa.int32(),
        "MEDIUMINT UNSIGNED": pa.int32(),
        "INT": pa.int32(),
        "INT UNSIGNED": pa.uint32(),
        "BIGINT": pa.int64(),
        "BIGINT UNSIGNED": pa.uint64(),
        "YEAR": pa.int16(),
        "FLOAT": pa.float32(),
        "DOUBLE": pa.float64(),
        "DECIMAL(10,3)": pa.decimal128(10, 3),
        "DECIMAL(38,0) UNSIGNED": pa.decimal128(38, 0),
        "DECIMAL(39,0)": pa.string(),
        "DATE": pa.date32(),
        "DATETIME(3)": pa.timestamp("us"),
        "TIMESTAMP NULL": pa.timestamp("us"),
        "TIME": pa.duration("us"),
        "BIT(7)": pa.uint64(),
        "TEXT": pa.binary(),
        "BLOB": pa.binary(),
    }
    definitions = ", ".join(f"c{i} {name}" for i, name in enumerate(types))
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE t ({definitions})")

    with wire.query(connection, "SELECT * FROM t") as stream:
        found = [column.arrow_type for column in stream.columns]
        kinds = [column.kind for column in stream.columns]
        assert list(stream) == []

    assert found == list(types.values())
    assert kinds[-2:] == [WireKind.TEXT, WireKind.BYTES]


def test_decimal_precision_is_the_declared_one_for_every_precision_and_scale(connection: Any):
    shapes = [
        (precision, scale, sign)
        for precision in (1, 2, 9, 10, 18, 19, 30, 37, 38)
        for scale in (0, 1, 2, 9, 29, 30)
        for sign in ("", " UNSIGNED")
        if scale <= precision
    ]
    columns = ", ".join(f"c{i} DECIMAL({p},{s}){sign}" for i, (p, s, sign) in enumerate(shapes))
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE t ({columns})")

    with wire.query(connection, "SELECT * FROM t") as stream:
        found = [column.arrow_type for column in stream.columns]
        list(stream)

    assert found == [pa.decimal128(precision, scale) for precision, scale, _ in shapes]


@BOTH
def test_dates_outside_the_calendar_are_null_and_keep_their_text(connection: Any, protocol: Any):
    """P-01: a zero date is neither 0001-01-01 nor any other day."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE t (id INT PRIMARY KEY, "
            "d DATE, dt DATETIME, dt6 DATETIME(6), dt2 DATETIME(2))"
        )
        for key, text in enumerate(
            ["0000-00-00", "2024-02-00", "2024-00-10", "2023-02-29", "0000-01-01", "2024-02-29"]
        ):
            cursor.execute(
                "INSERT INTO t VALUES (%s, %s, %s, %s, %s)",
                (key, text, f"{text} 01:02:03", f"{text} 00:00:00.000009", f"{text} 00:00:00"),
            )
        cursor.execute("INSERT INTO t VALUES (6, NULL, NULL, NULL, NULL)")

    with wire.query(connection, "SELECT d, dt, dt6, dt2 FROM t ORDER BY id", prefer=protocol) as s:
        (batch,) = s

    texts = ["0000-00-00", "2024-02-00", "2024-00-10", "2023-02-29", "0000-01-01"]
    assert sorted(batch.bad_dates) == [0, 1, 2, 3]
    for column, suffix in enumerate(["", " 01:02:03", " 00:00:00.000009", " 00:00:00.00"]):
        assert batch.bad_dates[column].tolist() == [True] * 5 + [False] * 2
        found = [batch.bad_date_text(column, row) for row in range(5)]
        assert found == [text + suffix for text in texts]
        assert batch.batch.column(column).null_count == 6
    assert batch.batch.column(0)[5].as_py() == date(2024, 2, 29)


def test_batches_without_bad_dates_name_no_column(connection: Any):
    with wire.query(connection, "SELECT DATE '2024-01-01' AS d, NULL AS n") as stream:
        (batch,) = stream
    assert batch.bad_dates == {}
    assert batch.batch.to_pylist() == [{"d": date(2024, 1, 1), "n": None}]


@BOTH
def test_literals_and_expressions_have_a_type_too(connection: Any, protocol: Any):
    sql = (
        "SELECT NULL AS n, 1 AS i, 'x' AS t, 1.50 AS d, 1e0 AS f, x'00ff' AS b, "
        "CAST('12:00' AS TIME) AS tm, TIMESTAMP '2024-01-01 00:00:00.5' AS ts, COUNT(*) AS c"
    )
    (row,) = read(connection, sql, prefer=protocol)
    assert row == (
        None,
        1,
        "x",
        Decimal("1.50").as_tuple(),
        struct.pack("<d", 1.0),
        b"\x00\xff",
        timedelta(hours=12),
        datetime(2024, 1, 1, 0, 0, 0, 500_000),
        1,
    )


def test_the_text_protocol_refuses_floats_that_would_lose_digits(connection: Any):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE t (f FLOAT, g DOUBLE(9,2), d DOUBLE)")

    with pytest.raises(SourceError, match=r"`f`, `g` would lose digits(.|\n)*1E0"):
        wire.query(connection, "SELECT f, g, d FROM t", prefer="text")

    assert not connection.open


@BOTH
def test_hundreds_of_columns_have_their_own_null_bits(connection: Any, protocol: Any):
    values = [None if i % 3 == 0 else i for i in range(300)]
    sql = "SELECT " + ", ".join(
        f"NULLIF({i}, {i if value is None else -1}) AS c{i}" for i, value in enumerate(values)
    )
    (row,) = read(connection, sql, prefer=protocol)
    assert row == tuple(values)


def test_vectors_of_servers_that_have_them_are_their_bytes(connection: Any):
    with connection.cursor() as cursor:
        cursor.execute("SELECT VERSION()")
        version = cursor.fetchone()[0]
        major = int(version.split(".")[0])
        if "MariaDB" not in version and major >= 9:
            cursor.execute("CREATE TABLE t (v VECTOR(3))")
            cursor.execute("INSERT INTO t VALUES (TO_VECTOR('[1,2,-3]'))")
        else:
            cursor.execute("CREATE TABLE t (v VARBINARY(12))")
            cursor.execute("INSERT INTO t VALUES (%s)", (struct.pack("<3f", 1, 2, -3),))

    assert read(connection, "SELECT v FROM t") == [(struct.pack("<3f", 1, 2, -3),)]
