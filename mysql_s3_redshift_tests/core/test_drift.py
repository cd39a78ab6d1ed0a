from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysql_s3_redshift.core.drift import (
    ChangeKind,
    TargetChangeKind,
    TargetColumn,
    compare,
    plan_target_changes,
)
from mysql_s3_redshift.core.model import ColumnPolicies
from mysql_s3_redshift.core.schema import SourceColumn, SourceTable, TableSchema
from mysql_s3_redshift.core.target_types import TargetType, fits, parse_target_type
from mysql_s3_redshift.core.types import map_table
from mysql_s3_redshift.errors import TargetError
from mysql_s3_redshift_tests.core.test_types import INT, column


def schema(
    *columns: SourceColumn, key: tuple[str, ...] = ("id",), policies: ColumnPolicies | None = None
) -> TableSchema:
    table = SourceTable("shop", "t", (INT, *columns), primary_key=key)
    return map_table(table, policies or ColumnPolicies())


def kinds(before: TableSchema, after: TableSchema) -> list[tuple[str, str]]:
    changes = compare(before, after)
    assert all(change.sentence.endswith(".") for change in changes)
    return [(change.kind.value, change.column) for change in changes]


def target(of: TableSchema) -> list[TargetColumn]:
    """The Redshift table that was created from a schema, as the catalog spells it."""
    spelled = {"VARCHAR": "character varying", "DECIMAL": "numeric", "TIMESTAMP": "timestamp"}
    columns = []
    for c in of.columns:
        base, *size = c.target_type.split("(")
        text = "(".join([spelled.get(base, base.lower()), *size])
        columns.append(TargetColumn(c.name, text, nullable=c.nullable, in_key=not c.nullable))
    return columns


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ("int", "bigint", ChangeKind.WIDENED),
        ("tinyint", "int", ChangeKind.WIDENED),
        ("bigint", "bigint unsigned", ChangeKind.WIDENED),
        ("float", "double", ChangeKind.WIDENED),
        ("varchar(10)", "varchar(20)", ChangeKind.WIDENED),
        ("decimal(10,2)", "decimal(12,4)", ChangeKind.WIDENED),
        ("bigint", "int", ChangeKind.NARROWED),
        ("text", "varchar(20)", ChangeKind.NARROWED),
        ("decimal(10,2)", "decimal(10,4)", ChangeKind.RETYPED),
        ("int", "varchar(20)", ChangeKind.RETYPED),
        ("date", "datetime", ChangeKind.RETYPED),
        ("tinyint", "smallint", None),
        ("varchar(10)", "char(10)", None),
    ],
)
def test_a_changed_type_is_named_for_what_it_does_to_values(before, after, kind):
    found = kinds(schema(column(before)), schema(column(after)))
    assert found == ([] if kind is None else [(kind.value, "c")])


def test_added_dropped_moved_and_renamed_columns_and_keys_are_told_apart():
    """I-25"""
    a, b, c = column("int", "a"), column("int", "b"), column("int", "c")
    assert kinds(schema(a), schema(a, b)) == [("added", "b")]
    assert kinds(schema(a, b), schema(a)) == [("dropped", "b")]
    assert kinds(schema(a, b), schema(b, a)) == [("reordered", "")]
    assert kinds(schema(a, b), schema(c, a, b)) == [("added", "c")]
    renamed = schema(a, policies=ColumnPolicies(rename={"a": "x"}))
    assert kinds(schema(a), renamed) == [("renamed", "a")]
    assert kinds(schema(a), schema(a, key=("id", "a"))) == [
        ("key_changed", ""),
    ]
    assert kinds(schema(a), schema(replace(a, name="A"))) == []


def test_not_null_that_comes_or_goes_in_mysql_changes_nothing():
    strict, lax = column("int", nullable=False), column("int", nullable=True)
    assert kinds(schema(strict), schema(lax)) == []
    assert plan_target_changes(target(schema(strict)), schema(lax)) == ()


def test_a_column_that_becomes_a_hash_of_the_same_size_is_a_change():
    before = schema(column("varchar(16)"))
    after = schema(column("varchar(16)"), policies=ColumnPolicies(hash=("c",)))
    assert before.columns[1].target_type == after.columns[1].target_type
    assert kinds(before, after) == [("retyped", "c")]


def test_a_target_made_from_a_schema_takes_its_files_as_it_is():
    """I-25"""
    for mysql in ("varchar(9)", "decimal(20,3)", "datetime", "double", "json", "bit(1)", "blob"):
        made = schema(column(mysql, length=9))
        assert plan_target_changes(target(made), made) == ()


def test_old_files_load_into_newer_tables_and_new_files_into_older_ones():
    """I-25"""
    old = schema(column("int", "a"), column("varchar(10)", "b"))
    new = schema(column("int", "a"), column("varchar(20)", "b"), column("datetime(6)", "added"))
    assert plan_target_changes(target(new), old) == ()
    changes = plan_target_changes(target(old), new)
    assert [(c.kind, c.column, c.type) for c in changes] == [
        (TargetChangeKind.WIDEN_VARCHAR, "b", "VARCHAR(80)"),
        (TargetChangeKind.ADD_COLUMN, "added", "TIMESTAMP"),
    ]
    assert changes[0].sentence == "Widened column `b` from VARCHAR(40) to VARCHAR(80)."


