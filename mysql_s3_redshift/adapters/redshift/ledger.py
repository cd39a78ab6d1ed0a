"""What an operator's command asks of Redshift about one table: its ledger, its rows, its lock.

The lock of the ledger is what every load takes first. A command that holds it runs while no load of
that table is inside its transaction, on whatever machine; a load that comes after it sees what the
command committed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from mysql_s3_redshift.adapters.redshift import sql
from mysql_s3_redshift.adapters.redshift.catalog import describe
from mysql_s3_redshift.adapters.redshift.connection import RedshiftConnection
from mysql_s3_redshift.adapters.redshift.key_sql import told_apart
from mysql_s3_redshift.adapters.redshift.target import ledger_name, table_names
from mysql_s3_redshift.core.counts import LedgerFile
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.core.ports import LoadTarget
from mysql_s3_redshift.errors import TargetConnectionError, TargetError

LOCK_SECONDS = 10
CANCELLED = "57014"

_FILES = "SELECT load_id, generation, seq, uri, rows, bytes, manifest_uri FROM {} ORDER BY seq, uri"


@dataclass(frozen=True, slots=True)
class DuplicateKeys:
    """Keys that a table has more than once.

    Attributes:
        keys: How many keys.
        rows: How many rows have one of them.
        worst: The values of some of them, each followed by its number of rows.
    """

    keys: int
    rows: int
    worst: tuple[tuple[Any, ...], ...]


class TargetTable:
    """One table in Redshift and its ledger."""

    def __init__(self, connection: RedshiftConnection, plan: TablePlan) -> None:
        self.connection, self.plan = connection, plan
        table = LoadTarget(plan, load_mode="", key=(), version=None, generation=1)
        self._names = table_names(table)
        self._mine = (plan.target_schema, plan.target_name)
        self._ledger = (plan.ledger_schema, ledger_name(table))
        self._found: set[tuple[str, str]] | None = None

    @property
    def exists(self) -> bool:
        """Whether the table exists."""
        return self._mine in self._existing()

    @property
    def has_ledger(self) -> bool:
        """Whether the ledger exists: without one, nothing was ever loaded."""
        return self._ledger in self._existing()

    def columns(self) -> dict[str, str]:
        """Type by column; empty without the table."""
        found = describe(self.connection, [self._mine, self._mine]).get(self._mine, ())
        return {column.name: column.type for column in found}

    def files(self) -> list[LedgerFile]:
        """Everything in the ledger, by number."""
        if not self.has_ledger:
            return []
        with self._not_waiting():
            rows = self.connection.query(_FILES.format(self._names.ledger))
        return [LedgerFile(*_typed(row)) for row in rows]

    def count(self, condition: str = "", parameters: tuple[Any, ...] = ()) -> int | None:
        """Rows of the table, or those that meet a condition; None without the table."""
        if not self.exists:
            return None
        statement = sql.count_rows(self._names.target)
        if condition:
            statement += f" WHERE {condition}"
        return int(self.connection.query(statement, parameters)[0][0])

    def count_keys(self, columns: tuple[str, ...]) -> int:
        """Number of different keys."""
        apart = told_apart(self.columns(), columns)
        keys = f"SELECT DISTINCT {apart} FROM {self._names.target}"
        return int(self.connection.query(f"SELECT COUNT(*) FROM ({keys}) k")[0][0])

    def duplicate_keys(self, columns: tuple[str, ...], *, most: int) -> DuplicateKeys:
        """Keys that are there more than once; NULLs count as equal, as they do in a load."""
        keys, target = sql.names(columns), self._names.target
        groups = f"{target} GROUP BY {told_apart(self.columns(), columns)} HAVING COUNT(*) > 1"
        repeated = f"SELECT {keys}, COUNT(*) FROM {groups}"
        counts = f"SELECT COUNT(*) AS n FROM {groups}"
        [(number, rows)] = self.connection.query(f"SELECT COUNT(*), SUM(n) FROM ({counts}) k")
        if not number:
            return DuplicateKeys(0, 0, ())
        order = ", ".join(str(position + 1) for position in range(len(columns)))
        worst = self.connection.query(f"{repeated} ORDER BY COUNT(*) DESC, {order} LIMIT {most}")
        return DuplicateKeys(int(number), int(rows), tuple(tuple(row) for row in worst))

    def delete_all(self) -> int:
        """Delete every row, inside the open transaction; returns how many there were."""
        return self.connection.execute(sql.delete_all(self._names.target)) if self.exists else 0

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the ledger's lock; commits at the end, rolls back after an error.

        Raises:
            TargetError: A load of this table is running and did not end within `LOCK_SECONDS`.
        """
        try:
            if self.has_ledger:
                self._lock()
            yield
            self.connection.commit()
        finally:
            self.connection.rollback()

    def _lock(self) -> None:
        self.connection.rollback()
        with self._not_waiting():
            self.connection.execute(sql.lock(self._names.ledger))

    @contextmanager
    def _not_waiting(self) -> Iterator[None]:
        """Give a statement on the ledger `LOCK_SECONDS`: a load's lock keeps readers waiting too.

        Raises:
            TargetError: A load of this table is running.
        """
        self.connection.execute(_timeout(LOCK_SECONDS))
        try:
            yield
        except TargetConnectionError:
            raise
        except TargetError as error:
            self.connection.rollback()
            if CANCELLED not in error.happened:
                raise
            raise TargetError(
                f"{self.plan.display_name}: a load of this table is running; its lock was not "
                f"free within {LOCK_SECONDS} s.",
                kept="Nothing was changed.",
                remedy="Wait until the load has ended (see the web UI), then run again.",
            ) from error
        self.connection.execute(_timeout(self.connection.statement_seconds))

    def _existing(self) -> set[tuple[str, str]]:
        if self._found is None:
            self._found = set(describe(self.connection, [self._mine, self._ledger]))
        return self._found


def _timeout(seconds: int) -> str:
    return f"SET LOCAL statement_timeout TO {seconds * 1000}"


def _typed(row: tuple[Any, ...]) -> tuple[Any, ...]:
    load_id, generation, seq, uri, rows, size, manifest = row
    return str(load_id), int(generation), int(seq), str(uri), int(rows), int(size), str(manifest)
