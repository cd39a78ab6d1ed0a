"""Random tables, read by the reader and by PyMySQL."""

# ruff: noqa: DTZ001  MySQL's datetimes have no zone

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mysql_s3_redshift.adapters.mysql import wire
from mysql_s3_redshift_tests.adapters.wire.comparison import read, read_by_pymysql

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=30)
LONG_TEXT = st.builds(lambda text, n: (text * n)[:4000], TEXT, st.integers(0, 400))
MOMENTS = st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31, 23, 59, 59))


def whole(bits: int, *, unsigned: bool = False) -> st.SearchStrategy[int]:
    return (
        st.integers(0, 2**bits - 1)
        if unsigned
        else st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    )


def fixed_point(precision: int, scale: int) -> st.SearchStrategy[Decimal]:
    limit = 10**precision - 1
    return st.integers(-limit, limit).map(lambda digits: Decimal(digits).scaleb(-scale))


COLUMN_TYPES: dict[str, st.SearchStrategy[Any]] = {
    "TINYINT": whole(8),
    "SMALLINT UNSIGNED": whole(16, unsigned=True),
    "MEDIUMINT": whole(24),
    "INT": whole(32),
    "BIGINT": whole(64),
    "BIGINT UNSIGNED": whole(64, unsigned=True),
    "YEAR": st.integers(1901, 2155),
    "FLOAT": st.floats(width=32, allow_nan=False, allow_infinity=False),
    "DOUBLE": st.floats(allow_nan=False, allow_infinity=False),
    "DECIMAL(9,2)": fixed_point(9, 2),
    "DECIMAL(38,20)": fixed_point(28, 10),
    "DECIMAL(65,30)": fixed_point(28, 10),
    "DATE": st.one_of(st.dates(date(1000, 1, 1)), st.sampled_from(["0000-00-00", "2024-00-31"])),
    "DATETIME": MOMENTS.map(lambda moment: moment.replace(microsecond=0)),
    "DATETIME(6)": st.one_of(MOMENTS, st.just("0000-00-00 00:00:00")),
    "TIME(6)": st.timedeltas(timedelta(hours=-838), timedelta(hours=838)),
    "BIT(64)": whole(64, unsigned=True),
    "VARCHAR(4000)": LONG_TEXT,
    "LONGTEXT": LONG_TEXT,
    "VARBINARY(600)": st.binary(max_size=600),
    "LONGBLOB": st.one_of(st.binary(max_size=300), st.just(b"\xfe" * 70_000)),
    "ENUM('x','y','zz')": st.sampled_from(["x", "y", "zz"]),
}


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[Any]]]:
    types = draw(st.lists(st.sampled_from(sorted(COLUMN_TYPES)), min_size=1, max_size=12))
    values = [st.one_of(st.none(), COLUMN_TYPES[column_type]) for column_type in types]
    return types, draw(st.lists(st.tuples(*values).map(list), max_size=12))


@given(
    table=tables(),
    protocol=st.sampled_from(["binary", "text"]),
    buffer_bytes=st.sampled_from([64, 500, 1 << 20]),
    batch_rows=st.sampled_from([1, 3, 1000]),
)
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_table_reads_as_pymysql_reads_it(
    connection: Any, table: Any, protocol: Any, buffer_bytes: int, batch_rows: int
):
    """H-31: no value is changed, whatever stands beside it."""
    types, rows = table
    definitions = ", ".join(f"c{i} {column_type} NULL" for i, column_type in enumerate(types))
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS t")
        cursor.execute(f"CREATE TABLE t (id INT NOT NULL PRIMARY KEY, {definitions})")
        places = ", ".join(["%s"] * (len(types) + 1))
        for key, row in enumerate(rows):
            cursor.execute(f"INSERT INTO t VALUES ({places})", [key, *row])
    plain = ", ".join(f"c{i}" for i in range(len(types)))
    exact = ", ".join(
        f"c{i} * 1E0 AS c{i}" if name == "FLOAT" else f"c{i}" for i, name in enumerate(types)
    )
    ours = f"SELECT {plain if protocol == 'binary' else exact} FROM t ORDER BY id"

    with wire.query(connection, ours, prefer=protocol) as stream:
        columns = stream.columns
        list(stream)
    options = {"prefer": protocol, "buffer_bytes": buffer_bytes, "batch_rows": batch_rows}
    found = read(connection, ours, **options)

    assert found == read_by_pymysql(connection, f"SELECT {exact} FROM t ORDER BY id", columns)
    assert len(found) == len(rows)
