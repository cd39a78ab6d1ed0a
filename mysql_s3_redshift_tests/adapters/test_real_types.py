"""Every type of a real server: described by discovery, decoded, converted."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from mysql_s3_redshift.adapters.mysql.discovery import describe_table
from mysql_s3_redshift.adapters.mysql.wire.stream import query
from mysql_s3_redshift.core.convert import Converter
from mysql_s3_redshift.core.model import ColumnPolicies
from mysql_s3_redshift.core.names import quote_mysql
from mysql_s3_redshift.core.schema import SourceTable
from mysql_s3_redshift.core.types import map_table, select_expression
from mysql_s3_redshift_tests.adapters.conftest import Connection, run

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
