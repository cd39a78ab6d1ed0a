"""A source that counts rows instead of reading them, for a run that changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from mysql_s3_redshift.adapters.mysql import queries
from mysql_s3_redshift.adapters.mysql.source import MySqlSource
from mysql_s3_redshift.adapters.mysql.wire import query as run_query
from mysql_s3_redshift.core.cursors import ChunkQuery, Position
from mysql_s3_redshift.core.model import TablePlan, Value
from mysql_s3_redshift.core.plan import ResolvedTable
from mysql_s3_redshift.core.ports import ClockReading, RowBatch, Work
from mysql_s3_redshift.core.schema import SourceTable, TableSchema

COUNTED_ROWS = 5_000_000
"""Of tables that are larger by MySQL's statistics, rows are estimated: counting reads them all."""


@dataclass(frozen=True, slots=True)
class CountedQuery:
    """A query that a run would begin with, and the rows between its bounds.

    Attributes:
        estimated: The rows are those of MySQL's statistics (EXPLAIN), not counted.
    """

    sql: str
    parameters: tuple[Any, ...]
    rows: int
    estimated: bool = False


class CountingSource:
    """Answers like the source it wraps, except that every read is counted and returns no row.

    Args:
        source: The real source.
        max_rows: Rows that the run may take.
    """

    def __init__(self, source: MySqlSource, max_rows: int | None) -> None:
        self._source, self._left = source, max_rows
        self.counted: list[CountedQuery] = []

    def describe(self, plan: TablePlan) -> SourceTable:
        """As the source."""
        return self._source.describe(plan)

    def read(self, table: ResolvedTable, schema: TableSchema, query: ChunkQuery) -> NoRows:
        """Count what the query and those that follow it up to its bound would return."""
        selection = queries.select_columns(schema, query.order_by)
        statement = queries.chunk(table, selection, query)
        whole = replace(query, before=None, limit=self._left)
        estimated = self._is_too_large(table)
        rows = self._explain(whole, table) if estimated else self._count(whole, table)
        self.counted.append(CountedQuery(statement.sql, statement.parameters, rows, estimated))
        if self._left is not None:
            self._left -= rows
        return NoRows()

    def _is_too_large(self, table: ResolvedTable) -> bool:
        """Whether counting would take long; never where the run's own limit bounds it."""
        most = table.table.row_estimate or 0
        most = most if self._left is None else min(most, self._left)
        return most > COUNTED_ROWS and table.plan.query is None

    def _count(self, query: ChunkQuery, table: ResolvedTable) -> int:
        rows = self._source.scalar(queries.count(table, query))
        assert isinstance(rows, int)  # noqa: S101  COUNT(*)
        return rows

    def _explain(self, query: ChunkQuery, table: ResolvedTable) -> int:
        """Rows that MySQL's optimizer expects to look at for the bounds."""
        statement, most = queries.count(table, query), 0
        explained = f"EXPLAIN FORMAT=TRADITIONAL {statement.sql}"
        raw = self._source.connection.raw
        values = statement.parameters
        with run_query(raw, explained, values, prefer="text", exact=False) as stream:
            for batch in stream:
                rows = batch.batch.column("rows").to_pylist()
                most = max(most, *(int(n) for n in rows if n is not None), 0)
        return most if self._left is None else min(most, self._left)

    def snapshot(self) -> AbstractContextManager[None]:
        """As the source."""
        return self._source.snapshot()

    def boundary(self, table: ResolvedTable, query: ChunkQuery, rows: int) -> Value:
        """As the source."""
        return self._source.boundary(table, query, rows)

    def has_rows(self, table: ResolvedTable, query: ChunkQuery) -> bool:
        """As the source."""
        return self._source.has_rows(table, query)

    def cuts(self, table: ResolvedTable, query: ChunkQuery, slices: int) -> Sequence[Position]:
        """None: a preview counts the whole range at once."""
        return ()

    def cuts_of_rows(
        self, table: ResolvedTable, query: ChunkQuery, key: tuple[str, ...], slices: int
    ) -> Sequence[Position]:
        """None, as well."""
        return ()

    def newest(self, table: ResolvedTable) -> Value:
        """As the source."""
        return self._source.newest(table)

    def next_id(self, table: ResolvedTable) -> int | None:
        """As the source."""
        return self._source.next_id(table)

    def clock(self, plan: TablePlan) -> ClockReading:
        """As the source."""
        return self._source.clock(plan)

    def open_work(self) -> Sequence[Work] | None:
        """As the source."""
        return self._source.open_work()

    def is_replica(self) -> bool:
        """As the source."""
        return self._source.is_replica()


class NoRows:
    """A reader at its end."""

    values_changed: Mapping[str, int] = {}

    def __iter__(self) -> Iterator[RowBatch]:
        """Yield nothing."""
        return iter(())
