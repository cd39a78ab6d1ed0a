"""Values of every type arrive in Arrow and parquet exactly as MySQL has them."""

import hashlib
import io
import struct
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mysql_s3_redshift.core.convert import Converter, arrow_schema
from mysql_s3_redshift.core.model import ColumnPolicies
from mysql_s3_redshift.core.schema import SourceTable
from mysql_s3_redshift.core.types import map_table
from mysql_s3_redshift_tests.core.conversion import (
    NO_BAD_DATES,
    TRUNCATE,
    batch,
    converted,
    converter,
    mysql_text,
    no_text,
    refusal,
    values,
)
from mysql_s3_redshift_tests.core.test_types import column

moment = datetime.fromisoformat  # without a zone, as MySQL holds them


@pytest.mark.parametrize(
    ("mysql", "wire", "sent"),
    [
        ("tinyint(1)", pa.int8(), [-128, 127, 5, 0, None]),
        ("tinyint unsigned", pa.uint8(), [0, 255]),
        ("smallint", pa.int16(), [-32768, 32767]),
        ("smallint unsigned", pa.uint16(), [65535]),
        ("mediumint", pa.int32(), [-(2**23), 2**23 - 1]),
        ("mediumint unsigned", pa.int32(), [2**24 - 1]),
        ("int", pa.int32(), [-(2**31), 2**31 - 1, None]),
        ("int unsigned", pa.uint32(), [2**32 - 1]),
        ("bigint", pa.int64(), [-(2**63), 2**63 - 1, 2**53 + 1, None]),
        ("year", pa.int16(), [0, 1901, 2155]),
        ("bit(63)", pa.uint64(), [0, 2**63 - 1, None]),
        ("date", pa.date32(), [date(1, 1, 1), date(9999, 12, 31), date(2024, 2, 29), None]),
        (
            "datetime(6)",
            pa.timestamp("us"),
            [moment("1000-01-01"), moment("9999-12-31T23:59:59.999999"), None],
        ),
        ("varbinary(255)", pa.binary(), [b"", b"\0\xff\xfe", bytes(range(255)), None]),
        ("decimal(10,2)", pa.decimal128(10, 2), [Decimal("-99999999.99"), Decimal("0.01"), None]),
        ("decimal(38,0)", pa.decimal128(38, 0), [Decimal(10**38 - 1), Decimal(1 - 10**38)]),
        ("decimal(38,37)", pa.decimal128(38, 37), [Decimal("1." + "0" * 36 + "1"), None]),
    ],
)
def test_values_at_the_edges_of_their_types_arrive_exactly(mysql, wire, sent):
    """H-31, P-01"""
    assert values(mysql, wire, sent) == sent


def test_unsigned_bigint_and_bit_64_reach_their_largest_value():
    """H-31, P-01"""
    for mysql in ("bigint unsigned", "bit(64)"):
        assert values(mysql, pa.uint64(), [0, 2**64 - 1, 2**63, None]) == [
            Decimal(0),
            Decimal(2**64 - 1),
            Decimal(2**63),
            None,
        ]


def test_bit_1_is_a_boolean():
    assert values("bit(1)", pa.uint64(), [0, 1, None]) == [False, True, None]


def test_decimals_that_redshift_cannot_hold_keep_mysqls_text():
    """P-01"""
    sent = [b"-" + b"9" * 35 + b"." + b"9" * 30, b"0.000000000000000000000000000001", None]
    text = [value and value.decode() for value in sent]
    assert values("decimal(65,30)", pa.binary(), sent) == text


@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False))))
def test_doubles_keep_their_bits(sent):
    """P-01"""
    bits = [None if v is None else struct.pack("<d", v) for v in sent]
    got = values("double", pa.float64(), sent)
    assert [None if v is None else struct.pack("<d", v) for v in got] == bits


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False)))
def test_floats_keep_their_bits(sent):
    got = values("float", pa.float32(), sent)
    assert [struct.pack("<f", v) for v in got] == [struct.pack("<f", v) for v in sent]


