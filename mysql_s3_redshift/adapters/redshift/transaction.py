"""The load transaction: everything between LOCK and COMMIT (see `core.ports.LoadTransaction`)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from mysql_s3_redshift.adapters.redshift import sql
from mysql_s3_redshift.adapters.redshift.connection import RedshiftConnection
from mysql_s3_redshift.core.cursors import parse_timestamp
from mysql_s3_redshift.core.drift import TargetColumn
from mysql_s3_redshift.core.faultpoints import reach
from mysql_s3_redshift.core.model import LoadMode
from mysql_s3_redshift.core.names import quote_redshift
from mysql_s3_redshift.core.ports import AppliedLoad, LoadTarget
from mysql_s3_redshift.core.schema import TableSchema
from mysql_s3_redshift.core.state import DataFile
from mysql_s3_redshift.errors import ConfigError, CountMismatchError

LEDGER_BATCH = 200
CURSOR_CHARACTERS = 2_000
LARGE_LOAD_ROWS = 100_000
"""From so many rows on, the planner's statistics are worth the time that they take."""


@dataclass(frozen=True, slots=True)
class TableNames:
    """Quoted names of the target and its ledger."""

    target: str
    ledger: str


class RedshiftTransaction:
    """Statements of one load. The connection is in a transaction and holds the ledger's lock."""

    def __init__(
        self,
        connection: RedshiftConnection,
        table: LoadTarget,
        names: TableNames,
        *,
        auth: str,
        target_columns: Sequence[TargetColumn],
    ) -> None:
        self._connection, self._table, self._names, self._auth = connection, table, names, auth
        self._target_types = {c.name: c.type for c in target_columns}
        self._staged_directly = False
        self.committed = False
        self.rows = 0

    def known(self, files: Sequence[DataFile]) -> set[str]:
        """URIs among these that the ledger has."""
        numbers = [f.seq for f in files]
        rows = self._connection.query(
            sql.ledger_files(self._names.ledger), (min(numbers), max(numbers))
        )
        return {uri for (uri,) in rows} & {f.uri for f in files}

    def newest(self) -> int | None:
        """The largest number of a file that the ledger has; None while it is empty."""
        newest = self._connection.query(sql.newest_file(self._names.ledger))[0][0]
        return None if newest is None else int(newest)

    def stage(self, schema: TableSchema, manifest_uri: str, files: Sequence[DataFile]) -> int:
        """COPY a manifest into staging, or straight into the target where nothing is in between.

        Returns:
            Rows that COPY loaded, as pg_last_copy_count() tells.
        """
        self.rows = sum(f.rows for f in files)
        self._staged_directly = self._may_copy_directly(schema, files[0])
        if self._staged_directly:
            return self._copy(self._names.target, schema, manifest_uri)
        options = self._table.plan.target_options
        self._connection.execute(sql.drop_temp(sql.STAGING))
        self._connection.execute(sql.create_staging(schema, options))
        return self._copy(quote_redshift(sql.STAGING), schema, manifest_uri)

    def apply(
        self, table: LoadTarget, schema: TableSchema, files: Sequence[DataFile]
    ) -> AppliedLoad:
        """Bring the staged rows into the target by the load mode.

        Raises:
            ConfigError: The key is not one, or `replace` would empty the target.
            CountMismatchError: Other rows were inserted than staged.
        """
        staged = sum(f.rows for f in files)
        if self._staged_directly:
            return AppliedLoad(copied=staged, inserted=staged, updated=0)
        if table.load_mode == LoadMode.UPSERT:
            applied = self._upsert(schema, files, staged)
        elif table.load_mode == LoadMode.REPLACE:
            applied = self._replace(schema, staged)
        else:
            applied = self._append(schema, files[0], staged)
        self._connection.execute(sql.drop_temp(sql.STAGING))
        return applied

    def record(self, load_id: str, manifest_uri: str, files: Sequence[DataFile]) -> None:
        """Insert the ledger rows."""
        for start in range(0, len(files), LEDGER_BATCH):
            batch = files[start : start + LEDGER_BATCH]
            rows = [self._ledger_row(load_id, manifest_uri, f) for f in batch]
            statement = sql.insert_ledger(self._names.ledger, len(rows))
            self._connection.execute(statement, [value for row in rows for value in row])

    def commit(self) -> None:
        """Commit. When the answer is lost, the ledger tells what happened."""
        self._connection.commit()
        self.committed = True

    # -- load modes ---------------------------------------------------------------------------

    def _append(self, schema: TableSchema, first: DataFile, staged: int) -> AppliedLoad:
        updated = 0
        if first.window is not None:
            updated = self._delete_window(schema, first.window)
            reach("load.during_apply")
        inserted = self._connection.execute(sql.insert_all(self._names.target, schema))
        self._prove(inserted, staged)
        return AppliedLoad(copied=staged, inserted=inserted, updated=updated)

    def _delete_window(self, schema: TableSchema, window: tuple[str, str]) -> int:
        column = schema.by_source(self._table.version or "")
        if column is None or column.arrow != "timestamp[us]":
            raise ConfigError(
                f"{self._table.plan.display_name}: a window reload in append mode needs the cursor "
                "timestamp as a column of the target.",
                kept="Nothing was loaded; the window's files stay pending.",
                remedy="Include the cursor column, or load by upsert.",
            )
        edges = [parse_timestamp(edge) for edge in window]
        return self._connection.execute(sql.delete_window(self._names.target, column.name), edges)

    def _replace(self, schema: TableSchema, staged: int) -> AppliedLoad:
        target, plan = self._names.target, self._table.plan
        before = self._connection.query(sql.count_rows(target))[0][0]
        if staged == 0 and before and not plan.allow_empty:
            raise ConfigError(
                f"{plan.display_name}: the source is empty, and replacing would delete the "
                f"{before} rows of {plan.target_schema}.{plan.target_name}.",
                kept="The target is unchanged.",
                remedy="Set allow_empty: true for this table if it is meant to be empty.",
            )
        self._connection.execute(sql.delete_all(target))
        reach("load.during_apply")
        inserted = self._connection.execute(sql.insert_all(target, schema))
        self._prove(inserted, staged)
        return AppliedLoad(copied=staged, inserted=inserted, updated=0)

    def _upsert(self, schema: TableSchema, files: Sequence[DataFile], staged: int) -> AppliedLoad:
        """Newest version wins: by cursor, then by number of the file."""
        key = self._key(schema)
        if self._is_unique(key):
            return self._merge(schema, key, sql.STAGING, staged)
        self._connection.execute(sql.drop_temp(sql.NEWEST))
        version = self._version(schema)
        if version is not None:
            self._connection.execute(sql.create_newest(schema, key, version))
            if self._rows(sql.NEWEST) == self._keys(key):
                return self._merge(schema, key, sql.NEWEST, staged)
        elif len(files) == 1:
            return self._merge_distinct(schema, key, files[0], staged)
        return self._merge_one_by_one(schema, key, files, staged)

    def _merge_one_by_one(
        self, schema: TableSchema, key: list[str], files: Sequence[DataFile], staged: int
    ) -> AppliedLoad:
        """Versions with the same cursor value: the file with the higher number is the newer one."""
        inserted = updated = 0
        for file in files:
            self._connection.execute(sql.drop_temp(sql.STAGING))
            options = self._table.plan.target_options
            self._connection.execute(sql.create_staging(schema, options))
            copied = self._copy(quote_redshift(sql.STAGING), schema, file.uri, manifest=False)
            self._prove(copied, file.rows)
            if self._is_unique(key):
                applied = self._merge(schema, key, sql.STAGING, file.rows)
            else:
                applied = self._merge_distinct(schema, key, file, file.rows)
            inserted, updated = inserted + applied.inserted, updated + applied.updated
        return AppliedLoad(copied=staged, inserted=inserted, updated=updated)

    def _merge_distinct(
        self, schema: TableSchema, key: list[str], file: DataFile, staged: int
    ) -> AppliedLoad:
        """One file with several rows of a key, which must be equal, or the key is not one."""
        self._connection.execute(sql.drop_temp(sql.NEWEST))
        version = self._version(schema)
        statement = (
            sql.create_distinct(schema)
            if version is None
            else sql.create_newest(schema, key, version)
        )
        self._connection.execute(statement)
        if self._rows(sql.NEWEST) != self._keys(key):
            raise ConfigError(
                f"{self._table.plan.display_name}: {', '.join(key)} is not a key: {file.uri} has "
                "different rows with the same values there.",
                kept="The transaction was rolled back; the target is unchanged.",
                remedy="Set primary_key to columns that identify a row, or load_mode: append.",
            )
        return self._merge(schema, key, sql.NEWEST, staged)

    def _merge(self, schema: TableSchema, key: list[str], staging: str, staged: int) -> AppliedLoad:
        target = self._names.target
        deleted = self._connection.execute(
            sql.delete_older(target, schema, key, version=self._version(schema), staging=staging)
        )
        reach("load.during_apply")
        inserted = self._connection.execute(
            sql.insert_missing(target, schema, key, staging=staging)
        )
        updated = min(deleted, inserted)
        return AppliedLoad(copied=staged, inserted=inserted - updated, updated=updated)

    # -- parts --------------------------------------------------------------------------------

    def _copy(self, table: str, schema: TableSchema, uri: str, *, manifest: bool = True) -> int:
        # COPY analyzes every table that it finds empty; a small staging table is not worth that.
        analyzed = table == self._names.target or self.rows >= LARGE_LOAD_ROWS
        self._connection.execute(
            sql.copy(table, schema, uri, auth=self._auth, manifest=manifest, statistics=analyzed)
        )
        return int(self._connection.query(sql.LAST_COPY_COUNT)[0][0])

    def _may_copy_directly(self, schema: TableSchema, first: DataFile) -> bool:
        """Appending columns that COPY can load as they are needs no staging.

        A window reload deletes before it inserts, so it is staged.
        """
        if self._table.load_mode != LoadMode.APPEND or first.window is not None:
            return False
        return all(
            not c.cast and self._target_types.get(c.name) == c.staging_type for c in schema.columns
        )

    def _key(self, schema: TableSchema) -> list[str]:
        """The key in Redshift's names."""
        found = [(source, schema.by_source(source)) for source in self._table.key]
        for source, column in found:
            if column is None:
                raise ConfigError(
                    f"{self._table.plan.display_name}: key column {source} is not read.",
                    kept="Nothing was loaded; the files stay pending.",
                    remedy="Take it out of columns.exclude, or set another primary_key.",
                )
        return [column.name for _, column in found if column is not None]

    def _version(self, schema: TableSchema) -> str | None:
        """The cursor timestamp in Redshift's name; None where the target does not have it."""
        column = schema.by_source(self._table.version) if self._table.version else None
        return column.name if column and column.rule != "hash" else None

    def _is_unique(self, key: list[str]) -> bool:
        """Whether the staged rows have different keys.

        Raises:
            ConfigError: A key is NULL, which no comparison finds again.
        """
        rows, nulls, keys = self._connection.query(sql.staging_counts(key))[0]
        if nulls:
            raise ConfigError(
                f"{self._table.plan.display_name}: {nulls} rows have a NULL in the key "
                f"({', '.join(key)}), so they could be neither found nor replaced.",
                kept="The transaction was rolled back; the target is unchanged.",
                remedy="Set primary_key to columns that are never NULL, or load_mode: append.",
            )
        return bool(rows == keys)

    def _keys(self, key: list[str]) -> int:
        return int(self._connection.query(sql.staging_counts(key))[0][2])

    def _rows(self, table: str) -> int:
        return int(self._connection.query(sql.count_rows(quote_redshift(table)))[0][0])

    def _prove(self, found: int, expected: int) -> None:
        if found != expected:
            raise CountMismatchError(
                f"{self._table.plan.display_name}: {expected} rows were staged, and Redshift tells "
                f"{found}.",
                kept="The transaction was rolled back; the target is unchanged.",
                remedy="Run again; when it repeats, compare the files with the extract state.",
            )

    def _ledger_row(self, load_id: str, manifest_uri: str, file: DataFile) -> tuple[object, ...]:
        first, last = (
            json.dumps(edge, ensure_ascii=False)[:CURSOR_CHARACTERS]
            for edge in (file.first, file.last)
        )
        facts = (file.seq, file.uri, file.rows, file.bytes, first, last, file.run_id)
        return (load_id, self._table.generation, *facts, manifest_uri)
