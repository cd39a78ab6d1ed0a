"""A MySQL connection as extraction needs it (see `core.ports.Source`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from typing import Any

from mysql_s3_redshift.adapters.mysql import queries
from mysql_s3_redshift.adapters.mysql.activity import BusyPeriods, list_work, read_clock
from mysql_s3_redshift.adapters.mysql.connection import MySqlConnection
from mysql_s3_redshift.adapters.mysql.discovery import describe_table
from mysql_s3_redshift.adapters.mysql.query_columns import describe_query
from mysql_s3_redshift.adapters.mysql.server import ServerFacts, server_facts
from mysql_s3_redshift.adapters.mysql.wire import WireBatch, WireKind, query
from mysql_s3_redshift.core.convert import Converter
from mysql_s3_redshift.core.cursors import ChunkQuery, Position
from mysql_s3_redshift.core.model import TablePlan, Value
from mysql_s3_redshift.core.plan import ResolvedTable
from mysql_s3_redshift.core.ports import ClockReading, RowBatch, Work
from mysql_s3_redshift.core.schema import SourceTable, TableSchema


class MySqlSource:
    """Reads tables over one connection, one query at a time."""

    def __init__(self, connection: MySqlConnection) -> None:
        self.connection = connection
        self._busy_periods = BusyPeriods()

    @cached_property
    def facts(self) -> ServerFacts:
        """What the server says about itself; asked once."""
        return server_facts(self.connection.raw)

    @cached_property
    def prepares(self) -> bool:
        """Whether statements can be prepared; a proxy in front of the server may not let them."""
        with query(self.connection.raw, f"{queries.MARK} SELECT 1") as stream:
            for _ in stream:
                continue
            return stream.protocol == "binary"

    def describe(self, plan: TablePlan) -> SourceTable:
        """Read a table's columns, keys and indexes."""
        if plan.query is not None:
            return describe_query(self.connection.raw, plan.table, plan.query, schema=plan.schema)
        return describe_table(self.connection.raw, plan.schema, plan.table)

    def read(self, table: ResolvedTable, schema: TableSchema, query: ChunkQuery) -> MySqlReader:
        """Start a keyset query."""
        floats = any(c.arrow in queries.FLOATS for c in schema.columns)
        prepared = not floats or self.prepares
        selection = queries.select_columns(schema, query.order_by, prepared=prepared)
        return MySqlReader(self.connection, table, schema, query, selection)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Hold one consistent snapshot for all reads inside."""
        self.connection.query("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        try:
            yield
        except BaseException:
            self.connection.close()  # it may be in the middle of an answer
            raise
        self.connection.query("ROLLBACK")

    def boundary(self, table: ResolvedTable, query: ChunkQuery, rows: int) -> Value:
        """First keyset column of the row after the next `rows` rows; None if there is none."""
        return self.scalar(queries.boundary(table, query, rows))

    def has_rows(self, table: ResolvedTable, query: ChunkQuery) -> bool:
        """Whether the query would return any row."""
        return self.scalar(queries.exists(table, query)) is not None

    def newest(self, table: ResolvedTable) -> Value:
        """Largest value of the cursor's first column; None in an empty table."""
        return self.scalar(queries.newest(table))

    def clock(self, plan: TablePlan) -> ClockReading:
        """Read the source's clocks."""
        return read_clock(self.connection, plan)

    def open_work(self) -> Sequence[Work] | None:
        """Everything that is under way since the clock was read."""
        return list_work(self.connection, self.facts.flavor, self._busy_periods)

    def is_replica(self) -> bool:
        """Whether the source applies another server's transactions, which cannot be seen."""
        return bool(self.facts.is_replica)

    def scalar(self, statement: queries.Statement) -> Value:
        """The single value of a query, None without a row."""
        value: Value = None
        with query(self.connection.raw, statement.sql, statement.parameters) as stream:
            for batch in stream:
                if batch.batch.num_rows:
                    value = _cell(batch, 0, 0)
        return value


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
        return tuple(_cell(wire, index, row) for index in self._selection.positions)


def _cell(wire: WireBatch, column: int, row: int) -> Value:
    """One value as the next query takes it; TIME and dates such as 2024-02-00 as text."""
    value: Any = wire.batch.column(column)[row].as_py()
    if value is None and column in wire.bad_dates and wire.bad_dates[column][row]:
        return wire.bad_date_text(column, row)
    if isinstance(value, bytes) and wire.columns[column].kind is WireKind.TEXT:
        return value.decode("utf-8")
    return _time_text(value) if isinstance(value, timedelta) else value


def _time_text(time: timedelta) -> str:
    """A TIME as MySQL writes it, `-838:59:59.000000`."""
    seconds, micros = divmod(abs(time) // timedelta(microseconds=1), 1_000_000)
    sign = "-" if time < timedelta(0) else ""
    return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{micros:06}"
