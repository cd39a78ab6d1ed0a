"""Whether the values in a tool's parquet files are those that MySQL shows.

Every tool reads two tables of edge values: types that each should manage, and what MySQL also has.
Where a tool fails on a table as a whole, each column is tried alone, so that one column does not
hide the others.

The comparison is kind: another type is fine as long as the value is the same (a number as text, a
date as a timestamp at midnight). A zero date may be NULL, because parquet has no place for it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.readers import READERS, Reader
from benchmarks.tables import EDGES, make_tables
from benchmarks.workspace import DATABASE, Workspace

TIMEOUT = 60

Expected = Mapping[int, str | bytes | None]


def run(workspace: Workspace) -> dict[str, Any]:
    """Let every tool read the edge values; tell what it changed and where it failed."""
    make_tables(workspace)
    expected = {table: read_expected(workspace, table) for table in EDGES}
    _split_columns(workspace, expected)
    writers = [reader for reader in READERS if reader.writes]
    for reader in writers:
        reader.prepare(workspace)
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda reader: _verdict(workspace, reader, expected), writers)
        return {reader.name: verdict for reader, verdict in zip(writers, found, strict=True)}


def _verdict(
    workspace: Workspace, reader: Reader, expected: Mapping[str, Mapping[str, Expected]]
) -> dict[str, Any]:
    changed: list[str] = []
    failed: dict[str, str] = {}
    for table, columns in expected.items():
        done, folder = reader.run(workspace, table, timeout=TIMEOUT)
        if not done.error:
            changed += wrong_columns(folder, columns)
            continue
        for name, values in columns.items():
            done, folder = reader.run(workspace, f"only_{name}", timeout=TIMEOUT)
            if done.error:
                failed[name] = done.error
            else:
                changed += wrong_columns(folder, {name: values})
    total = sum(len(columns) for columns in expected.values())
    print(f"{reader.name:20} {total} columns, changed {changed}, failed {list(failed)}", flush=True)
    return {"columns": total, "changed": changed, "failed": failed}


def _split_columns(workspace: Workspace, expected: Mapping[str, Mapping[str, Expected]]) -> None:
    """Make a table of each column alone."""
    with workspace.admin() as connection:
        cursor = connection.cursor()
        cursor.execute("SET SESSION sql_mode = 'ALLOW_INVALID_DATES'")
        for table, columns in expected.items():
            for name in columns:
                cursor.execute(f"DROP TABLE IF EXISTS only_{name}")
                cursor.execute(f"CREATE TABLE only_{name} LIKE {table}")
                for other in set(columns) - {name}:
                    cursor.execute(f"ALTER TABLE only_{name} DROP COLUMN {other}")
                cursor.execute(f"INSERT INTO only_{name} SELECT id, {name} FROM {table}")
        connection.commit()


# -- what MySQL says ------------------------------------------------------------------------------


def read_expected(workspace: Workspace, table: str) -> dict[str, Expected]:
    """Read a table's values as MySQL's own text, by column and id."""
    with workspace.admin() as connection:
        cursor = connection.cursor()
        cursor.execute("SET SESSION time_zone = '+00:00'")
        cursor.execute(
            "SELECT column_name, column_type FROM information_schema.columns "
            "WHERE table_schema = %s AND table_name = %s AND column_name <> 'id'",
            (DATABASE, table),
        )
        found: dict[str, Expected] = {}
        for name, kind in cursor.fetchall():
            cursor.execute(f"SELECT id, {_as_text(name, kind)} FROM {table}")
            found[name] = dict(cursor.fetchall())
        return found


def _as_text(name: str, kind: str) -> str:
    if kind in {"float", "double"}:
        return f"CAST({name} * 1E0 AS CHAR)"  # a FLOAT prints six digits; times one it prints all
    if kind.startswith("bit"):
        return f"CAST({name} + 0 AS CHAR)"
    if "binary" in kind or "blob" in kind:
        return name
    return f"CAST({name} AS CHAR)"


# -- what the files say ---------------------------------------------------------------------------


def wrong_columns(folder: Path, columns: Mapping[str, Expected]) -> list[str]:
    """Tell which columns of a folder's parquet files differ from what MySQL says."""
    rows = [row for path in sorted(folder.rglob("*.parquet")) for row in _rows(path)]
    by_id = {int(row["id"]): row for row in rows if "id" in row}
    return [
        name
        for name, expected in columns.items()
        if set(by_id) != set(expected)
        or any(not _is_same(name, by_id[i].get(name), text) for i, text in expected.items())
    ]


