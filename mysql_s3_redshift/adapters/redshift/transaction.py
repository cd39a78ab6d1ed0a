"""The load transaction: everything between LOCK and COMMIT (see `core.ports.LoadTransaction`)."""

from __future__ import annotations

import json
from collections.abc import Sequence

from mysql_s3_redshift.adapters.redshift import sql
from mysql_s3_redshift.adapters.redshift.connection import RedshiftConnection
from mysql_s3_redshift.adapters.redshift.staging import Staging, TableNames
from mysql_s3_redshift.adapters.redshift.upsert import Upsert
from mysql_s3_redshift.core.cursors import from_datetime, parse_timestamp
from mysql_s3_redshift.core.drift import TargetColumn
from mysql_s3_redshift.core.faultpoints import reach
from mysql_s3_redshift.core.model import LoadMode, TimestampUnit
from mysql_s3_redshift.core.ports import AppliedLoad, LoadTarget
from mysql_s3_redshift.core.schema import TableSchema
from mysql_s3_redshift.core.state import DataFile
from mysql_s3_redshift.core.window_axis import tells_times
from mysql_s3_redshift.errors import ConfigError

LEDGER_BATCH = 200
CURSOR_CHARACTERS = 2_000


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
        self._copied_directly = False
        self._manifest_uri = ""
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

    def of_other_history(self, files: Sequence[DataFile], generation: int) -> str | None:
        """A loaded file of another generation, or that has the number of another one of ours."""
        ledger = self._names.ledger
        if not self._connection.query(sql.any_row(self._names.target)):
            return None
        [(other,)] = self._connection.query(sql.file_of_other_generation(ledger), (generation,))
        if other is not None:
            return str(other)
        ours = {f.seq: f.uri for f in files}
        rows = self._connection.query(sql.numbered_files(ledger), (min(ours), max(ours)))
        return next((str(uri) for seq, uri in rows if ours.get(int(seq), uri) != uri), None)

    def stage(self, schema: TableSchema, manifest_uri: str, files: Sequence[DataFile]) -> int:
        """COPY a manifest into staging, or straight into the target where nothing is in between.

        Returns:
            Rows that COPY loaded, as pg_last_copy_count() tells.
        """
        self.rows, self._manifest_uri = sum(f.rows for f in files), manifest_uri
        self._copied_directly = self._may_copy_directly(schema, files)
        if self._copied_directly:
            return self._staging(schema).fill_target(manifest_uri)
        return self._staging(schema).fill(manifest_uri)

    def apply(
        self, table: LoadTarget, schema: TableSchema, files: Sequence[DataFile]
    ) -> AppliedLoad:
        """Bring the staged rows into the target by the load mode.

        Raises:
            ConfigError: The key is not one, or `replace` would empty the target.
            CountMismatchError: Other rows were inserted than staged.
        """
        staging = self._staging(schema)
        if table.load_mode == LoadMode.UPSERT:
            applied = self._upsert(staging, files)
        elif self._copied_directly:
            return AppliedLoad(copied=self.rows, inserted=self.rows, updated=0)
        elif table.load_mode == LoadMode.REPLACE:
            applied = self._replace(staging)
        else:
            applied = self._append(staging, files[0])
        staging.drop()
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

    def _append(self, staging: Staging, first: DataFile) -> AppliedLoad:
        updated = 0
        if first.window is not None:
            updated = self._delete_window(staging.schema, first)
            reach("load.during_apply")
        inserted = self._connection.execute(sql.insert_all(self._names.target, staging.schema))
        staging.prove(inserted, self.rows)
        return AppliedLoad(copied=self.rows, inserted=inserted, updated=updated)

    def _delete_window(self, schema: TableSchema, file: DataFile) -> int:
        name, unit = file.window_on or (self._table.version or "", TimestampUnit.DATETIME)
        column = schema.by_source(name)
        if column is None or not tells_times(column):
            raise ConfigError(
                f"{self._table.plan.display_name}: a window reload in append mode needs {name} "
                "as a column of times in the target.",
                kept="Nothing was loaded; the window's files stay pending.",
                remedy="Include the column, or load by upsert.",
            )
        edges = [from_datetime(parse_timestamp(edge), unit) for edge in file.window or ()]
        return self._connection.execute(sql.delete_window(self._names.target, column.name), edges)

    def _replace(self, staging: Staging) -> AppliedLoad:
        target, plan = self._names.target, self._table.plan
        before = staging.count_rows(target)
        if self.rows == 0 and before and not plan.allow_empty:
            raise ConfigError(
                f"{plan.display_name}: the source is empty, and replacing would delete the "
                f"{before} rows of {plan.target_schema}.{plan.target_name}.",
                kept="The target is unchanged.",
                remedy="Set allow_empty: true for this table if it is meant to be empty.",
            )
        self._connection.execute(sql.delete_all(target))
        reach("load.during_apply")
        inserted = self._connection.execute(sql.insert_all(target, staging.schema))
        staging.prove(inserted, self.rows)
        return AppliedLoad(copied=self.rows, inserted=inserted, updated=0)

    def _upsert(self, staging: Staging, files: Sequence[DataFile]) -> AppliedLoad:
        upsert = Upsert(staging)
        if self._copied_directly:
            if upsert.accept_copied(self.rows):
                return AppliedLoad(copied=self.rows, inserted=self.rows, updated=0)
            staging.prove(staging.fill(self._manifest_uri), self.rows)
        return upsert.merge(files, self.rows)

    # -- parts --------------------------------------------------------------------------------

    def _staging(self, schema: TableSchema) -> Staging:
        return Staging(
            self._connection, self._table, schema, self._names, auth=self._auth, rows=self.rows
        )

    def _may_copy_directly(self, schema: TableSchema, files: Sequence[DataFile]) -> bool:
        """Columns that COPY can load as they are need no staging, where nothing is replaced.

        Appending replaces nothing. Neither does an upsert into an empty target; there the files of
        a snapshot phase have every key once, and others may not, so only these are tried. A window
        reload deletes before it inserts, so it is staged.
        """
        mode, target = self._table.load_mode, self._names.target
        if mode == LoadMode.REPLACE or files[0].window is not None:
            return False
        if mode == LoadMode.UPSERT and any(f.kind != "snapshot" for f in files):
            return False
        as_they_are = all(
            not c.cast and self._target_types.get(c.name) == c.staging_type for c in schema.columns
        )
        if mode == LoadMode.APPEND or not as_they_are:
            return as_they_are
        return not self._connection.query(sql.any_row(target))

    def _ledger_row(self, load_id: str, manifest_uri: str, file: DataFile) -> tuple[object, ...]:
        first, last = (
            json.dumps(edge, ensure_ascii=False)[:CURSOR_CHARACTERS]
            for edge in (file.first, file.last)
        )
        facts = (file.seq, file.uri, file.rows, file.bytes, first, last, file.run_id)
        return (load_id, self._table.generation, *facts, manifest_uri)