def test_added_columns_carry_encoding_and_comment():
    policies = ColumnPolicies(encodings={"c": "ZSTD"})
    new = schema(column("varchar(9)", comment="who"), policies=policies)
    (change,) = plan_target_changes(target(schema()), new)
    assert (change.encoding, change.comment) == ("zstd", "who")


def test_a_dropped_column_stays_and_columns_of_others_are_left_alone():
    """I-26"""
    old = schema(column("int", "a"), column("int", "b"))
    others = [
        TargetColumn("loaded_at", "timestamp", nullable=False, has_default=True),
        TargetColumn("note", "character varying(20)"),
    ]
    assert plan_target_changes([*target(old), *others], schema(column("int", "a"))) == ()


@pytest.mark.parametrize(
    ("there", "files"),
    [
        ("int", "bigint"),
        ("varchar(20)", "int"),
        ("decimal(10,2)", "decimal(10,4)"),
        ("double", "float(7,4)"),
        ("date", "datetime"),
        ("bigint unsigned", "bit(1)"),
        ("varbinary(4)", "varbinary(8)"),
    ],
)
def test_what_redshift_cannot_change_without_loss_is_refused_with_the_way_out(there, files):
    """I-27"""
    made, sent = schema(column(there)), schema(column(files))
    if there == "double":
        assert plan_target_changes(target(made), sent) == ()
        made, sent = sent, made
    with pytest.raises(TargetError, match=r"dwh\.t cannot take(.|\n)*`c`(.|\n)*watermark reset"):
        plan_target_changes(target(made), sent, table="dwh.t")


def test_narrower_files_are_cast_up_by_the_insert():
    """I-25"""
    for files, there in (
        ("smallint", "int"),
        ("int", "bigint"),
        ("int", "bigint unsigned"),
        ("decimal(10,2)", "decimal(38,10)"),
        ("varchar(5)", "text"),
    ):
        made, sent = schema(column(there)), schema(column(files))
        assert plan_target_changes(target(made), sent) == ()


def test_a_varchar_of_a_key_or_with_a_default_cannot_be_widened():
    old = schema(column("varchar(5)"), key=("id", "c"))
    new = schema(column("varchar(9)"), key=("id", "c"))
    with pytest.raises(TargetError, match="widens no column with a key"):
        plan_target_changes(target(old), new)
    columns = [replace(c, has_default=True) for c in target(schema(column("varchar(5)")))]
    with pytest.raises(TargetError, match="widens no column with a default"):
        plan_target_changes(columns, schema(column("varchar(9)")))


def test_all_problems_are_told_at_once():
    old = [
        TargetColumn("id", "integer", nullable=False, in_key=True),
        TargetColumn("a", "date"),
        TargetColumn("must", "integer", nullable=False),
    ]
    new = schema(column("int", "a"), column("int", "k"), key=("id", "k"))
    with pytest.raises(TargetError) as raised:
        plan_target_changes(old, new)
    message = str(raised.value)
    assert "`a` is DATE there and INTEGER in the files" in message
    assert "`k` is part of the key" in message
    assert "`must` is NOT NULL" in message


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("character varying(20)", "VARCHAR(20)"),
        ("VARCHAR", "VARCHAR(256)"),
        ("numeric(20,0)", "DECIMAL(20,0)"),
        ("decimal( 20 , 3 )", "DECIMAL(20,3)"),
        ("timestamp without time zone", "TIMESTAMP"),
        ("timestamp(6) with time zone", "TIMESTAMPTZ"),
        ("double  precision", "DOUBLE PRECISION"),
        ("int8", "BIGINT"),
        ("binary varying(10)", "VARBYTE(10)"),
        ("bpchar(3)", "CHAR(3)"),
        ("super", "SUPER"),
        ("_int4[]", "_INT4[]"),
    ],
)
def test_types_are_read_in_every_spelling_of_the_catalog(text, plain):
    assert str(parse_target_type(text)) == plain
    assert parse_target_type(plain) == parse_target_type(text)


decimals = st.tuples(st.integers(1, 38), st.integers(0, 37)).filter(lambda t: t[1] <= t[0])


@given(decimals, decimals)
def test_a_decimal_fits_exactly_when_its_extreme_values_do(value, into):
    largest = Decimal((0, (9,) * value[0], -value[1]))
    exact = value[1] <= into[1]
    in_range = largest < Decimal((0, (1,), into[0] - into[1]))
    one, other = TargetType("decimal", *value), TargetType("decimal", *into)
    assert fits(one, other) == (exact and in_range)


@given(st.sampled_from(["smallint", "integer", "bigint"]), decimals)
def test_an_integer_fits_a_decimal_only_when_its_extreme_values_do(name, into):
    largest = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}[name]
    if fits(TargetType(name), TargetType("decimal", *into)):
        assert largest < 10 ** (into[0] - into[1])


def test_a_wider_number_is_copied_only_in_a_table_that_we_made_and_only_a_plain_column():
    files = schema(column("bigint"))
    key, there = target(schema(column("int")))
    (change,) = plan_target_changes([key, there], files, may_rebuild=True)
    assert (change.kind, change.type) == (TargetChangeKind.REBUILD_COLUMN, "BIGINT")
    for existing, may_rebuild in (
        (there, False),
        (replace(there, in_key=True), True),
        (replace(there, has_default=True), True),
        (replace(there, nullable=False), True),
        (replace(there, type="DOUBLE PRECISION"), True),
    ):
        with pytest.raises(TargetError, match="cannot take these files"):
            plan_target_changes([key, existing], files, may_rebuild=may_rebuild)
