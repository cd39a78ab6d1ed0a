"""Keys: the one authority for where everything lies on S3, for writers and readers alike.

    {prefix}/data/{pipeline}/{schema}.{table}/year=YYYY/month=MM/day=DD/
        {source}_{schema}_{table}_{YYYYMMDD_HHMMSS}_{run}_{seq:08d}.parquet
    {prefix}/schemas/{pipeline}/{schema}.{table}/{fingerprint}.json
    {prefix}/loads/{pipeline}/{schema}.{table}/{load_id}.manifest.json
    {prefix}/state/{asset key joined by /}.json
    {prefix}/state/.conditional-writes
    {prefix}/history/{asset key joined by /}/{UTC time}-{action}.json

`seq` is the number of the file in its table. A worker that reads a slice does not know that number
before the file is registered, so its files are named by numbers of its own: the slice (from 1), the
worker (12 random digits) and its files (6 digits, from 1). They have 19 digits or more, so they are
no file's number, and neither two workers of a run nor two attempts at a slice ever share a name.

Letters and digits of any alphabet, `-`, `_`, `.` and `$` stand for themselves. Everything else is
percent-encoded, because it means something in a URL, in XML or in a COPY statement. Two different
tables never share a folder: a dot in a schema's name is encoded, so the first dot of
`{schema}.{table}` is the one between them.

Limits: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, unquote

from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.errors import ConfigError

MAX_KEY_BYTES = 1024
WORKERS = 10**12
"""Numbers that a worker may draw."""
_FILES_OF_WORKER = 10**6

_DATA_FILE = re.compile(
    r"year=\d{4}/month=\d{2}/day=\d{2}/"
    r"(?P<origin>[^/]+)_(?P<when>\d{8}_\d{6})_(?P<run>[0-9A-Za-z]{1,8})_(?P<seq>\d{8,})\.parquet"
)


@dataclass(frozen=True, slots=True)
class DataKey:
    """What the key of a data file tells. `run` is the start of the run's id, `when` is UTC."""

    pipeline: str
    source: str
    schema: str
    table: str
    when: datetime
    run: str
    seq: int


def data_prefix(prefix: str, plan: TablePlan) -> str:
    """Return the folder of a table's data files. It ends with `/`: a prefix is never a table."""
    return _key(prefix, "data", *_table_parts(plan)) + "/"


def data_key(prefix: str, plan: TablePlan, *, when: datetime, run_id: str, seq: int) -> str:
    """Return the key of one data file.

    Args:
        prefix: Folder of the storage.
        plan: The table.
        when: Time of the extraction, or of the data in a window reload; naive means UTC.
        run_id: Id of the run; its first eight letters and digits go into the name.
        seq: Number of the file.
    """
    utc = when.astimezone(UTC) if when.tzinfo else when
    run = re.sub(r"[^0-9A-Za-z]", "", run_id)[:8]
    if not run or seq < 0:
        message = f"run id {run_id!r} and number {seq} do not make a file name"
        raise ValueError(message)
    return _checked(
        _data_key(
            prefix,
            DataKey(plan.pipeline, plan.source, plan.schema, plan.table, utc, run, seq),
        )
    )


def first_number_of_slice(number: int, worker: int) -> int:
    """Return the number in the name of a worker's first file; the others count up from it.

    Args:
        number: The slice, from 1.
        worker: Drawn by the worker, below `WORKERS`.
    """
    return (number * WORKERS + worker) * _FILES_OF_WORKER + 1


