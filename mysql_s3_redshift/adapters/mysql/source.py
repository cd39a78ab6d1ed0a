"""A MySQL connection as extraction needs it (see `core.ports.Source`)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from mysql_s3_redshift.adapters.mysql import queries
from mysql_s3_redshift.adapters.mysql.activity import BusyPeriods, list_work, read_clock
from mysql_s3_redshift.adapters.mysql.cells import cell
from mysql_s3_redshift.adapters.mysql.connection import MySqlConnection, ResultT
from mysql_s3_redshift.adapters.mysql.discovery import describe_table
from mysql_s3_redshift.adapters.mysql.key_ranges import MySqlKeyRanges
from mysql_s3_redshift.adapters.mysql.query_columns import describe_query
from mysql_s3_redshift.adapters.mysql.server import ServerFacts, server_facts
from mysql_s3_redshift.adapters.mysql.wire import WireBatch, query
from mysql_s3_redshift.core.convert import Converter
from mysql_s3_redshift.core.cursors import ChunkQuery, Position
from mysql_s3_redshift.core.model import TablePlan, Value
from mysql_s3_redshift.core.plan import ResolvedTable
from mysql_s3_redshift.core.ports import ClockReading, RowBatch, Work
from mysql_s3_redshift.core.schema import SourceTable, TableSchema
from mysql_s3_redshift.core.slice_cuts import choose_cuts, choose_cuts_of_rows
from mysql_s3_redshift.errors import SourceConnectionError

logger = logging.getLogger(__name__)


class MySqlSource:
    """Reads tables over one connection, one query at a time.

    What is asked before rows are read survives the loss of a connection by itself; rows do by their
    chunk, which is read again from its beginning (see `core.chunks`).
    """

    def __init__(self, connection: MySqlConnection) -> None:
        self.connection = connection
        self._busy_periods = BusyPeriods()
        self._in_snapshot = False

    @cached_property
    def facts(self) -> ServerFacts:
        """What the server says about itself; asked once."""
        return self._ask(lambda: server_facts(self.connection.raw))

    @cached_property
    def prepares(self) -> bool:
        """Whether statements can be prepared; a proxy in front of the server may not let them."""
        with query(self.connection.raw, f"{queries.MARK} SELECT 1") as stream:
            for _ in stream:
                continue
            return stream.protocol == "binary"

    def describe(self, plan: TablePlan) -> SourceTable:
        """Read a table's columns, keys and indexes."""
        query, schema = plan.query, plan.schema
        if query is None:
            return self._ask(lambda: describe_table(self.connection.raw, schema, plan.table))
        return self._ask(
            lambda: describe_query(self.connection.raw, plan.table, query, schema=schema)
        )

    def read(self, table: ResolvedTable, schema: TableSchema, query: ChunkQuery) -> MySqlReader:
        """Start a keyset query."""
        floats = any(c.arrow in queries.FLOATS for c in schema.columns)
        prepared = not floats or self.prepares
        selection = queries.select_columns(schema, query.order_by, prepared=prepared)
        return MySqlReader(self.connection, table, schema, query, selection)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Hold one consistent snapshot for all reads inside."""
        self._ask(lambda: self.connection.query("START TRANSACTION WITH CONSISTENT SNAPSHOT"))
        self._in_snapshot = True
        try:
            yield
        except BaseException:
            self.connection.close()  # it may be in the middle of an answer
            raise
        finally:
            self._in_snapshot = False
        try:
            self.connection.query("ROLLBACK")
        except SourceConnectionError as error:  # which has ended it as well; all was read
            logger.debug("the end of a snapshot: %s", error.happened)

    def boundary(self, table: ResolvedTable, query: ChunkQuery, rows: int) -> Value:
        """First keyset column of the row after the next `rows` rows; None if there is none."""
        return self.scalar(queries.boundary(table, query, rows))

    def has_rows(self, table: ResolvedTable, query: ChunkQuery) -> bool:
        """Whether the query would return any row."""
        return self._ask(lambda: self.scalar(queries.exists(table, query))) is not None

    def cuts(self, table: ResolvedTable, query: ChunkQuery, slices: int) -> Sequence[Position]:
        """Keys that cut a range into slices of about equal numbers of rows."""
        ranges = MySqlKeyRanges(self.connection, table)
        return self._ask(lambda: choose_cuts(ranges, query, slices))

    def cuts_of_rows(
        self, table: ResolvedTable, query: ChunkQuery, key: tuple[str, ...], slices: int
    ) -> Sequence[Position]:
        """Values of a key that cut a query's rows into parts of about equal numbers."""
        ranges = MySqlKeyRanges(self.connection, table)
        return self._ask(lambda: choose_cuts_of_rows(ranges, query, key, slices))

    def newest(self, table: ResolvedTable) -> Value:
        """Largest value of the cursor's first column; None in an empty table."""
        return self._ask(lambda: self.scalar(queries.newest(table)))

    def next_id(self, table: ResolvedTable) -> int | None:
        """What MySQL gives the next row as the cursor's first column; None where it gives none."""
        column = table.table.column(table.cursor.first_column)
        if column is None or not column.auto_increment:
            return None

        def read() -> list[tuple[Any, ...]]:
            self.connection.query(queries.FRESH_STATISTICS)
            return self.connection.query(
                queries.NEXT_ID, (table.table.schema, *[table.table.name] * 2)
            )

        return next((int(value) for (value,) in self._ask(read) if value is not None), None)

    def clock(self, plan: TablePlan) -> ClockReading:
        """Read the source's clocks."""
        return self._ask(lambda: read_clock(self.connection, plan))

    def open_work(self) -> Sequence[Work] | None:
        """Everything that is under way since the clock was read."""
        flavor = self.facts.flavor
        return self._ask(lambda: list_work(self.connection, flavor, self._busy_periods))

    def is_replica(self) -> bool:
        """Whether the source applies another server's transactions, which cannot be seen."""
        return bool(self.facts.is_replica)

    def scalar(self, statement: queries.Statement) -> Value:
        """The single value of a query, None without a row."""
        value: Value = None
        with query(self.connection.raw, statement.sql, statement.parameters) as stream:
            for batch in stream:
                if batch.batch.num_rows:
                    value = cell(batch, 0, 0)
        return value

    def _ask(self, read: Callable[[], ResultT]) -> ResultT:
        """Ask again after a loss; not inside a snapshot, which a new connection does not have."""
        return read() if self._in_snapshot else self.connection.ask(read)


