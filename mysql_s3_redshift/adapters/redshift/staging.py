"""The staging table of a load transaction, and COPY into it or straight into the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mysql_s3_redshift.adapters.redshift import key_sql, sql
from mysql_s3_redshift.adapters.redshift.connection import RedshiftConnection
from mysql_s3_redshift.core.names import quote_redshift
from mysql_s3_redshift.core.ports import LoadTarget
from mysql_s3_redshift.core.schema import TableSchema
from mysql_s3_redshift.errors import ConfigError, CountMismatchError

LARGE_LOAD_ROWS = 100_000
"""From so many rows on, the planner's statistics are worth the time that they take."""


@dataclass(frozen=True, slots=True)
class TableNames:
    """Quoted names of the target and its ledger."""

    target: str
    ledger: str


@dataclass(frozen=True, slots=True)
class KeyCounts:
    """What a table's rows say of its key."""

    rows: int
    nulls: int
    keys: int


class Staging:
    """Copies files, and proves what it copied. The connection is in a transaction."""

    def __init__(
        self,
        connection: RedshiftConnection,
        table: LoadTarget,
        schema: TableSchema,
        names: TableNames,
        *,
        auth: str,
        rows: int,
    ) -> None:
        """Prepare; nothing is sent yet.

        Args:
            connection: In the load's transaction.
            table: What is loaded.
            schema: Of the files.
            names: Target and ledger, quoted.
            auth: The clause with which COPY reads S3.
            rows: Of all files of the load.
        """
        self.connection, self.table, self.schema, self.names = connection, table, schema, names
        self._auth, self._rows = auth, rows

    def fill(self, uri: str, *, manifest: bool = True) -> int:
        """COPY a manifest, or one file, into a new staging table.

        Returns:
            Rows that COPY loaded, as pg_last_copy_count() tells.
        """
        self.drop()
        self.connection.execute(sql.create_staging(self.schema, self.table.plan.target_options))
        # COPY analyzes every table that it finds empty; a small one is not worth that.
        statistics = self._rows >= LARGE_LOAD_ROWS
        return self._copy(quote_redshift(sql.STAGING), uri, manifest=manifest, analyzed=statistics)

    def fill_target(self, manifest_uri: str) -> int:
        """COPY a manifest straight into the target; returns the rows that COPY loaded."""
        return self._copy(self.names.target, manifest_uri, manifest=True, analyzed=True)

    def drop(self) -> None:
        """Drop the staging table."""
        self.connection.execute(sql.drop_temp(sql.STAGING))

    def count_keys(self, key: Sequence[str], table: str = "") -> KeyCounts:
        """Count rows, rows with a NULL in the key, and keys; of staging unless a table is named."""
        statement = key_sql.key_counts(table or quote_redshift(sql.STAGING), self.schema, key)
        rows, nulls, keys = self.connection.query(statement)[0]
        return KeyCounts(int(rows), int(nulls), int(keys))

    def count_rows(self, table: str) -> int:
        """Rows of a table whose name is quoted."""
        return int(self.connection.query(sql.count_rows(table))[0][0])

    def prove(self, found: int, expected: int) -> None:
        """Demand that Redshift counts the rows that were staged.

        Raises:
            CountMismatchError: It counts others.
        """
        if found != expected:
            raise CountMismatchError(
                f"{self.table.plan.display_name}: {expected} rows were staged, and Redshift tells "
                f"{found}.",
                kept="The transaction was rolled back; the target is unchanged.",
                remedy="Run again; when it repeats, compare the files with the extract state.",
            )

    def key(self) -> list[str]:
        """The key in Redshift's names.

        Raises:
            ConfigError: A column of it is not read.
        """
        found = [(source, self.schema.by_source(source)) for source in self.table.key]
        for source, column in found:
            if column is None:
                raise ConfigError(
                    f"{self.table.plan.display_name}: key column {source} is not read.",
                    kept="Nothing was loaded; the files stay pending.",
                    remedy="Take it out of columns.exclude, or set another primary_key.",
                )
        return [column.name for _, column in found if column is not None]

    def version(self) -> str | None:
        """The cursor timestamp in Redshift's name; None where the target does not have it."""
        source = self.table.version
        column = self.schema.by_source(source) if source else None
        return column.name if column and column.rule != "hash" else None

    def _copy(self, table: str, uri: str, *, manifest: bool, analyzed: bool) -> int:
        self.connection.execute(
            sql.copy(
                table, self.schema, uri, auth=self._auth, manifest=manifest, statistics=analyzed
            )
        )
        return int(self.connection.query(sql.LAST_COPY_COUNT)[0][0])