@pytest.mark.parametrize(
    "text",
    [
        "", "NULL", "Null", "None", "NaN", "\\N", "'\"\\", "a\nb\r\n\t", "👩‍👩‍👧", "e\u0301 é",
        "€", "𝔘𝔫𝔦", "\ufeffbom", "  padded  ", "true", "0",
    ],
)  # fmt: skip
@pytest.mark.parametrize("mysql", ["varchar(255)", "text", "json", "enum('a')"])
def test_every_text_stays_itself_and_only_null_is_null(mysql, text):
    """H-31"""
    facts = {"length": 255} if mysql.startswith("enum") else {}
    assert values(mysql, pa.binary(), [text.encode(), None], facts=facts) == [text, None]


@given(st.lists(st.one_of(st.none(), mysql_text), min_size=1), st.integers(0, 3))
def test_any_valid_text_is_kept_without_a_copy(texts, start):
    """I-27"""
    array = pa.array([t and t.encode() for t in texts], pa.binary()).slice(start)
    using = converter("text")
    made = converted(using, array)
    assert made.to_pylist() == texts[start:]
    if not start and any(texts):
        assert made.buffers()[2].address == array.buffers()[2].address
    assert using.max_bytes["c"] == max((len(t.encode()) for t in texts[start:] if t), default=0)


MAX_TIME = 838 * 3600 + 59 * 60 + 59


def mysql_time(micros: int, digits: int) -> str:
    seconds, fraction = divmod(abs(micros), 10**6)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    tail = f".{fraction:06}"[: digits + 1] if digits else ""
    return ("-" if micros < 0 else "") + text + tail


@given(
    st.integers(0, 6),
    st.lists(st.one_of(st.none(), st.integers(-MAX_TIME, MAX_TIME)), max_size=20),
    st.integers(0, 10**6 - 1),
    st.integers(0, 2),
)
def test_times_are_written_as_mysql_writes_them(digits, seconds, fraction, start):
    """P-01"""
    fraction -= fraction % 10 ** (6 - digits)
    micros = [s and s * 10**6 + (fraction if s > 0 else -fraction) for s in seconds]
    array = pa.array(micros, pa.duration("us")).slice(start)
    using = converter(f"time({digits})" if digits else "time")
    expected = [None if m is None else mysql_time(m, digits) for m in micros[start:]]
    assert converted(using, array).to_pylist() == expected


def test_the_longest_times_fit():
    """P-01"""
    longest = timedelta(hours=838, minutes=59, seconds=59, microseconds=999999)
    assert values("time(6)", pa.duration("us"), [longest, -longest, timedelta()]) == [
        "838:59:59.999999",
        "-838:59:59.999999",
        "00:00:00.000000",
    ]


@given(st.lists(st.one_of(st.none(), st.binary(max_size=20)), min_size=1))
def test_a_hash_is_that_of_salt_and_value(sent):
    got = values("varchar(20)", pa.binary(), sent, hash=("c",), hash_salt="pepper")
    assert got == [None if v is None else hashlib.sha256(b"pepper" + v).hexdigest() for v in sent]


def test_a_geometry_carries_its_srid_into_redshift():
    plain, point = struct.pack("<BIdd", 1, 1, 1.5, -2.0), struct.pack("<dd", 1.5, -2.0)
    sent = [bytes(4) + plain, struct.pack("<I", 4326) + plain, None]
    kept = [plain, struct.pack("<BII", 1, 0x20000001, 4326) + point, None]
    assert values("point", pa.binary(), sent) == kept
    as_text = [None if value is None else value.hex().upper() for value in kept]
    assert values("point", pa.binary(), sent, types={"c": "geometry"}) == as_text


def test_floats_that_arrive_as_doubles_stay_the_same_floats():
    exact = [0.5, -0.0, float(np.float32(0.1)), float(np.float32(3.4e38)), None]
    made = converted(converter("float"), pa.array(exact, pa.float64()))
    assert [repr(v) for v in made.to_pylist()] == [repr(v) for v in exact]


