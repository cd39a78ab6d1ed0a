import hashlib
import io
import struct
from collections.abc import Callable, Mapping
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
from mysql_s3_redshift.core.model import (
    ColumnPolicies,
    InvalidTextPolicy,
    OverlongPolicy,
    ZeroDatePolicy,
)
from mysql_s3_redshift.core.schema import SourceTable
from mysql_s3_redshift.core.types import map_table
from mysql_s3_redshift.errors import UnsupportedValueError
from mysql_s3_redshift_tests.core.test_types import INT, column

TRUNCATE = {"*": OverlongPolicy.TRUNCATE}
moment = datetime.fromisoformat  # without a zone, as MySQL holds them
NO_BAD_DATES: Mapping[int, Any] = {}


def no_text(_column: int, _row: int) -> str:
    raise AssertionError("no bad date was announced")


def converter(
    mysql: str,
    key: tuple[str, ...] = ("id",),
    facts: Mapping[str, Any] | None = None,
    **policies: Any,
) -> Converter:
    """A converter for a table of a key `id` and a column `c`."""
    chosen = ColumnPolicies(**policies)
    table = SourceTable("shop", "t", (INT, column(mysql, **(facts or {}))), primary_key=key)
    return Converter(map_table(table, chosen), chosen, table="shop.t", key_columns=("id",))


def batch(array: pa.Array) -> pa.RecordBatch:
    ids = pa.array(range(1, len(array) + 1), pa.int32())
    return pa.RecordBatch.from_arrays([ids, array], names=["a", "b"])


def converted(using: Converter, array: pa.Array) -> pa.Array:
    """Column `c`, after a round trip through a parquet file."""
    made = using.convert(batch(array), NO_BAD_DATES, no_text)
    assert made.schema == arrow_schema(using.schema)
    assert made.schema.metadata is None
    file = io.BytesIO()
    pq.write_table(pa.Table.from_batches([made]), file)
    read = pq.read_table(file).column("c").combine_chunks()
    assert read.to_pylist() == made.column(1).to_pylist()
    return made.column(1)


def values(mysql: str, wire: pa.DataType, sent: list[Any], **more: Any) -> list[Any]:
    result: list[Any] = converted(converter(mysql, **more), pa.array(sent, wire)).to_pylist()
    return result


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


mysql_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


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


def refusal(using: Converter, array: pa.Array) -> str:
    with pytest.raises(UnsupportedValueError) as raised:
        using.convert(batch(array), NO_BAD_DATES, no_text)
    return str(raised.value)


def text_array(*sent: bytes | None) -> pa.Array:
    return pa.array(sent, pa.binary())


def test_text_longer_than_its_column_is_refused_with_its_key():
    """I-28, P-07"""
    message = refusal(converter("longtext"), text_array(b"ok", b"x" * 70_000, None))
    assert "`shop.t`, column `c`, row id=2" in message
    assert "70000 bytes, more than VARCHAR(65535)" in message
    assert "`columns.overlong.c` to `truncate` or `null`" in message
    assert len(message) < 500


def test_text_is_cut_between_characters_and_counted():
    """I-28"""
    using = converter("varchar(9)", types={"c": "varchar(5)"}, overlong=TRUNCATE)
    made = converted(using, text_array("é€é".encode(), "😀😀".encode(), b"12345", None, b"123456"))
    assert made.to_pylist() == ["é€", "😀", "12345", None, "12345"]
    assert using.values_changed == {"overlong_truncated:c": 3}
    assert using.max_bytes == {"c": 5}


@given(st.lists(mysql_text, min_size=1), st.integers(1, 12))
def test_cut_text_is_the_longest_beginning_that_fits(texts, limit):
    """I-28"""
    using = converter("text", types={"c": f"varchar({limit})"}, overlong=TRUNCATE)
    for text, cut in zip(
        texts, converted(using, text_array(*(t.encode() for t in texts))).to_pylist(), strict=True
    ):
        assert text.startswith(cut)
        assert len(cut.encode()) <= limit
        longer = text[: len(cut) + 1]
        assert longer == cut or len(longer.encode()) > limit


def test_overlong_values_may_become_null_and_bytes_may_be_cut():
    using = converter("varbinary(3)", overlong={"C": OverlongPolicy.NULL})
    assert converted(using, text_array(b"\xff" * 4, b"\0" * 3)).to_pylist() == [None, b"\0" * 3]
    assert using.values_changed == {"overlong_nulled:c": 1}
    using = converter("varbinary(3)", overlong=TRUNCATE)
    assert converted(using, text_array(b"\xff\xfe\xfd\xfc")).to_pylist() == [b"\xff\xfe\xfd"]


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


def test_a_geometry_is_never_cut():
    message = refusal(converter("point", overlong=TRUNCATE), text_array(b"\1" * 1_024_001))
    assert "`columns.overlong.c` to `null`" in message