class MySqlReader:
    """The rows of one keyset query (see `core.ports.ChunkReader`)."""

    def __init__(
        self,
        connection: MySqlConnection,
        table: ResolvedTable,
        schema: TableSchema,
        chunk: ChunkQuery,
        selection: queries.Selection,
    ) -> None:
        self._selection = selection
        self._statement = queries.chunk(table, self._selection, chunk)
        self._connection, self._width = connection, len(schema.columns)
        self._converter = Converter(
            schema,
            table.plan.columns,
            table=table.plan.qualified_name,
            key_columns=table.key or table.cursor.columns,
        )

    @property
    def values_changed(self) -> Mapping[str, int]:
        """Values that a policy changed so far, by policy and column."""
        return self._converter.values_changed

    def __iter__(self) -> Iterator[RowBatch]:
        """Yield batches in keyset order."""
        statement = self._statement
        with query(self._connection.raw, statement.sql, statement.parameters) as stream:
            for wire in stream:
                if wire.batch.num_rows:
                    yield self._row_batch(wire)

    def _row_batch(self, wire: WireBatch) -> RowBatch:
        data = wire.batch
        if data.num_columns > self._width:
            data = data.select(list(range(self._width)))
        bad = {i: rows for i, rows in wire.bad_dates.items() if i < self._width}
        converted = self._converter.convert(data, bad, wire.bad_date_text)
        last = wire.batch.num_rows - 1
        return RowBatch(converted, self._position(wire, 0), self._position(wire, last))

    def _position(self, wire: WireBatch, row: int) -> Position:
        return tuple(cell(wire, index, row) for index in self._selection.positions)