@pytest.mark.parametrize(
    ("mysql", "array"),
    [
        ("int", pa.array([b"1"])),
        ("int", pa.array([1.5])),
        ("int", pa.array([2**31], pa.int64())),
        ("text", pa.array([1])),
        ("date", pa.array([moment("2020-01-01")], pa.timestamp("us"))),
        ("float", pa.array([0.1], pa.float64())),
        ("decimal(4,2)", pa.array([Decimal("1.234")], pa.decimal128(4, 3))),
    ],
)
def test_values_of_another_type_than_described_are_never_cast_silently(mysql, array):
    """I-25, I-27"""
    assert "altered while it was read" in refusal(converter(mysql), array)


def test_decimals_sent_as_text_and_a_literal_null_are_taken():
    assert values("decimal(4,2)", pa.string(), ["12.30", "-1", None]) == [
        Decimal("12.30"),
        Decimal("-1.00"),
        None,
    ]
    assert values("bigint", pa.null(), [None, None]) == [None, None]


def test_counts_and_sizes_add_up_over_batches():
    using = converter("varchar(3)", types={"c": "varchar(2)"}, overlong=TRUNCATE)
    for sent in ([b"abc", b"a"], [b"abcd"], []):
        converted(using, pa.array(sent, pa.binary()))
    assert using.values_changed == {"overlong_truncated:c": 2}
    assert using.max_bytes == {"c": 2}


def test_decimals_are_stored_in_as_few_bytes_as_copy_expects():
    """I-27"""
    for precision, width in ((4, 2), (10, 5), (18, 8), (20, 9), (38, 16)):
        sent = pa.array([Decimal(1)], pa.decimal128(precision, 0))
        made = converter(f"decimal({precision},0)").convert(batch(sent), NO_BAD_DATES, no_text)
        file = io.BytesIO()
        pq.write_table(pa.Table.from_batches([made]), file)
        stored = pq.ParquetFile(file).schema.column(1)
        assert (stored.physical_type, stored.length) == ("FIXED_LEN_BYTE_ARRAY", width)


WIRES: dict[str, tuple[pa.DataType, st.SearchStrategy[Any], Callable[[Any], Any]]] = {
    "int": (pa.int32(), st.integers(-(2**31), 2**31 - 1), lambda v: v),
    "bigint unsigned": (pa.uint64(), st.integers(0, 2**64 - 1), Decimal),
    "varchar(40)": (pa.binary(), mysql_text.map(lambda t: t[:40].encode()), bytes.decode),
    "blob": (pa.binary(), st.binary(max_size=30), lambda v: v),
    "double": (pa.float64(), st.floats(allow_nan=False), lambda v: v),
    "datetime(6)": (pa.timestamp("us"), st.datetimes(moment("1000-01-01")), lambda v: v),
    "date": (pa.date32(), st.dates(), lambda v: v),
    "decimal(20,5)": (
        pa.decimal128(20, 5),
        st.decimals(-(10**15) + 1, 10**15 - 1, places=5),
        lambda v: v,
    ),
}


@settings(max_examples=40)
@given(st.lists(st.sampled_from(sorted(WIRES)), min_size=1, max_size=6), st.data())
def test_a_random_table_survives_the_round_trip(kinds, data):
    """I-27"""
    sources = tuple(
        column(kind, f"c{i}", **({"length": 65535} if kind == "blob" else {}))
        for i, kind in enumerate(kinds)
    )
    chosen = ColumnPolicies()
    schema = map_table(SourceTable("shop", "t", sources), chosen)
    rows = data.draw(st.integers(0, 5))
    sent = [
        data.draw(st.lists(st.one_of(st.none(), WIRES[kind][1]), min_size=rows, max_size=rows))
        for kind in kinds
    ]
    arrays = [pa.array(v, WIRES[kind][0]) for kind, v in zip(kinds, sent, strict=True)]
    names = [c.name for c in schema.columns]
    using = Converter(schema, chosen, table="shop.t", key_columns=())
    made = using.convert(pa.RecordBatch.from_arrays(arrays, names=names), NO_BAD_DATES, no_text)
    file = io.BytesIO()
    pq.write_table(pa.Table.from_batches([made]), file)
    read = pq.read_table(file)
    assert read.schema == arrow_schema(schema)
    for kind, name, values_sent in zip(kinds, names, sent, strict=True):
        expected = [None if v is None else WIRES[kind][2](v) for v in values_sent]
        assert read.column(name).to_pylist() == expected
    assert not using.values_changed