@pytest.mark.parametrize(
    "bad", [b"a\xff", b"\xed\xa0\x80", b"\xc0\x80", b"a\0b", b"\xf4\x90\x80\x80"]
)
def test_text_that_redshift_cannot_hold_is_refused_replaced_or_nulled(bad):
    """I-28"""
    assert "row id=2" in refusal(converter("text"), text_array(b"ok", bad))
    for policy, count in (("replace", "replaced"), ("null", "nulled")):
        using = converter("text", invalid_text={"*": InvalidTextPolicy(policy)})
        first, second, third = converted(using, text_array("é".encode(), bad, None)).to_pylist()
        assert (first, third) == ("é", None)
        assert second is None if policy == "null" else "\ufffd" in second and "\0" not in second
        assert using.values_changed == {f"invalid_text_{count}:c": 1}


def test_replaced_text_is_measured_after_the_replacement():
    using = converter(
        "varchar(9)",
        types={"c": "varchar(4)"},
        invalid_text={"c": InvalidTextPolicy.REPLACE},
        overlong=TRUNCATE,
    )
    assert converted(using, text_array(b"\xff\xff")).to_pylist() == ["\ufffd"]


def zero_dates(using: Converter) -> pa.RecordBatch:
    days = pa.array([None, date(2024, 1, 1), None], pa.date32())
    bad = {1: np.array([False, False, True])}
    return using.convert(batch(days), bad, lambda column, row: f"2024-02-00 at {column},{row}")


def test_zero_dates_are_null_and_counted_by_default_even_in_not_null_columns():
    """H-31, P-01"""
    using = converter("date", facts={"nullable": False})
    assert zero_dates(using).column(1).to_pylist() == [None, date(2024, 1, 1), None]
    assert using.values_changed == {"zero_dates_nulled:c": 1}


def test_zero_dates_are_an_error_by_policy_and_in_keys():
    with pytest.raises(UnsupportedValueError, match=r"row id=3.*2024-02-00 at 1,2"):
        zero_dates(converter("date", zero_dates={"c": ZeroDatePolicy.ERROR}))
    with pytest.raises(UnsupportedValueError, match=r"row id=3(.|\n)*no policy may change"):
        zero_dates(converter("date", key=("id", "c"), zero_dates={"*": ZeroDatePolicy.NULL}))


def test_a_key_is_never_null_or_changed():
    message = refusal(converter("varchar(3)", key=("id", "c")), text_array(b"a", None))
    assert "row id=2" in message
    assert "is NULL" in message
    using = converter("varchar(3)", key=("c",), types={"c": "varchar(2)"}, overlong=TRUNCATE)
    assert "no policy may change" in refusal(using, text_array(b"abc"))


def test_booleans_are_0_and_1_and_nothing_else():
    """H-31"""
    for wire in (pa.int8(), pa.uint8(), pa.int64()):
        sent = pa.array([0, 1, None], wire)
        assert converted(converter("tinyint(1)", types={"c": "bool"}), sent).to_pylist() == [
            False,
            True,
            None,
        ]
    for wrong in (-1, 2):
        message = refusal(
            converter("tinyint(1)", types={"c": "bool"}), pa.array([1, None, wrong], pa.int8())
        )
        assert f"row id=3: the value is {wrong}, neither 0 nor 1" in message


def test_times_of_day_end_before_24_hours():
    """P-01"""
    good = [timedelta(), timedelta(hours=23, minutes=59, seconds=59), None]
    assert values("time", pa.duration("us"), good, types={"c": "time"}) == [
        "00:00:00",
        "23:59:59",
        None,
    ]
    for wrong, text in ((timedelta(hours=24), "24:00:00"), (-timedelta(seconds=1), "-00:00:01")):
        array = pa.array([None, wrong], pa.duration("us"))
        assert f"row id=2: the value is {text}" in refusal(
            converter("time", types={"c": "time"}), array
        )


def test_text_for_super_must_be_json():
    using = converter("text", types={"c": "super"})
    large = '{"a": 12345678901234567890.123}'
    documents = text_array(large.encode(), b"null", b'"x"', None)
    assert converted(using, documents).to_pylist() == [large, "null", '"x"', None]
    for wrong in (b"", b"{a: 1}", b"NaN"):
        assert "no JSON document" in refusal(using, text_array(b"1", wrong))
    assert converted(converter("json", types={"c": "super"}), text_array(b"{}")).to_pylist() == [
        "{}"
    ]


def test_a_hashed_key_is_not_shown():
    chosen = ColumnPolicies(hash=("id",), hash_salt="s")
    table = SourceTable("shop", "t", (INT, column("text")), primary_key=("id",))
    using = Converter(map_table(table, chosen), chosen, table="shop.t", key_columns=["id"])
    rows = pa.RecordBatch.from_arrays(
        [text_array(b"secret"), text_array(b"\xff")], names=["a", "b"]
    )
    with pytest.raises(UnsupportedValueError) as raised:
        using.convert(rows, NO_BAD_DATES, no_text)
    assert "id=(hashed)" in str(raised.value)
    assert "secret" not in str(raised.value)
    assert "pepper" not in repr(ColumnPolicies(hash_salt="pepper"))


def test_a_table_without_a_key_tells_the_row_of_the_batch():
    chosen = ColumnPolicies()
    table = SourceTable("shop", "t", (INT, column("text")))
    using = Converter(map_table(table, chosen), chosen, table="shop.t", key_columns=())
    assert "row 2 of its batch" in refusal(using, text_array(b"", b"\xff"))


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
