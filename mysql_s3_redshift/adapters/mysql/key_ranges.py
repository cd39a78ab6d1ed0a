"""What MySQL tells about the keys of a table (see `core.slice_cuts.KeyRanges`).

`EXPLAIN` makes the optimizer estimate a range by two dives into the index, which takes as long for
ten rows as for ten billion:
https://dev.mysql.com/doc/refman/8.4/en/range-optimization.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mysql_s3_redshift.adapters.mysql import queries, wire
from mysql_s3_redshift.adapters.mysql.cells import cell
from mysql_s3_redshift.adapters.mysql.connection import MySqlConnection
from mysql_s3_redshift.core.cursors import ChunkQuery, Position
from mysql_s3_redshift.core.names import quote_mysql
from mysql_s3_redshift.core.plan import ResolvedTable

_EXPLAIN = "EXPLAIN FORMAT=TRADITIONAL"
"""The form with a column `rows`, whatever the server's default is."""


class MySqlKeyRanges:
    """The keys of one table, as its server orders them."""

    def __init__(self, connection: MySqlConnection, table: ResolvedTable) -> None:
        self._connection = connection
        # With its own condition the server would have to look for rows that meet it.
        self._table = replace(table, plan=replace(table.plan, additional_where=None))

    def keys(self, query: ChunkQuery) -> Sequence[Position]:
        """The first `query.limit` keys of a range, in order."""
        return self._read(queries.keys(self._table, query))

    def last_key(self, query: ChunkQuery) -> Position | None:
        """The last key of a range; None in an empty one."""
        found = self._read(queries.keys(self._table, replace(query, limit=1), last=True))
        return found[0] if found else None

    def in_order(self, columns: Sequence[str], positions: Sequence[Position]) -> Sequence[Position]:
        """Those of some keys that exist, in the server's order."""
        return self._read(queries.in_order(self._table, columns, positions))

    def estimate(self, query: ChunkQuery) -> int:
        """About how many rows a range has. MariaDB tells the number as text.

        Never prepared: MySQL plans a statement when it is prepared, before it has the values, and
        tells one row for every range then. `filtered`, a FLOAT, is not looked at.
        """
        statement = queries.keys(self._table, replace(query, limit=None))
        text = statement.sql.replace("SELECT", f"{_EXPLAIN} SELECT", 1).replace(
            " \nWHERE", f"{self._index(query)} \nWHERE", 1
        )
        rows = 0
        raw, values = self._connection.raw, statement.parameters
        with wire.query(raw, text, values, prefer="text", exact=False) as stream:
            at = [column.name.lower() for column in stream.columns].index("rows")
            for batch in stream:
                told = [cell(batch, at, n) for n in range(batch.batch.num_rows)]
                rows += sum(int(str(n)) for n in told if n is not None)
        return rows

    def _index(self, query: ChunkQuery) -> str:
        """Make the optimizer dive into the key's own index, which it may like less than another.

        Not FORCE INDEX: MySQL has nothing to choose then, skips the dives and tells one row.
        """
        table, wanted = self._table.table, query.order_by
        for index in table.indexes:
            # The primary key is the end of every other index of InnoDB.
            if (*index.columns, *table.primary_key)[: len(wanted)] == wanted:
                return f" USE INDEX ({quote_mysql(index.name)})"
        return ""

    def _read(self, statement: queries.Statement) -> list[Position]:
        found: list[Position] = []
        with wire.query(self._connection.raw, statement.sql, statement.parameters) as stream:
            width = len(stream.columns)
            for batch in stream:
                rows = range(batch.batch.num_rows)
                found += [tuple(cell(batch, i, row) for i in range(width)) for row in rows]
        return found
