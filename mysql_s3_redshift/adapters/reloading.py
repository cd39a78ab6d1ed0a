"""Which files bring a table back from S3: those of its present generation, all still there.

The extract state lists the newest files only. The ledger has all that were loaded, and the schema
of an older file is the stored one that its own footer has.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa

from mysql_s3_redshift.adapters.redshift.ledger import TargetTable
from mysql_s3_redshift.adapters.s3.parquet import read_footer
from mysql_s3_redshift.adapters.s3.storage import TableStorage
from mysql_s3_redshift.core import s3_names
from mysql_s3_redshift.core.arrow_types import arrow_schema
from mysql_s3_redshift.core.counts import WINDOWS
from mysql_s3_redshift.core.cursors import TICKS_PER_SECOND, to_datetime
from mysql_s3_redshift.core.model import LoadMode, TablePlan, TimestampUnit, Window
from mysql_s3_redshift.core.state import DataFile, ExtractState, decode_value
from mysql_s3_redshift.errors import ConfigError

RUN_ID = "reload"


def files_of_generation(
    storage: TableStorage, extract: ExtractState, target: TargetTable, *, mode: str
) -> list[DataFile]:
    """Every file of the present generation, each still on S3.

    Raises:
        ConfigError: Some files are not there any more, or cannot be named.
    """
    files = {f.seq: f for f in extract.files}
    if mode == LoadMode.REPLACE:
        newest = extract.mysql_state.set_done
        files = {seq: f for seq, f in files.items() if f.set_id == newest}
    elif len(files) < extract.mysql_state.total_files:
        files |= _forgotten(storage, extract, target, set(files))
        if len(files) != extract.mysql_state.total_files:
            raise _impossible(storage.plan, f"only {len(files):,} of its files can be named")
    there = storage.etags([f.uri for f in files.values()])
    for file in files.values():
        if file.uri not in there:
            raise _impossible(storage.plan, f"{file.uri} is not on S3 any more")
    if not files:
        raise _impossible(storage.plan, "nothing was extracted yet")
    # As they are now: objects that came back from a backup may be of other parts.
    return [files[seq].with_(etag=there[files[seq].uri]) for seq in sorted(files)]


def files_of_window(files: Sequence[DataFile], plan: TablePlan, window: Window) -> list[DataFile]:
    """Files that may have rows of a window; those of a first extraction may have rows of any."""
    return [f for f in files if _may_hold(f, plan, window)]


def _may_hold(file: DataFile, plan: TablePlan, window: Window) -> bool:
    if file.kind != "incremental" or not file.first or not file.last:
        return True
    edges = [
        _moment(decode_value(next(iter(edge.values()))), plan.timestamp_unit)
        for edge in (file.first, file.last)
    ]
    first, last = edges
    return first is None or last is None or (first < window.end and last >= window.start)


def _moment(value: object, unit: TimestampUnit) -> datetime | None:
    if isinstance(value, datetime):
        return value
    return to_datetime(value, unit) if isinstance(value, int) and unit in TICKS_PER_SECOND else None


def _forgotten(
    storage: TableStorage, extract: ExtractState, target: TargetTable, known: set[int]
) -> dict[int, DataFile]:
    """Loaded files that the state does not list any more, from the ledger."""
    if extract.metadata.get(WINDOWS):
        raise _impossible(storage.plan, "windows were reloaded, whose files load as sets")
    shapes = _stored_schemas(storage)
    found = {}
    for entry in target.files():
        if entry.generation != extract.generation or entry.seq in known:
            continue
        footer = read_footer(storage.bucket, storage.bucket.key(entry.uri))
        schema_id = _fitting(shapes, footer.schema.to_arrow_schema())
        if schema_id is None:
            raise _impossible(storage.plan, f"no stored schema is that of {entry.uri}")
        found[entry.seq] = DataFile(
            seq=entry.seq,
            uri=entry.uri,
            rows=entry.rows,
            bytes=entry.bytes,
            schema_id=schema_id,
            kind="snapshot",
            run_id=RUN_ID,
            written_at="",
        )
    return found


def _stored_schemas(storage: TableStorage) -> dict[str, pa.Schema]:
    """Arrow schema by fingerprint."""
    bucket, plan = storage.bucket, storage.plan
    folder = s3_names.schema_key(bucket.prefix, plan, "x").removesuffix("x.json")
    names = [stored.key.removeprefix(folder) for stored in bucket.list(folder)]
    schemas = [storage.get_schema(name.removesuffix(".json")) for name in names]
    return {schema.fingerprint: arrow_schema(schema) for schema in schemas}


def _fitting(shapes: dict[str, pa.Schema], found: pa.Schema) -> str | None:
    """The stored schema with the same columns, names and types, in the same order."""
    wanted = [(field.name, field.type) for field in found]
    for fingerprint, shape in shapes.items():
        if [(field.name, field.type) for field in shape] == wanted:
            return fingerprint
    return None


def _impossible(plan: TablePlan, why: str) -> ConfigError:
    return ConfigError(
        f"{plan.display_name}: it cannot be loaded again from S3: {why}.",
        kept="Nothing was changed.",
        remedy="Extract the table again with `watermark reset`.",
    )