def parse_data_key(prefix: str, key: str) -> DataKey | None:
    """Read the key of a data file; None for a key that `data_key` would not write just so."""
    root = _key(prefix, "data") + "/"
    parts = key.removeprefix(root).split("/", 2)
    if not key.startswith(root) or len(parts) < 3 or "." not in parts[1]:
        return None
    pipeline, (schema, table) = parts[0], parts[1].split(".", 1)
    found = _DATA_FILE.fullmatch(parts[2])
    tail = f"_{schema.replace('%2E', '.')}_{table}"
    source = found["origin"].removesuffix(tail) if found else ""
    if found is None or not all((pipeline, schema, table, source)):
        return None
    try:
        parsed = DataKey(
            pipeline=unquote(pipeline),
            source=unquote(source),
            schema=unquote(schema),
            table=unquote(table),
            when=datetime.strptime(found["when"], "%Y%m%d_%H%M%S").replace(tzinfo=UTC),
            run=found["run"],
            seq=int(found["seq"]),
        )
    except ValueError:  # no such day or time
        return None
    return parsed if _data_key(prefix, parsed) == key else None


def schema_key(prefix: str, plan: TablePlan, fingerprint: str) -> str:
    """Return the key of a schema document."""
    return _checked(_key(prefix, "schemas", *_table_parts(plan), f"{fingerprint}.json"))


def manifest_key(prefix: str, plan: TablePlan, load_id: str) -> str:
    """Return the key of a load's COPY manifest."""
    return _checked(_key(prefix, "loads", *_table_parts(plan), f"{_part(load_id)}.manifest.json"))


def manifest_prefix(prefix: str, plan: TablePlan) -> str:
    """Return the folder of a table's manifests, with its last `/`."""
    return _key(prefix, "loads", *_table_parts(plan)) + "/"


def state_key(prefix: str, asset_key: Sequence[str]) -> str:
    """Return the key of a state document."""
    return _checked(_key(prefix, "state", *map(_part, asset_key)) + ".json")


def precondition_probe_key(prefix: str) -> str:
    """Return the key of the object that shows whether a store keeps preconditions."""
    return _key(prefix, "state", ".conditional-writes")


def history_prefix(prefix: str, asset_key: Sequence[str]) -> str:
    """Return the folder of a state document's earlier versions, with its last `/`."""
    return _key(prefix, "history", *map(_part, asset_key)) + "/"


def history_key(prefix: str, asset_key: Sequence[str], *, when: datetime, action: str) -> str:
    """Return the key of a state document as it was before a manual change.

    Args:
        prefix: Folder of the storage.
        asset_key: Asset key of the document.
        when: Time of the change; keys sort by it, to the microsecond.
        action: What was done, `watermark-set`.
    """
    utc = when.astimezone(UTC) if when.tzinfo else when
    name = f"{utc:%Y%m%dT%H%M%S.%fZ}-{_part(action)}.json"
    return _checked(history_prefix(prefix, asset_key) + name)


def _key(prefix: str, *parts: str) -> str:
    return "/".join(part for part in (prefix.strip("/"), *parts) if part)


def _data_key(prefix: str, file: DataKey) -> str:
    origin = "_".join(map(_encode, (file.source, file.schema, file.table)))
    return (
        f"{_key(prefix, 'data', *_table_parts(file))}/{file.when:year=%Y/month=%m/day=%d}/"
        f"{origin}_{file.when:%Y%m%d_%H%M%S}_{file.run}_{file.seq:08d}.parquet"
    )


def _table_parts(table: TablePlan | DataKey) -> tuple[str, str]:
    schema = _encode(table.schema).replace(".", "%2E")
    return _part(table.pipeline), f"{schema}.{_encode(table.table)}"


def _part(text: str) -> str:
    """Encode one whole segment of a key; `.` and `..` would be read as folders."""
    return text.replace(".", "%2E") if text in {".", ".."} else _encode(text)


def _encode(text: str) -> str:
    if not text:
        raise ConfigError("A name is empty.", remedy="Give it a name in pipelines.yaml.")
    return "".join(c if c.isalnum() or c in "-_.$" else quote(c, safe="") for c in text)


def _checked(key: str) -> str:
    if len(key.encode()) > MAX_KEY_BYTES:
        raise ConfigError(
            f"The S3 key `{key[:80]}…` has {len(key.encode())} bytes; S3 takes {MAX_KEY_BYTES}.",
            kept="Nothing was written.",
            remedy="Shorten the storage's prefix, or the names of pipeline, source or table.",
        )
    return key
