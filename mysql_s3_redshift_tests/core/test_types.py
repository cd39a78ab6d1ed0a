import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysql_s3_redshift.core.arrow_types import arrow_schema, arrow_type
from mysql_s3_redshift.core.model import (
    ColumnPolicies,
    InvalidTextPolicy,
    OverlongPolicy,
    ZeroDatePolicy,
)
from mysql_s3_redshift.core.schema import Column, SourceColumn, SourceTable, TableSchema
from mysql_s3_redshift.core.type_rules import utf8_bytes
from mysql_s3_redshift.core.types import RULES, map_table, select_expression
from mysql_s3_redshift.core.types_page import types_page
from mysql_s3_redshift.errors import ConfigError

INT = SourceColumn("id", "int", "int(11)", nullable=False)


def column(column_type: str, name: str = "c", **facts: Any) -> SourceColumn:
    """A column as discovery describes it, its numbers taken from its type."""
    base = re.split(r"[( ]", column_type)[0]
    numbers = [int(n) for n in re.findall(r"(?<=[(,])\d+", column_type)]
    if base in {"char", "varchar", "binary", "varbinary"}:
        facts.setdefault("length", numbers[0])
    if base in {"decimal", "bit"}:
        facts.update(zip(("precision", "scale"), numbers, strict=False))
    if base in {"char", "varchar", "enum", "set"}:
        facts.setdefault("max_bytes_per_char", 4)
    return SourceColumn(name, base, column_type, **facts)


def table(*columns: SourceColumn, key: tuple[str, ...] = ()) -> SourceTable:
    return SourceTable("shop", "t", columns, primary_key=key)


def mapped(source: SourceColumn, **policies: Any) -> Column:
    return map_table(table(source), ColumnPolicies(**policies)).columns[0]


@pytest.mark.parametrize(
    ("mysql", "arrow", "redshift"),
    [
        ("tinyint(1)", "int16", "SMALLINT"),
        ("tinyint(3) unsigned", "int16", "SMALLINT"),
        ("smallint(6)", "int16", "SMALLINT"),
        ("smallint(5) unsigned zerofill", "int32", "INTEGER"),
        ("mediumint(9)", "int32", "INTEGER"),
        ("mediumint unsigned", "int32", "INTEGER"),
        ("int(11)", "int32", "INTEGER"),
        ("int(10) unsigned", "int64", "BIGINT"),
        ("bigint(20)", "int64", "BIGINT"),
        ("bigint(20) unsigned", "decimal128(20, 0)", "DECIMAL(20,0)"),
        ("year(4)", "int16", "SMALLINT"),
        ("decimal(10,2)", "decimal128(10, 2)", "DECIMAL(10,2)"),
        ("decimal(38,0)", "decimal128(38, 0)", "DECIMAL(38,0)"),
        ("decimal(38,37)", "decimal128(38, 37)", "DECIMAL(38,37)"),
        ("decimal(38,38)", "string", "VARCHAR(41)"),
        ("decimal(65,30)", "string", "VARCHAR(68)"),
        ("float", "float32", "REAL"),
        ("float(7,4) unsigned", "float32", "REAL"),
        ("double", "float64", "DOUBLE PRECISION"),
        ("bit(1)", "bool", "BOOLEAN"),
        ("bit(2)", "int64", "BIGINT"),
        ("bit(63)", "int64", "BIGINT"),
        ("bit(64)", "decimal128(20, 0)", "DECIMAL(20,0)"),
        ("date", "date32", "DATE"),
        ("datetime(6)", "timestamp[us]", "TIMESTAMP"),
        ("timestamp", "timestamp[us]", "TIMESTAMP"),
        ("time(6)", "string", "VARCHAR(17)"),
        ("varchar(255)", "string", "VARCHAR(1020)"),
        ("char(0)", "string", "VARCHAR(1)"),
        ("varchar(20000)", "string", "VARCHAR(65535)"),
        ("tinytext", "string", "VARCHAR(65535)"),
        ("longtext", "string", "VARCHAR(65535)"),
        ("json", "string", "VARCHAR(65535)"),
        ("binary(16)", "binary", "VARBYTE(16)"),
        ("varbinary(0)", "binary", "VARBYTE(1)"),
        ("point", "binary", "VARBYTE(1024000)"),
        ("geomcollection", "binary", "VARBYTE(1024000)"),
        ("uuid", "string", "VARCHAR(36)"),
        ("inet6", "string", "VARCHAR(45)"),
        ("vector(3)", "binary", "VARBYTE(65532)"),
    ],
)
def test_each_type_has_its_exact_counterpart(mysql, arrow, redshift):
    """H-31, P-01"""
    found = mapped(column(mysql))
    assert (found.arrow, found.target_type, found.staging_type) == (arrow, redshift, redshift)
    assert found.cast == ""
    assert isinstance(arrow_type(found.arrow), pa.DataType)


