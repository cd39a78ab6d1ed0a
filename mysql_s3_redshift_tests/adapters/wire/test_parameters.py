"""Parameters, bound by the protocol or written into the query."""

# ruff: noqa: DTZ001  MySQL's datetimes have no zone

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysql_s3_redshift.adapters.mysql import wire
from mysql_s3_redshift.adapters.mysql.wire.parameters import inline
from mysql_s3_redshift.errors import SourceError
from mysql_s3_redshift_tests.adapters.wire.comparison import read

PROTOCOLS = pytest.mark.parametrize("protocol", ["binary", "text"])


@PROTOCOLS
@pytest.mark.parametrize(
    ("column_type", "value"),
    [
        ("BIGINT", -(2**63)),
        ("BIGINT", 2**53 + 1),
        ("BIGINT UNSIGNED", 2**64 - 1),
        ("DOUBLE", 0.1 + 0.2),
        ("DOUBLE", 1.7976931348623157e308),
        ("DECIMAL(65,30)", Decimal("-" + "9" * 35 + "." + "9" * 30)),
        ("VARCHAR(100)", "a'b\"c\\d`e?f;--\n\0ü😀%s"),
        ("VARBINARY(300)", bytes(range(256))),
        ("DATETIME(6)", datetime(2024, 2, 29, 23, 59, 59, 999_999)),
        ("DATETIME(6)", datetime(1000, 1, 1)),
        ("DATE", date(9999, 12, 31)),
    ],
)
def test_a_parameter_finds_exactly_its_row(
    connection: Any, protocol: Any, column_type: str, value: Any
):
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE t (v {column_type})")
        cursor.execute("INSERT INTO t VALUES (%s)", (value,))

    rows = read(
        connection,
        "SELECT COUNT(*) FROM t WHERE v = ? AND ? = v AND ? IS NULL",
        (value, value, None),
        prefer=protocol,
    )

    assert rows == [(1,)]


@PROTOCOLS
def test_microseconds_decide_a_keyset_comparison(connection: Any, protocol: Any):
    """I-03: the row at the watermark is not read again, the one a microsecond later is."""
    edge = datetime(2024, 1, 1, 12, 0, 0, 500_000)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE t (id INT, ts DATETIME(6))")
        for key, microsecond in enumerate((499_999, 500_000, 500_001)):
            cursor.execute(
                "INSERT INTO t VALUES (%s, %s)", (key, edge.replace(microsecond=microsecond))
            )

    rows = read(connection, "SELECT id FROM t WHERE ts > ?", (edge,), prefer=protocol)

    assert rows == [(2,)]


@PROTOCOLS
def test_parameters_of_16_mb_and_more_are_sent_whole(connection: Any, protocol: Any):
    value = "0123456789abcdef" * (17 << 16)
    rows = read(
        connection, "SELECT LENGTH(?), RIGHT(?, 16)", (value, "z" + value[:15]), prefer=protocol
    )
    assert rows == [(len(value), "z" + value[:15])]


@PROTOCOLS
def test_the_number_of_parameters_must_be_the_number_of_placeholders(
    connection: Any, protocol: Any
):
    for parameters in ((), (1, 2)):
        with pytest.raises(SourceError, match="1 placeholders"):
            wire.query(connection, "SELECT ?", parameters, prefer=protocol)
    assert read(connection, "SELECT 1") == [(1,)], "the connection stays usable"


@PROTOCOLS
@pytest.mark.parametrize(
    "value",
    [
        2**64,
        -(2**63) - 1,
        float("nan"),
        float("inf"),
        Decimal("NaN"),
        datetime(2024, 1, 1, tzinfo=UTC),
    ],
)
def test_values_without_an_exact_form_are_refused(connection: Any, protocol: Any, value: Any):
    with pytest.raises(ValueError, match="cannot be bound"):
        wire.query(connection, "SELECT ?", (value,), prefer=protocol)
    assert read(connection, "SELECT 1") == [(1,)]


@PROTOCOLS
def test_placeholders_in_strings_names_and_comments_are_not_placeholders(
    connection: Any, protocol: Any
):
    sql = (
        "SELECT '?''?\\'?' AS `?`, /* ? ' */ \"?\"\"\\\"?\" AS b, -- ? '\n"
        ' 1 AS c, # ? "\n ? AS d, 5--?+? AS e, /*!40000 ? AS g, */ 9 AS f'
    )
    (row,) = read(connection, sql, ("one", 2, 3, 4), prefer=protocol)
    assert row[:4] == ("?'?'?", '?"\\"?'.replace("\\", ""), 1, "one")
    assert row[-2:] == (4, 9)


def test_placeholders_are_found_without_backslash_escapes_too(connect: Any):
    connection = connect(sql_mode="NO_BACKSLASH_ESCAPES")
    sql = "SELECT '\\' AS a, ? AS b, '?\\' AS c"
    for protocol in ("binary", "text"):
        assert read(connection, sql, ("x\\'y",), prefer=protocol) == [("\\", "x\\'y", "?\\")]


SAFE = st.sampled_from(["SELECT ", "a", " + ", "\n", "5", "-", "/", "*x"])
QUOTED = st.sampled_from(
    ["'?'", "'a''?'", r"'\'?'", '"?"', '"a""?"', "`?`", "-- ?\n", "#?\n", "/*?*/", "/* ' ? */"]
)


@given(parts=st.lists(st.one_of(SAFE, QUOTED, st.just("?")), max_size=12))
def test_inlining_changes_nothing_but_the_placeholders(parts: list[str]):
    # A separator keeps generated pieces from joining to another token.
    sql = " ".join(parts)
    values = list(range(sum(part == "?" for part in parts)))
    wanted = iter([f"<{value!r}>" for value in values])
    written = " ".join(next(wanted) if part == "?" else part for part in parts)

    found = inline(sql, values, escape=lambda value: f"<{value!r}>", backslash_escapes=True)

    assert found == written
