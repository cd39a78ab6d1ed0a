"""Values that their target cannot hold: refused by name, or changed by a policy and counted."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysql_s3_redshift.core.convert import Converter
from mysql_s3_redshift.core.model import (
    ColumnPolicies,
    InvalidTextPolicy,
    OverlongPolicy,
    ZeroDatePolicy,
)
from mysql_s3_redshift.core.schema import SourceTable
from mysql_s3_redshift.core.types import map_table
from mysql_s3_redshift.errors import UnsupportedValueError
from mysql_s3_redshift_tests.core.conversion import (
    NO_BAD_DATES,
    TRUNCATE,
    batch,
    converted,
    converter,
    mysql_text,
    no_text,
    refusal,
    text_array,
    values,
)
from mysql_s3_redshift_tests.core.test_types import INT, column


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
