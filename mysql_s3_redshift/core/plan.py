"""From a table of `pipelines.yaml` and what MySQL knows of it, the way it is replicated.

`resolve` decides what the file left open (strategy, load mode, key) and refuses what cannot work,
before anything is read or written.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from mysql_s3_redshift.core.cursors import Cursor
from mysql_s3_redshift.core.model import CdcStrategy, LoadMode, TablePlan, TimestampUnit
from mysql_s3_redshift.core.schema import SourceColumn, SourceTable
from mysql_s3_redshift.core.table_keys import (
    UNORDERED,
    are_never_null,
    clustered_key,
    is_indexed,
    is_unique,
    is_unordered,
)
from mysql_s3_redshift.errors import ConfigError

INTEGERS = {"tinyint", "smallint", "mediumint", "int", "bigint"}
UPDATED = ("update_at", "updated_at", "update_time", "updated_time", "modified_at", "last_modified")
_KEPT = "Nothing was read or written."


@dataclass(frozen=True, slots=True)
class ResolvedTable:
    """A plan with nothing left open.

    Attributes:
        cursor: Its keyset.
        load_mode: How files become rows.
        key: Columns that identify a row (MySQL's names); empty in append mode without a key.
        cursor_indexed: Whether an index begins with the cursor's first column.
    """

    plan: TablePlan
    table: SourceTable
    cursor: Cursor
    load_mode: LoadMode
    key: tuple[str, ...]
    cursor_indexed: bool

    @property
    def reads_whole_table(self) -> bool:
        """Whether a run takes all rows or none: `full_sync`, and every strategy that replaces."""
        return not self.cursor.is_incremental or self.load_mode is LoadMode.REPLACE

    @property
    def slice_columns(self) -> tuple[str, ...]:
        """Key by whose ranges the first extraction can be read in slices; empty without one.

        A whole table is one snapshot, which no two connections share; a query would run in full
        for every range; without a key a range could not be read in chunks.
        """
        if self.reads_whole_table or self.plan.query is not None:
            return ()
        if self.cursor.snapshot_columns and not self.plan.start_from:
            return self.cursor.snapshot_columns
        return self.cursor.columns if self.cursor.unique else ()

    @property
    def row_key(self) -> tuple[str, ...]:
        """Key that tells whether two versions are of one row, there and in the target.

        By its ranges a window is read in slices, so that every row is in exactly one of them.
        """
        if self.load_mode is not LoadMode.UPSERT:
            return clustered_key(self.table)
        ordered = not any(is_unordered(self.table, c) for c in self.key)
        is_key = are_never_null(self.table, self.key) and is_unique(self.table, self.key)
        return self.key if ordered and is_key else ()


def resolve(plan: TablePlan, table: SourceTable) -> ResolvedTable:
    """Complete a plan from the table's own columns and indexes.

    Raises:
        ConfigError: A column does not exist, or cannot serve as the cursor or key.
    """
    strategy = plan.strategy or _discover_strategy(plan, table)
    key = tuple(_column(plan, table, c).name for c in plan.primary_key) or table.primary_key
    cursor = _build_cursor(_with_columns(plan, table, strategy), table, strategy, key)
    key = _readable_key(plan, key)
    mode = plan.load_mode or _discover_load_mode(cursor, key)
    if mode is LoadMode.UPSERT and not key:
        raise ConfigError(
            f"{plan.display_name}: load_mode upsert needs a key, and the table has none.",
            kept=_KEPT,
            remedy="Set primary_key: [column, …], or load_mode: append.",
        )
    resolved = ResolvedTable(
        plan=plan,
        table=table,
        cursor=cursor,
        load_mode=mode,
        key=key,
        cursor_indexed=not cursor.columns or is_indexed(table, cursor.first_column),
    )
    if plan.slices > 1 and not resolved.slice_columns:
        raise _unsliceable(resolved)
    return resolved


def _unsliceable(table: ResolvedTable) -> ConfigError:
    plan = table.plan
    why = "the table has no key to cut into ranges"
    if plan.query is not None:
        why = "the query would run in full for every slice"
    elif table.reads_whole_table:
        why = (
            f"{table.cursor.strategy} with load_mode {table.load_mode} reads the table in one "
            "snapshot, which several connections cannot share"
        )
    return ConfigError(
        f"{plan.display_name}: slices: {plan.slices} is not possible: {why}.",
        kept=_KEPT,
        remedy="Set slices: 1 for this table.",
    )


def _readable_key(plan: TablePlan, key: tuple[str, ...]) -> tuple[str, ...]:
    """The key, or none where one of its columns is left out and the load mode needs none."""
    excluded = {name.lower() for name in plan.columns.exclude}
    missing = [name for name in key if name.lower() in excluded]
    if not missing:
        return key
    if plan.load_mode in {None, LoadMode.UPSERT}:
        raise ConfigError(
            f"{plan.display_name}: columns.exclude leaves out {', '.join(missing)}, a part of the "
            "key, without which rows cannot be found again.",
            kept=_KEPT,
            remedy="Use columns.hash instead, set primary_key: [column, …] to other columns, or "
            "load_mode: append.",
        )
    return ()


def _discover_load_mode(cursor: Cursor, key: tuple[str, ...]) -> LoadMode:
    """By the key; a table that is read whole each time would be doubled by append."""
    if key:
        return LoadMode.UPSERT
    return LoadMode.APPEND if cursor.is_incremental else LoadMode.REPLACE


def _discover_strategy(plan: TablePlan, table: SourceTable) -> CdcStrategy:
    """Pick by the columns: timestamp and id, timestamp, id, or everything every time."""
    timestamp = plan.timestamp_column or _find_timestamp(table)
    identity = plan.id_column or _find_id(table)
    if timestamp:
        return CdcStrategy.HYBRID if identity else CdcStrategy.TIMESTAMP_ONLY
    return CdcStrategy.ID_ONLY if identity else CdcStrategy.FULL_SYNC


def _find_timestamp(table: SourceTable) -> str | None:
    """A column that changes with every update and that an index begins with."""
    for column in table.columns:
        if column.data_type in {"datetime", "timestamp"} and column.name.lower() in UPDATED:
            return column.name if is_indexed(table, column.name) else None
    return None


def _find_id(table: SourceTable) -> str | None:
    """A single integer primary key."""
    if len(table.primary_key) != 1:
        return None
    column = table.column(table.primary_key[0])
    return column.name if column and column.data_type in INTEGERS else None


def _with_columns(plan: TablePlan, table: SourceTable, strategy: CdcStrategy) -> TablePlan:
    """Fill in the cursor columns that the strategy needs and the file left open."""
    timestamp, identity = plan.timestamp_column, plan.id_column
    if strategy in {CdcStrategy.HYBRID, CdcStrategy.TIMESTAMP_ONLY}:
        timestamp = timestamp or _find_timestamp(table)
        if not timestamp:
            raise _missing(plan, strategy, "cdc_timestamp_column")
    if strategy in {CdcStrategy.HYBRID, CdcStrategy.ID_ONLY}:
        identity = identity or _find_id(table)
        if not identity:
            raise _missing(plan, strategy, "cdc_id_column")
    if strategy is CdcStrategy.ID_ONLY:
        timestamp = None
    if strategy is CdcStrategy.TIMESTAMP_ONLY:
        identity = None
    if strategy is CdcStrategy.FULL_SYNC:
        timestamp = identity = None
    return replace(plan, timestamp_column=timestamp, id_column=identity)


def _missing(plan: TablePlan, strategy: CdcStrategy, option: str) -> ConfigError:
    return ConfigError(
        f"{plan.display_name}: {strategy} needs {option}, and no indexed column of the table fits.",
        kept=_KEPT,
        remedy=f"Set {option} in pipelines.yaml, or choose another cdc_strategy.",
    )


def _build_cursor(
    plan: TablePlan, table: SourceTable, strategy: CdcStrategy, key: tuple[str, ...]
) -> Cursor:
    named = [c for c in (plan.timestamp_column, plan.id_column) if c]
    columns = tuple(_orderable(plan, _column(plan, table, c)).name for c in named)
    snapshot = clustered_key(table, key)
    if not columns:
        return Cursor(strategy=strategy, snapshot_columns=snapshot)
    ties = () if is_unique(table, columns, key) else tuple(c for c in key if c not in columns)
    if any(is_unordered(table, c) for c in ties):
        ties = ()
    stamp = _column(plan, table, plan.timestamp_column) if plan.timestamp_column else None
    if stamp is not None:
        _check_unit(plan, stamp)
    columns = (*columns, *ties)
    return Cursor(
        strategy=strategy,
        columns=columns,
        unique=is_unique(table, columns, key),
        timestamp=stamp.name if stamp else None,
        unit=plan.timestamp_unit,
        fraction=_fraction(stamp),
        zoned=bool(stamp and stamp.data_type == "timestamp"),
        snapshot_columns=snapshot if _reads_by_key(plan, stamp) else (),
    )


def _reads_by_key(plan: TablePlan, stamp: SourceColumn | None) -> bool:
    """Whether the whole table is ever read, and its clustered key is the way to do it.

    A query has no clustered key: every chunk by key would run it anew.
    """
    if plan.load_mode is LoadMode.REPLACE:
        return plan.query is None
    return stamp is not None and plan.query is None and plan.start_from is None


def _fraction(stamp: SourceColumn | None) -> int:
    if stamp is None or stamp.fraction is None:
        return 6 if stamp is None or stamp.data_type != "date" else -1
    return stamp.fraction


def holds_unit(column: SourceColumn, unit: TimestampUnit) -> bool:
    """Whether the values of a column can be times of a unit."""
    if unit is TimestampUnit.DATETIME:
        return _is_clock(column)
    return column.data_type in INTEGERS or (column.data_type == "decimal" and not column.scale)


def _is_clock(column: SourceColumn) -> bool:
    return column.data_type in {"datetime", "timestamp", "date"}


def _check_unit(plan: TablePlan, stamp: SourceColumn) -> None:
    if holds_unit(stamp, plan.timestamp_unit):
        return
    is_clock, is_count = _is_clock(stamp), holds_unit(stamp, TimestampUnit.EPOCH_S)
    fitting = "datetime" if is_clock else "epoch_s, epoch_ms or epoch_us" if is_count else "none"
    raise ConfigError(
        f"{plan.display_name}: cursor column {stamp.name} is {stamp.column_type}, which does not "
        f"hold cdc_timestamp_unit {plan.timestamp_unit}.",
        kept=_KEPT,
        remedy=f"Fitting values of cdc_timestamp_unit: {fitting}.",
    )


def _orderable(plan: TablePlan, column: SourceColumn) -> SourceColumn:
    if column.data_type not in UNORDERED:
        return column
    raise ConfigError(
        f"{plan.display_name}: column {column.name} of type {column.column_type} cannot be a "
        "cursor: MySQL compares its values in another order than it sorts them.",
        kept=_KEPT,
        remedy="Choose an integer, timestamp, decimal or text column.",
    )


def _column(plan: TablePlan, table: SourceTable, name: str) -> SourceColumn:
    column = table.column(name)
    if column is not None:
        return column
    known = ", ".join(c.name for c in table.columns[:20])
    raise ConfigError(
        f"{plan.display_name}: column {name} does not exist in {plan.qualified_name}.",
        kept=_KEPT,
        remedy=f"Its columns are: {known}{', …' if len(table.columns) > 20 else ''}. "
        "Correct the name in pipelines.yaml.",
    )
