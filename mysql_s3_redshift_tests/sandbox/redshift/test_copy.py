"""What COPY makes of a file's columns and values: types that load, values that fit, exact rows."""
# ruff: noqa: DTZ001 - a TIMESTAMP without time zone is what is tested

from __future__ import annotations

import datetime as dt
import decimal
import math
import random
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from mysql_s3_redshift_tests.sandbox.redshift.columns import ACCEPTED, REFUSED, UTC, one_column
from mysql_s3_redshift_tests.sandbox.redshift.conftest import BUCKET, Lake, copy, refusal, run


@pytest.mark.parametrize(
    ("column", "kind", "values"), ACCEPTED, ids=[f"{c} from {k}" for c, k, _ in ACCEPTED]
)
def test_a_column_loads_from_the_parquet_type_known_to_load(
    connection: Any, lake: Lake, column: str, kind: pa.DataType, values: list[Any]
) -> None:
    run(connection, f"create table t (c {column})")
    lake.put_table("accepted/1.parquet", one_column(values, kind))
    run(connection, copy("t", f"s3://{BUCKET}/accepted/"))
    assert [row[0] for row in run(connection, "select c from t")] == values


@pytest.mark.parametrize(("column", "kind"), REFUSED, ids=[f"{c} from {k}" for c, k in REFUSED])
def test_any_other_parquet_type_is_refused(
    connection: Any, lake: Lake, column: str, kind: pa.DataType
) -> None:
    run(connection, f"create table t (c {column})")
    lake.put_table("refused/1.parquet", one_column([None], kind))
    fields = refusal(connection, copy("t", f"s3://{BUCKET}/refused/"))
    assert (fields["C"], fields["M"]) == ("XX000", "Spectrum Scan Error")
    assert "incompatible Parquet schema" in fields["D"] or "invalid type length" in fields["D"]


def test_columns_are_matched_by_position_and_names_are_ignored(connection: Any, lake: Lake) -> None:
    run(connection, "create table t (a int, b varchar(5), c int default 7)")
    lake.put_table("position/1.parquet", pa.table({"b": pa.array([1], pa.int32()), "a": ["x"]}))
    source = f"s3://{BUCKET}/position/"
    assert "Unmatched number of columns" in refusal(connection, copy("t", source))["D"]
    run(connection, copy("t (a, b)", source))
    run(connection, copy("t", source, "fillrecord"))
    assert run(connection, "select * from t order by c") == [[1, "x", 7], [1, "x", None]]
    reversed_columns = refusal(connection, copy("t (b, a)", source))
    assert "Column type: VARCHAR" in reversed_columns["D"]


def test_a_column_list_must_have_every_not_null_column(connection: Any, lake: Lake) -> None:
    run(connection, "create table t (a int, b int not null)")
    lake.put_table("list/1.parquet", one_column([1], pa.int32()))
    source = f"s3://{BUCKET}/list/"
    assert refusal(connection, copy("t (a)", source))["C"] == "42601"
    assert refusal(connection, copy("t (nope)", source))["C"] == "42703"
    assert refusal(connection, copy("nope", source))["C"] == "42P01"


@pytest.mark.parametrize(
    ("values", "kind", "column", "text"),
    [
        (["é" * 3], pa.string(), "varchar(5)", "Table: 5, Data: 6"),
        ([b"1234"], pa.binary(), "varbyte(3)", "Table: 3, Data: 4"),
        (["é"], pa.string(), "char(5)", "Multibyte character not supported for CHAR"),
        (["a\0b"], pa.string(), "varchar(5)", "Invalid null byte"),
    ],
)
def test_values_that_do_not_fit_fail_the_load(
    connection: Any, lake: Lake, values: list[Any], kind: pa.DataType, column: str, text: str
) -> None:
    run(connection, f"create table t (c {column})")
    lake.put_table(
        "values/1.parquet", one_column(["fits"[:2]] if kind == pa.string() else [b""], kind)
    )
    lake.put_table("values/2.parquet", one_column(values, kind))
    fields = refusal(connection, copy("t", f"s3://{BUCKET}/values/"))
    assert text in fields["D"]
    assert run(connection, "select count(*) from t") == [[0]]
    assert run(connection, "select pg_last_copy_count()") == [[0]]
    logged = run(connection, "select message from svl_s3log order by query desc limit 1")
    assert text in logged[0][0]


def test_trailing_blanks_do_not_count(connection: Any, lake: Lake) -> None:
    run(connection, "create table t (c varchar(3))")
    lake.put_table("blanks/1.parquet", one_column(["ab     ", "a  "], pa.string()))
    run(connection, copy("t", f"s3://{BUCKET}/blanks/"))
    assert run(connection, "select c from t") == [["ab"], ["a  "]]


def test_a_null_in_a_not_null_column_fails_the_load(connection: Any, lake: Lake) -> None:
    run(connection, "create table t (c int not null)")
    lake.put_table("null/1.parquet", one_column([1, None], pa.int32()))
    fields = refusal(connection, copy("t", f"s3://{BUCKET}/null/"))
    assert fields["M"] == "Cannot insert a NULL value into column c"


