"""Takes over a table from the tool that this program replaces: its watermark and its files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import pyarrow as pa

from mysql_s3_redshift.adapters.operations import Changed, Operation
from mysql_s3_redshift.adapters.pair import DescribedTable, describe
from mysql_s3_redshift.adapters.s3.objects import StoredObject
from mysql_s3_redshift.adapters.s3.parquet import read_footer
from mysql_s3_redshift.core import legacy
from mysql_s3_redshift.core.arrow_types import arrow_type
from mysql_s3_redshift.core.legacy import LegacyState
from mysql_s3_redshift.core.schema import Column, TableSchema
from mysql_s3_redshift.core.state import CURSOR_COLUMNS, DataFile, utc_now
from mysql_s3_redshift.core.target_types import fits, parse_target_type
from mysql_s3_redshift.errors import ConfigError, UnsupportedValueError

RUN_ID = "watermark-import"
INTEGER_TYPES = {"smallint", "integer", "bigint"}


@dataclass(frozen=True, slots=True)
class Found:
    """What the old tool left of one table.

    Attributes:
        files: Its data files that are not on the blacklist and may be adopted.
        loaded: Number of files on the blacklist.
    """

    state: LegacyState
    uri: str
    files: tuple[StoredObject, ...]

    @property
    def loaded(self) -> int:
        """Files on the blacklist."""
        return len(self.state.processed)


def find(
    operation: Operation, *, state_prefix: str, data_prefix: str | None, newer_than: datetime | None
) -> Found:
    """Find the newest document of a table, and its files where a prefix tells where they lie.

    Raises:
        ConfigError: There is no document, or the table has a state already.
        StateUnreadableError: The document cannot be read.
    """
    plan, bucket = operation.plan, operation.states.bucket
    if operation.states.extract.read() is not None:
        raise ConfigError(
            f"{plan.display_name}: there is a state already: {operation.states.extract.uri}.",
            kept="Nothing was changed.",
            remedy="Importing is for tables that were never extracted here.",
        )
    operation.states.load.read()
    keys = legacy.document_keys(state_prefix, plan)
    for key in keys:
        found = bucket.get(key)
        if found is None:
            continue
        state = legacy.parse_document(found[0], bucket.uri(key))
        if legacy.belongs_to(state, plan):
            files = _files(operation, state, data_prefix, newer_than)
            return Found(state, bucket.uri(key), files)
    raise ConfigError(
        f"{plan.display_name}: no document of the old tool was found.",
        kept="Nothing was changed.",
        remedy=f"Give --state-prefix; looked for {bucket.uri(keys[0])} and {len(keys) - 1} others.",
    )


def _files(
    operation: Operation,
    state: LegacyState,
    data_prefix: str | None,
    newer_than: datetime | None,
) -> tuple[StoredObject, ...]:
    if data_prefix is None:
        return ()
    bucket, processed = operation.states.bucket, set(state.processed)
    folder = f"{data_prefix.strip('/')}/" if data_prefix.strip("/") else ""
    found = []
    for stored in bucket.list(folder):
        name = stored.key.rsplit("/", 1)[-1]
        when = legacy.file_time(name) if legacy.is_data_file(name, operation.plan) else None
        if when is None or bucket.uri(stored.key) in processed:
            continue
        if newer_than is None or when >= newer_than:
            found.append(stored)
    return tuple(sorted(found, key=lambda f: f.key.rsplit("/", 1)[-1]))


def take_over(operation: Operation, found: Found, *, adopt: bool) -> Changed:
    """Write both documents; with `adopt`, the files that are not on the blacklist become pending.

    Raises:
        UnsupportedValueError: A file's columns are not those of the table, so that it cannot be
            loaded as it is.
        StateConflictError: Another run made a document in between.
    """
    described = describe(operation.plan, operation.connections)
    cursor = described.resolved.cursor
    extract, load = legacy.imported_states(operation.plan, cursor, found.state, found.uri)
    facts = {
        "load_mode": str(described.resolved.load_mode),
        "key": list(described.resolved.key),
        "version_column": cursor.timestamp,
        CURSOR_COLUMNS: list(cursor.columns),
    }
    extract = extract.with_(metadata={**extract.metadata, **facts})
    if adopt and found.files:
        files = _adopt(operation, described, found.files)
        # The table's own schema: what the next extraction is compared with.
        operation.connections.storage(operation.plan).put_schema(described.schema)
        stored = {"stored_schema": described.schema.fingerprint}
        extract = extract.register(files).with_(metadata={**extract.metadata, **stored})
    return operation.write(extract, load, manual_watermark=True)


def _adopt(
    operation: Operation, described: DescribedTable, files: Sequence[StoredObject]
) -> list[DataFile]:
    bucket = operation.states.bucket
    storage = operation.connections.storage(operation.plan)
    adopted, schemas = [], set()
    for seq, stored in enumerate(files, start=1):
        footer = read_footer(bucket, stored.key)
        uri = bucket.uri(stored.key)
        schema = _schema_of(footer.schema.to_arrow_schema(), described.schema, uri)
        if schema.fingerprint not in schemas:
            storage.put_schema(schema)
            schemas.add(schema.fingerprint)
        adopted.append(
            DataFile(
                seq=seq,
                uri=uri,
                rows=footer.num_rows,
                bytes=stored.bytes,
                etag=stored.etag,
                schema_id=schema.fingerprint,
                kind="adopted",
                run_id=RUN_ID,
                written_at=utc_now(),
            )
        )
    return adopted


def _schema_of(found: pa.Schema, table: TableSchema, uri: str) -> TableSchema:
    """The table's columns in the file's order; COPY matches parquet by position."""
    columns = tuple(_column(field, table, uri) for field in found)
    names = {column.name for column in columns}
    missing = [name for name in table.primary_key if name not in names]
    if missing:
        raise _unsupported(uri, f"key column {missing[0]} is not in it")
    return TableSchema(columns, primary_key=table.primary_key, comment=table.comment)


def _column(field: pa.Field, table: TableSchema, uri: str) -> Column:
    column = table.by_source(field.name) or table.column(field.name)
    if column is None:
        raise _unsupported(uri, f"column {field.name} is not in the table")
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    if kind == arrow_type(column.arrow):
        return column
    staging = _staging_type(kind)
    if column.cast or staging is None or not _casts_exactly(staging, column.target_type):
        raise _unsupported(uri, f"column {field.name} is {kind}, not {column.arrow}")
    cast = f"CAST({{}} AS {column.target_type})"
    return replace(column, arrow=str(kind), staging_type=staging, cast=cast)


def _staging_type(kind: pa.DataType) -> str | None:
    """The type of column that COPY fills from parquet's; it converts nothing itself.

    Not among them: unsigned integers, which COPY cannot read, and nanoseconds, which it misreads.
    """
    if pa.types.is_decimal128(kind):
        return f"DECIMAL({kind.precision},{kind.scale})"
    return _STAGING.get(str(kind))


_STAGING = {
    "int8": "SMALLINT",
    "int16": "SMALLINT",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "float": "REAL",
    "timestamp[ms]": "TIMESTAMP",
    "timestamp[us]": "TIMESTAMP",
}


def _casts_exactly(staging: str, target: str) -> bool:
    """Whether a cast keeps every value or fails: between integers, Redshift checks the range."""
    value, column = parse_target_type(staging), parse_target_type(target)
    return fits(value, column) or {value.name, column.name} <= INTEGER_TYPES


def _unsupported(uri: str, why: str) -> UnsupportedValueError:
    return UnsupportedValueError(
        f"{uri} cannot be loaded as it is: {why}.",
        kept="Nothing was changed.",
        remedy="Import without --adopt-files and with an earlier `watermark set`, which extracts "
        "its rows again.",
    )
