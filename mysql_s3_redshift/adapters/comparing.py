"""Compares one table in MySQL and in Redshift: counts, or the checksums of all rows.

Both sides hash in their own server, so that almost nothing moves when all is equal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mysql_s3_redshift.adapters.checksums import Comparison, MySqlSide, RedshiftSide
from mysql_s3_redshift.adapters.mysql import queries
from mysql_s3_redshift.adapters.operations import Operation
from mysql_s3_redshift.adapters.pair import describe
from mysql_s3_redshift.core.compared_columns import (
    compared_columns,
)
from mysql_s3_redshift.core.counts import ADOPTED_ROWS, Check
from mysql_s3_redshift.core.cursors import ChunkQuery, from_datetime
from mysql_s3_redshift.core.model import LoadMode
from mysql_s3_redshift.core.schema import Column
from mysql_s3_redshift.core.verify import (
    Difference,
    RowDifference,
    compare,
)
from mysql_s3_redshift.core.watermark import watermark_of
from mysql_s3_redshift.errors import ConfigError


@dataclass(frozen=True, slots=True)
class DifferingRow:
    """A row with both versions, hashed columns masked; None where a side does not have it."""

    kind: str
    source: Mapping[str, Any] | None
    target: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class DeepComparison:
    """What a comparison of all rows found.

    Attributes:
        newer: Rows of the source that changed after the watermark, so that the target has them not
            yet or in an older version.
        left_out: Columns that cannot be compared exactly.
    """

    found: Difference
    rows: tuple[DifferingRow, ...]
    newer: int
    left_out: tuple[Column, ...]


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
    comparison = Comparison(
        operation,
        described.resolved,
        described.schema,
        extract,
        load,
        connections.source(plan.source),
        connections.target(plan).connection,
    )
    comparison.compared, comparison.left_out = compared_columns(described.schema)
    return comparison


# -- counts -----------------------------------------------------------------------------------


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
        cause = "" if held >= least else "rows are missing in the target; see --deep"
        return [
            *checks,
            Check("target rows, at least those up to the watermark", held, least, cause),
        ]
    if held < least:
        cause = "rows are missing in the target; see --deep"
        return [*checks, Check("target rows and source rows", held, least, cause)]
    if held > most:
        cause = "rows were deleted in the source, or doubled in the target; see --deep"
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


# -- checksums --------------------------------------------------------------------------------


def compare_rows_deeply(comparison: Comparison, *, most: int) -> DeepComparison:
    """Find the differing rows; `most` of them come with both versions."""
    mine, theirs = MySqlSide(comparison), RedshiftSide(comparison)
    found = compare(mine, theirs)
    differing: list[DifferingRow] = []
    newer = 0
    for row in found.rows:
        version = mine.version(row.key) if row.kind != "extra" else None
        if version is not None and _is_newer(comparison, version):
            newer += 1
        elif len(differing) < most:
            differing.append(_versions(row, mine, theirs))
        else:
            differing.append(DifferingRow(row.kind, None, None))
    return DeepComparison(found, tuple(differing), newer, tuple(comparison.left_out))


def _versions(row: RowDifference, mine: MySqlSide, theirs: RedshiftSide) -> DifferingRow:
    return DifferingRow(
        row.kind,
        mine.shown(row.key) if row.kind != "extra" else None,
        theirs.shown(row.key) if row.kind != "missing" else None,
    )


def _is_newer(comparison: Comparison, version: Sequence[Any]) -> bool:
    """Whether a source row lies beyond the watermark."""
    position = watermark_of(comparison.extract.mysql_state, comparison.resolved.cursor)
    if not position or not version or version[0] is None:
        return False
    return bool(version[0] >= position[0])
