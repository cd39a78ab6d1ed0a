"""Resolving a plan: what is discovered, and what is refused before anything is read."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from mysql_s3_redshift.core.model import CdcStrategy, LoadMode, TimestampUnit
from mysql_s3_redshift.core.plan import resolve
from mysql_s3_redshift.core.schema import Index, SourceColumn, SourceTable
from mysql_s3_redshift.errors import ConfigError
from mysql_s3_redshift_tests.core.test_state import PLAN

COLUMNS = {
    "id": SourceColumn("id", "bigint", "bigint(20)", nullable=False),
    "a": SourceColumn("a", "int", "int(11)", nullable=False),
    "code": SourceColumn("code", "varchar", "varchar(9)", nullable=False),
    "kind": SourceColumn("kind", "enum", "enum('a','b')", nullable=False),
    "update_at": SourceColumn("update_at", "datetime", "datetime(3)", nullable=True, fraction=3),
    "stamp": SourceColumn("stamp", "timestamp", "timestamp", nullable=False, fraction=0),
    "epoch": SourceColumn("epoch", "int", "int(11)", nullable=False),
    "ratio": SourceColumn("ratio", "float", "float", nullable=False),
}


def table(
    *columns: str, key: tuple[str, ...] = (), indexes: tuple[tuple[str, ...], ...] = ()
) -> SourceTable:
    """A table with a primary key and further indexes."""
    made = [Index(f"i{n}", i, unique=False) for n, i in enumerate(indexes)]
    if key:
        made.append(Index("PRIMARY", key, unique=True))
    return SourceTable(
        "s", "t", tuple(COLUMNS[c] for c in columns), primary_key=key, indexes=tuple(made)
    )


@pytest.mark.parametrize(
    ("source", "strategy", "mode", "cursor"),
    [
        (
            table("id", "update_at", key=("id",), indexes=(("update_at",),)),
            CdcStrategy.HYBRID,
            LoadMode.UPSERT,
            ("update_at", "id"),
        ),
        (table("id", "update_at", key=("id",)), CdcStrategy.ID_ONLY, LoadMode.UPSERT, ("id",)),
        (
            table("code", "update_at", key=("code",), indexes=(("update_at",),)),
            CdcStrategy.TIMESTAMP_ONLY,
            LoadMode.UPSERT,
            ("update_at", "code"),
        ),
        (table("a", "code", key=("a", "code")), CdcStrategy.FULL_SYNC, LoadMode.UPSERT, ()),
        (table("a", "code"), CdcStrategy.FULL_SYNC, LoadMode.REPLACE, ()),
    ],
)
def test_a_table_without_options_is_discovered(
    source: SourceTable, strategy: CdcStrategy, mode: LoadMode, cursor: tuple[str, ...]
) -> None:
    found = resolve(PLAN, source)
    assert found.cursor.strategy is strategy
    assert found.load_mode is mode
    assert found.cursor.columns == cursor


@pytest.mark.parametrize(
    ("options", "source", "columns", "unique"),
    [
        (
            {"strategy": CdcStrategy.HYBRID, "timestamp_column": "stamp", "id_column": "a"},
            table("id", "a", "stamp", key=("id",)),
            ("stamp", "a", "id"),
            True,
        ),
        (
            {"strategy": CdcStrategy.TIMESTAMP_ONLY, "timestamp_column": "stamp"},
            table("a", "stamp"),
            ("stamp",),
            False,
        ),
        (
            {"strategy": CdcStrategy.TIMESTAMP_ONLY, "timestamp_column": "stamp"},
            table("kind", "stamp", key=("kind",)),
            ("stamp",),
            False,
        ),
        (
            {"strategy": CdcStrategy.ID_ONLY, "id_column": "a"},
            table("id", "a", key=("id",)),
            ("a", "id"),
            True,
        ),
    ],
)
def test_ties_are_broken_by_the_key_where_it_can_be_ordered(
    options: dict[str, Any], source: SourceTable, columns: tuple[str, ...], unique: bool
) -> None:
    """H-02, H-03: the cursor is the ordering, whole."""
    cursor = resolve(replace(PLAN, **options), source).cursor
    assert (cursor.columns, cursor.unique) == (columns, unique)


@pytest.mark.parametrize(
    ("options", "source", "says"),
    [
        ({"load_mode": LoadMode.UPSERT}, table("a"), "upsert needs a key"),
        ({"primary_key": ("nope",)}, table("a"), "nope does not exist"),
        ({"timestamp_column": "nope"}, table("a"), "nope does not exist"),
        ({"strategy": CdcStrategy.HYBRID}, table("id", key=("id",)), "cdc_timestamp_column"),
        ({"strategy": CdcStrategy.ID_ONLY}, table("code", key=("code",)), "cdc_id_column"),
        (
            {"strategy": CdcStrategy.ID_ONLY, "id_column": "ratio"},
            table("ratio"),
            "cannot be a cursor",
        ),
        (
            {"strategy": CdcStrategy.TIMESTAMP_ONLY, "timestamp_column": "epoch"},
            table("epoch"),
            "does not hold cdc_timestamp_unit",
        ),
        (
            {
                "strategy": CdcStrategy.TIMESTAMP_ONLY,
                "timestamp_column": "stamp",
                "timestamp_unit": TimestampUnit.EPOCH_S,
            },
            table("stamp"),
            "does not hold cdc_timestamp_unit",
        ),
    ],
)
def test_what_cannot_work_is_refused_by_name(
    options: dict[str, Any], source: SourceTable, says: str
) -> None:
    """I-45: before anything is read or written."""
    with pytest.raises(ConfigError, match=says):
        resolve(replace(PLAN, **options), source)


def test_what_the_cursor_column_keeps_is_known() -> None:
    """H-06: digits of the second, and whether it reads as UTC."""
    source = table("id", "update_at", "stamp", key=("id",))
    by_datetime = resolve(replace(PLAN, timestamp_column="update_at"), source).cursor
    by_timestamp = resolve(replace(PLAN, timestamp_column="stamp"), source).cursor
    assert (by_datetime.fraction, by_datetime.zoned) == (3, False)
    assert (by_timestamp.fraction, by_timestamp.zoned) == (0, True)


@pytest.mark.parametrize(
    ("source", "options", "why"),
    [
        (table("id", "a", key=("id",)), {"load_mode": LoadMode.REPLACE}, "one snapshot"),
        (table("a", "code", key=("a", "code")), {}, "one snapshot"),
        (
            table("a", "update_at", indexes=(("update_at",),)),
            {"strategy": CdcStrategy.TIMESTAMP_ONLY, "load_mode": LoadMode.APPEND},
            "no key",
        ),
        (
            table("id", "update_at"),
            {
                "strategy": CdcStrategy.CUSTOM_SQL,
                "query": "SELECT 1",
                "timestamp_column": "update_at",
                "primary_key": ("id",),
            },
            "in full for every slice",
        ),
    ],
)
def test_what_cannot_be_read_in_slices_is_refused(
    source: SourceTable, options: dict[str, Any], why: str
) -> None:
    plan = replace(PLAN, **options)
    assert resolve(plan, source).slice_columns == ()
    with pytest.raises(ConfigError, match=f"slices: 3 is not possible: .*{why}"):
        resolve(replace(plan, slices=3), source)


def test_slices_go_by_the_key_or_by_the_cursor() -> None:
    plan = replace(PLAN, slices=3)
    timed = table("id", "update_at", key=("id",), indexes=(("update_at",),))
    assert resolve(plan, timed).slice_columns == ("id",)
    start = replace(plan, start_from=datetime(2024, 1, 1))  # noqa: DTZ001
    assert resolve(start, timed).slice_columns == ("update_at", "id")
    assert resolve(plan, table("id", "a", key=("id",))).slice_columns == ("id",)
