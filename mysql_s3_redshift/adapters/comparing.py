"""Describes one table in MySQL and in Redshift, and compares the numbers of its rows."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mysql_s3_redshift.adapters.mysql import queries
from mysql_s3_redshift.adapters.mysql.source import MySqlSource
from mysql_s3_redshift.adapters.operations import Operation
from mysql_s3_redshift.adapters.pair import describe
from mysql_s3_redshift.adapters.redshift.connection import RedshiftConnection
from mysql_s3_redshift.core.compared_columns import (
    ComparedColumn,
    compared_columns,
)
from mysql_s3_redshift.core.counts import ADOPTED_ROWS, Check
from mysql_s3_redshift.core.cursors import (
    ChunkQuery,
    from_datetime,
)
from mysql_s3_redshift.core.model import LoadMode, TablePlan
from mysql_s3_redshift.core.plan import ResolvedTable
from mysql_s3_redshift.core.schema import Column, TableSchema
from mysql_s3_redshift.core.state import ExtractState, LoadState
from mysql_s3_redshift.core.watermark import watermark_of
from mysql_s3_redshift.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Comparison:
    """One table, described on both sides.

    Attributes:
        compared: The columns that both servers can write alike.
        sampled: The others, whose values are compared here.
        left_out: Columns that the target does not have yet.
    """

    operation: Operation
    resolved: ResolvedTable
    schema: TableSchema
    extract: ExtractState
    load: LoadState | None
    source: MySqlSource
    connection: RedshiftConnection
    compared: tuple[ComparedColumn, ...]
    sampled: tuple[Column, ...]
    left_out: tuple[Column, ...]

    @property
    def plan(self) -> TablePlan:
        """The table."""
        return self.operation.plan


def open_comparison(operation: Operation) -> Comparison:
    """Describe a table on both sides.

    Raises:
        ConfigError: It was never loaded.
    """
    plan, connections = operation.plan, operation.connections
    extract, load = operation.states.read()
    if extract is None or not operation.target().exists:
        raise ConfigError(
            f"{plan.display_name}: it was never loaded, so there is nothing to compare.",
            kept="Nothing was changed.",
            remedy="Run `sync` first.",
        )
    described = describe(plan, connections)
    there = operation.target().columns()
    schema = replace(
        described.schema, columns=tuple(c for c in described.schema.columns if c.name in there)
    )
    compared, sampled = compared_columns(schema, plan.columns)
    return Comparison(
        operation,
        described.resolved,
        schema,
        extract,
        load,
        connections.source(plan.source),
        connections.target(plan).connection,
        tuple(compared),
        tuple(sampled),
        tuple(c for c in described.schema.columns if c.name not in there),
    )


def compare_counts(comparison: Comparison) -> list[Check]:
    """Compare the number of rows up to the watermark.

    Rows that changed after the watermark are in the target in their older version, or not yet: so
    the target's count lies between the source's rows up to the watermark and all of its rows.
    """
    extract, target = comparison.extract, comparison.operation.target()
    held = target.count() or 0
    pending = len(extract.pending(comparison.load))
    with comparison.source.snapshot():
        total, newer = _source_rows(comparison)
    least, mode = total - newer, comparison.resolved.load_mode
    checks = [_pending_check(pending)] if pending else []
    adopted = comparison.load.metadata.get(ADOPTED_ROWS, 0) if comparison.load else 0
    most = total + (adopted if isinstance(adopted, int) else 0)
    if mode is LoadMode.APPEND and comparison.resolved.cursor.timestamp is not None:
        cause = "" if held >= least else "rows are missing in the target; see `verify --deep`"
        return [
            *checks,
            Check("target rows, at least those up to the watermark", held, least, cause),
        ]
    if held < least:
        cause = "rows are missing in the target; see `verify --deep`"
        return [*checks, Check("target rows and source rows", held, least, cause)]
    if held > most:
        cause = "rows were deleted in the source, or doubled in the target; see `verify --deep`"
        return [*checks, Check("target rows and source rows", held, most, cause)]
    what = "target rows and source rows up to the watermark"
    if newer:
        what += f" ({newer:,} are newer)"
    return [*checks, Check(what, held, held)]


def _pending_check(pending: int) -> Check:
    return Check("files that are not loaded yet", pending, 0, "run `sync --redshift-only`")


def _source_rows(comparison: Comparison) -> tuple[int, int]:
    """All rows, and those beyond the watermark."""
    table, state = comparison.resolved, comparison.extract.mysql_state
    cursor, start = table.cursor, comparison.plan.start_from
    total = ChunkQuery(order_by=(), nulls="keep")
    if start is not None and cursor.timestamp is not None:
        # Twice the column: a position shorter than the keyset includes its own value.
        twice = (cursor.first_column, cursor.first_column)
        total = ChunkQuery(order_by=twice, after=(from_datetime(start, cursor.unit),))
    rows = _count(comparison, total)
    position = watermark_of(state, cursor) if cursor.is_incremental else ()
    if not position:
        return rows, 0 if not cursor.is_incremental else rows
    beyond = ChunkQuery(order_by=cursor.columns, after=position)
    return rows, _count(comparison, beyond)


def _count(comparison: Comparison, query: ChunkQuery) -> int:
    counted = comparison.source.scalar(queries.count(comparison.resolved, query))
    return counted if isinstance(counted, int) else 0