def test_a_blob_gets_its_own_size_up_to_the_largest_that_copy_fills():
    assert mapped(column("blob", length=65535)).target_type == "VARBYTE(65535)"
    assert mapped(column("longblob", length=2**32 - 1)).target_type == "VARBYTE(1024000)"


@pytest.mark.parametrize(
    ("charset", "size"),
    [("utf8mb4", 1020), ("utf8mb3", 765), ("latin1", 765), ("ascii", 510), ("gb18030", 1020)],
)
def test_varchar_counts_bytes_and_is_at_least_doubled(charset, size):
    """I-28"""
    source = column("varchar(255)", charset=charset, max_bytes_per_char=utf8_bytes(charset))
    assert mapped(source).target_type == f"VARCHAR({size})"


@given(st.text(min_size=1, max_size=20))
def test_the_sizes_of_charsets_hold_for_every_text_that_python_can_encode_in_them(text):
    """I-28"""
    codecs = {"latin1": "cp1252", "gbk": "gbk", "sjis": "shift_jis", "big5": "big5"}
    codecs |= {"ascii": "ascii", "utf8mb4": "utf-8", "koi8r": "koi8-r", "gb18030": "gb18030"}
    for charset, codec in codecs.items():
        encodable = text.encode(codec, "ignore").decode(codec, "ignore")
        assert len(encodable.encode()) <= len(encodable) * utf8_bytes(charset)


def test_an_enum_with_the_word_unsigned_is_no_number():
    assert mapped(column("enum('unsigned')", length=8)).target_type == "VARCHAR(32)"


@pytest.mark.parametrize(
    ("mysql", "option", "target", "staging", "cast"),
    [
        ("tinyint(1)", "bool", "BOOLEAN", "BOOLEAN", ""),
        ("bigint unsigned", "bool", "BOOLEAN", "BOOLEAN", ""),
        ("time(3)", "time", "TIME", "VARCHAR(17)", "CAST({} AS TIME)"),
        ("json", "super", "SUPER", "VARCHAR(65535)", "JSON_PARSE({})"),
        ("longtext", "super", "SUPER", "VARCHAR(65535)", "JSON_PARSE({})"),
        ("varchar(255)", "varchar(40)", "VARCHAR(40)", "VARCHAR(40)", ""),
        ("timestamp(6)", "timestamptz", "TIMESTAMPTZ", "TIMESTAMP", "({} AT TIME ZONE 'UTC')"),
        ("point", "geometry", "GEOMETRY", "VARCHAR(65535)", "ST_GeomFromEWKB({})"),
    ],
)
def test_an_option_chooses_another_type(mysql, option, target, staging, cast):
    found = mapped(column(mysql), types={"C": option})
    assert (found.target_type, found.staging_type, found.cast) == (target, staging, cast)


@pytest.mark.parametrize(
    ("mysql", "option", "valid"),
    [
        ("varchar(9)", "bool", "super, varchar"),
        ("datetime", "timestamptz", "none"),
        ("int", "varchar(10)", "bool"),
        ("text", "varchar(0)", "super, varchar"),
        ("text", "varchar(65536)", "super, varchar"),
    ],
)
def test_an_option_that_does_not_fit_is_refused_with_those_that_do(mysql, option, valid):
    with pytest.raises(ConfigError, match=f"shop.t.c(.|\n)*Options for this column: {valid}"):
        mapped(column(mysql), types={"c": option})


def test_a_type_that_is_not_supported_is_refused_with_the_way_out():
    with pytest.raises(ConfigError, match=r"`shop\.t\.c`.*xmltype(.|\n)*exclude: \[c\]"):
        mapped(column("xmltype"))
    left = map_table(table(INT, column("xmltype")), ColumnPolicies(exclude=("C",)))
    assert [c.name for c in left.columns] == ["id"]


def test_only_key_columns_are_not_null():
    """I-25"""
    source = table(INT, column("date", "day", nullable=False), column("int", "n"), key=("id",))
    schema = map_table(source, ColumnPolicies())
    assert [c.nullable for c in schema.columns] == [False, True, True]
    assert schema.primary_key == ("id",)
    own = map_table(source, ColumnPolicies(rename={"n": "number"}), primary_key=["DAY", "n"])
    assert own.primary_key == ("day", "number")
    assert [c.nullable for c in own.columns] == [True, False, False]


def test_a_key_that_is_not_read_is_no_key_unless_it_was_asked_for():
    source = table(INT, column("int", "n"), key=("id",))
    assert map_table(source, ColumnPolicies(exclude=("id",))).primary_key == ()
    with pytest.raises(ConfigError, match="primary_key"):
        map_table(source, ColumnPolicies(exclude=("id",)), primary_key=["id"])