def _rows(path: Path) -> Sequence[Mapping[str, Any]]:
    table = pq.read_table(path)
    if "id" not in table.column_names:  # a tool's own bookkeeping
        return []
    columns = [_plain(column) for column in table.columns]
    names = [name.lower() for name in table.column_names]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _plain(column: pa.ChunkedArray) -> list[Any]:
    """Values in Python; times of nanoseconds, which Python does not have, as microseconds.

    Some tools write bytes as text that is no UTF-8.
    """
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        values = column.cast(pa.large_binary()).to_pylist()
        return [v if v is None else v.decode(errors="surrogateescape") for v in values]
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us"), safe=False)
    if pa.types.is_time64(column.type):
        column = column.cast(pa.time64("us"), safe=False)
    return list(column.to_pylist())


def _is_same(name: str, value: Any, expected: str | bytes | None) -> bool:
    kind = name.removeprefix("c_").rstrip("0123456789")
    if expected is None or value is None:
        zero_date = kind in {"zero_date", "zero_datetime"} and value is None
        return zero_date or (expected is None and value is None)
    compare = _COMPARISONS.get(kind, _same_number)
    try:
        return compare(value, expected)
    except (ValueError, ArithmeticError, TypeError, struct.error):
        return False


def _same_number(value: Any, expected: Any) -> bool:
    text = value.decode() if isinstance(value, bytes) else str(value)
    return not isinstance(value, bool) and Decimal(text) == Decimal(expected)


def _same_bool_number(value: Any, expected: Any) -> bool:
    return int(value) == int(expected)


def _same_bits(value: Any, expected: Any) -> bool:
    if isinstance(value, bytes) and len(value) == 8:  # as MySQL sends it
        return int.from_bytes(value, "big") == int(expected)
    return _same_number(value, expected)


def _same_float(value: Any, expected: Any) -> bool:
    return struct.pack("<f", float(value)) == struct.pack("<f", float(expected))


def _same_double(value: Any, expected: Any) -> bool:
    return float(value) == float(expected)


def _same_text(value: Any, expected: Any) -> bool:
    return bool((value.decode() if isinstance(value, bytes) else value) == expected)


def _same_bytes(value: Any, expected: Any) -> bool:
    return bool(value == expected)


def _same_moment(value: Any, expected: Any) -> bool:
    return _moment(value) == _moment(expected)


def _moment(value: Any) -> str:
    if isinstance(value, datetime):
        value = value.replace(tzinfo=None).isoformat(" ")
    elif isinstance(value, date):
        value = value.isoformat()
    elif isinstance(value, bytes):
        value = value.decode()
    text = str(value).replace("T", " ").removesuffix("Z").removesuffix("+00:00")
    day, _, clock = text.partition(" ")
    seconds, _, fraction = (clock or "00:00:00").partition(".")
    return f"{day} {seconds}.{fraction:0<6}"[:26]


def _same_time(value: Any, expected: Any) -> bool:
    return _span(value) == _span(expected)


def _span(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, time):
        value = value.isoformat()
    text = value.decode() if isinstance(value, bytes) else str(value)
    sign = -1 if text.startswith("-") else 1
    hours, minutes, seconds = text.lstrip("-").split(":")
    whole, _, fraction = seconds.partition(".")
    micros = int(f"{fraction:0<6}")
    span = timedelta(
        hours=int(hours), minutes=int(minutes), seconds=int(whole), microseconds=micros
    )
    return sign * span


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "tinyint": _same_bool_number,
    "float": _same_float,
    "double": _same_double,
    "bit": _same_bits,
    "date": _same_moment,
    "datetime": _same_moment,
    "timestamp": _same_moment,
    "zero_date": _same_moment,
    "zero_datetime": _same_moment,
    "time": _same_time,
    "char": _same_text,
    "varchar": _same_text,
    "text": _same_text,
    "enum": _same_text,
    "set": _same_text,
    "json": _same_text,
    "blob": _same_bytes,
    "binary": _same_bytes,
}