def test_super_needs_serializetojson_and_json_text_stays_a_string(
    connection: Any, lake: Lake
) -> None:
    run(connection, "create table t (c super)")
    lake.put_table("super/1.parquet", pa.table({"c": [{"b": 1, "a": ["x"]}]}))
    lake.put_table("super/2.parquet", pa.table({"c": ['{"b": 1}']}))
    source = f"s3://{BUCKET}/super/"
    fields = refusal(connection, copy("t", source))
    assert (fields["M"], "Unreachable - Invalid type: 4000" in fields["D"]) == ("Assert", True)
    run(connection, copy("t", source, "serializetojson"))
    rows = run(connection, "select json_serialize(c), json_typeof(c) from t")
    assert rows == [['{"b":1,"a":["x"]}', "object"], ['"{\\"b\\": 1}"', "string"]]


def test_a_copy_rolls_back_with_its_block(block: Any, lake: Lake) -> None:
    run(block, "create table t (c int)")
    block.commit()
    lake.put_table("block/1.parquet", one_column([1, 2, 3], pa.int32()))
    run(block, copy("t", f"s3://{BUCKET}/block/"))
    assert run(block, "select count(*), pg_last_copy_count() from t") == [[3, 3]]
    block.rollback()
    assert run(block, "select count(*) from t") == [[0]]
    assert b"3 record(s) loaded successfully" in block.notices[-1][b"M"]


decimal.getcontext().prec = 60
EXTREMES: dict[str, tuple[str, pa.DataType, list[Any]]] = {
    "i8": ("bigint", pa.int64(), [2**63 - 1, -(2**63), 0]),
    "i4": ("int", pa.int32(), [2**31 - 1, -(2**31)]),
    "i2": ("smallint", pa.int16(), [32767, -32768]),
    "f8": (
        "float8",
        pa.float64(),
        [math.nan, math.inf, -math.inf, 5e-324, 1.7976931348623157e308, -0.0, 0.1],
    ),
    "f4": ("float4", pa.float32(), [math.nan, 1.5, -2.25]),
    "b": ("bool", pa.bool_(), [True, False]),
    "d": ("date", pa.date32(), [dt.date(1, 1, 1), dt.date(9999, 12, 31), dt.date(1969, 12, 31)]),
    "ts": (
        "timestamp",
        pa.timestamp("us"),
        [
            dt.datetime(1, 1, 1),
            dt.datetime(9999, 12, 31, 23, 59, 59, 999999),
            dt.datetime(1969, 12, 31, 23, 59, 59, 999999),
            dt.datetime(1970, 1, 1),
        ],
    ),
    "tz": (
        "timestamptz",
        pa.timestamp("us", "UTC"),
        [dt.datetime(1950, 1, 1, 1, 1, 1, 1, tzinfo=UTC)],
    ),
    "s": (
        "varchar(65535)",
        pa.string(),
        ["", 'é😀 "q" \\ \n \t ,|', "x" * 65535, "\\N", "NULL", "'; drop table x;--"],
    ),
    "n18": ("decimal(18, 0)", pa.decimal128(18, 0), [Decimal(10**18 - 1), Decimal(-(10**18) + 1)]),
    "n38": (
        "decimal(38, 10)",
        pa.decimal128(38, 10),
        [
            Decimal("9" * 28 + "." + "9" * 10),
            Decimal("-" + "9" * 28 + "." + "9" * 10),
            Decimal("0.0000000001"),
            Decimal("10000.0000000000"),
        ],
    ),
    "n9": ("decimal(9, 9)", pa.decimal128(9, 9), [Decimal("0.999999999"), Decimal("-0.000000001")]),
    "v": ("varbyte(1000)", pa.binary(), [b"", b"\x00\xff\\x41", bytes(range(256))]),
}


def test_500_rows_of_extremes_come_back_exactly(connection: Any, lake: Lake) -> None:
    chance = random.Random(7)
    columns = {
        name: values + [None] + [chance.choice([*values, None]) for _ in range(499 - len(values))]
        for name, (_, _, values) in EXTREMES.items()
    }
    columns["ts"][10:] = [
        dt.datetime(1, 1, 1) + dt.timedelta(microseconds=chance.randrange(315537897599999999))
        for _ in range(490)
    ]
    columns["n38"][10:] = [
        Decimal(chance.randrange(-(10**37), 10**37)).scaleb(-10) for _ in range(490)
    ]
    table = pa.table({n: pa.array(columns[n], kind) for n, (_, kind, _) in EXTREMES.items()})
    table = table.append_column("pos", pa.array(range(500), pa.int64()))
    names = ", ".join(f"{name} {kind}" for name, (kind, _, _) in EXTREMES.items())
    run(connection, f"create table t ({names}, pos bigint)")
    lake.put_table("extremes/1.parquet", table)
    run(connection, copy("t", f"s3://{BUCKET}/extremes/"))
    rows = run(connection, "select * from t order by pos")
    assert len(rows) == 500
    for index, name in enumerate(EXTREMES):
        expected = [v.hex() if isinstance(v, bytes) else v for v in columns[name]]
        assert [repr(row[index]) for row in rows] == [repr(value) for value in expected], name