def test_generated_and_invisible_columns_are_plain_columns():
    """I-43"""
    source = table(INT, column("int", "g", generated=True), column("int", "i", invisible=True))
    schema = map_table(source, ColumnPolicies())
    assert [c.name for c in schema.columns] == ["id", "g", "i"]


@pytest.mark.parametrize(
    "policies",
    [
        ColumnPolicies(exclude=("emial",)),
        ColumnPolicies(rename={"emial": "e"}),
        ColumnPolicies(types={"emial": "super"}),
        ColumnPolicies(hash=("emial",)),
        ColumnPolicies(encodings={"emial": "zstd"}),
        ColumnPolicies(zero_dates={"emial": ZeroDatePolicy.NULL}),
        ColumnPolicies(overlong={"emial": OverlongPolicy.NULL}),
        ColumnPolicies(invalid_text={"emial": InvalidTextPolicy.NULL}),
    ],
)
def test_a_policy_for_an_unknown_column_is_refused_with_near_names(policies):
    with pytest.raises(ConfigError, match=r"`emial`(.|\n)*Did you mean `Email`"):
        map_table(table(INT, column("varchar(9)", "Email")), policies)


@pytest.mark.parametrize(
    "policies",
    [
        ColumnPolicies(hash=("v",), types={"v": "super"}),
        ColumnPolicies(exclude=("v",), hash=("v",)),
        ColumnPolicies(types={"v": "super"}, overlong={"v": OverlongPolicy.TRUNCATE}),
        ColumnPolicies(overlong={"k": OverlongPolicy.TRUNCATE}),
        ColumnPolicies(invalid_text={"k": InvalidTextPolicy.REPLACE}),
        ColumnPolicies(encodings={"v": "zstd; DROP TABLE x"}),
        ColumnPolicies(exclude=("k", "v")),
    ],
)
def test_choices_that_contradict_each_other_are_refused(policies):
    with pytest.raises(ConfigError):
        map_table(table(column("varchar(9)", "k"), column("text", "v"), key=("k",)), policies)


def test_names_of_an_earlier_schema_are_kept():
    """I-25, I-29"""
    dash, space = column("int", "a-b"), column("int", "a b")
    before = map_table(table(dash), ColumnPolicies())
    after = map_table(table(space, dash), ColumnPolicies(), previous=before)
    assert after.by_source("a-b") == before.columns[0]


def test_a_column_is_read_by_its_quoted_name_or_an_expression():
    def select(mysql: str, **policies: Any) -> str:
        return select_expression(mapped(column(mysql, "a`b"), **policies))

    assert select("int") == "`a``b`"
    assert select("point") == "`a``b`"
    assert select("decimal(65,30)") == "CAST(`a``b` AS CHAR)"
    hashed = {
        "varchar(9)": "`a``b`",
        "blob": "`a``b`",
        "json": "`a``b`",
        "bigint unsigned": "CAST(`a``b` AS CHAR)",
        "datetime(6)": "CAST(`a``b` AS CHAR)",
        "bit(8)": "CAST(`a``b`+0 AS CHAR)",
        "polygon": "`a``b`",
    }
    for mysql, expression in hashed.items():
        assert select(mysql, hash=("a`b",)) == expression


def test_every_column_has_a_known_arrow_type_and_the_schema_no_metadata():
    """I-27"""
    schema = map_table(
        table(INT, column("varchar(9)", "v", comment="who"), key=("id",)), ColumnPolicies()
    )
    arrow = arrow_schema(schema)
    assert arrow == pa.schema([pa.field("id", pa.int32(), nullable=False), ("v", pa.string())])
    assert arrow.metadata is None
    with pytest.raises(ValueError, match="uint64"):
        arrow_type("uint64")


def test_a_schema_document_gives_the_same_schema():
    schema = map_table(table(INT, column("varchar(9)", "v"), key=("id",)), ColumnPolicies())
    assert TableSchema.from_json(schema.to_json()) == schema


def test_each_rule_has_one_name_and_no_two_defaults_claim_a_type():
    names = [rule.name for rule in RULES]
    kinds = [kind for rule in RULES if not rule.option for kind in rule.mysql]
    assert len(set(names)) == len(names)
    assert len(set(kinds)) == len(kinds)


def test_the_page_of_types_is_that_of_the_type_table():
    page = Path(__file__).parents[2] / "docs" / "types.md"
    again = "python -m mysql_s3_redshift.core.types_page > docs/types.md"
    assert page.read_text(encoding="utf-8") == types_page(), f"write it again: {again}"
