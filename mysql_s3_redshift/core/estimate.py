"""How long a run will take and how much it will write, from what earlier runs did.

The two documents are enough: files tell when they were written, the load state when its last load
began and ended. Where a table has no such past, typical figures are taken, and named as such.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import groupby

from mysql_s3_redshift.core.schema import SourceTable
from mysql_s3_redshift.core.state import DataFile, LoadState

TYPICAL_EXTRACTED_BYTES = 40_000_000
"""Bytes of rows that a second of extraction reads, as MySQL counts them (benchmarks/README.md)."""
TYPICAL_LOADED_BYTES = 15_000_000
"""Bytes of parquet that a second of loading takes."""
TYPICAL_PACKING = 0.35
"""Bytes of parquet for one byte of MySQL's rows."""
TYPICAL_ROW_BYTES = 200
STEP_SECONDS = 1.0
"""What every step takes before its first row: connecting, describing, proving the bound."""
LOAD_ID_MOMENT = "%Y%m%d_%H%M%S_%f"


class Basis(StrEnum):
    """What an estimate rests on."""

    PAST_RUNS = "past runs"
    TYPICAL = "typical figures"


@dataclass(frozen=True, slots=True)
class Estimate:
    """What one stage of a run will take.

    Attributes:
        bytes: Bytes of parquet.
    """

    bytes: int
    seconds: float
    basis: Basis


def estimate_extraction(
    rows: int, files: Sequence[DataFile], source: SourceTable | None
) -> Estimate:
    """Estimate an extraction of so many rows.

    Args:
        rows: Rows to extract.
        files: Files of the table that the state lists.
        source: The table in MySQL, for one without files.
    """
    size = _row_bytes(files, source)
    rate = _rows_per_second(files)
    if rate is None:
        seconds = rows * (size / TYPICAL_PACKING) / TYPICAL_EXTRACTED_BYTES
        return Estimate(round(rows * size), _seconds(rows, seconds), Basis.TYPICAL)
    return Estimate(round(rows * size), _seconds(rows, rows / rate), Basis.PAST_RUNS)


def estimate_load(size: int, last_bytes: int | None, load: LoadState | None) -> Estimate:
    """Estimate loads of so many bytes.

    Args:
        size: Bytes of parquet to load.
        last_bytes: Bytes of the last load, by its manifest.
        load: The load state, for when that load began and ended.
    """
    took = _last_load_seconds(load)
    if took is None or not last_bytes:
        return Estimate(size, _seconds(size, size / TYPICAL_LOADED_BYTES), Basis.TYPICAL)
    # The time of a small load is that of its statements, not of its bytes.
    seconds = took * max(size / last_bytes, 1.0)
    return Estimate(size, seconds if size else 0.0, Basis.PAST_RUNS)


def _seconds(amount: int, seconds: float) -> float:
    return STEP_SECONDS + seconds if amount else STEP_SECONDS


def _row_bytes(files: Sequence[DataFile], source: SourceTable | None) -> float:
    """Bytes of parquet for a row."""
    rows = sum(f.rows for f in files)
    if rows:
        return sum(f.bytes for f in files) / rows
    if source is not None and source.row_estimate and source.data_bytes:
        return TYPICAL_PACKING * source.data_bytes / source.row_estimate
    return TYPICAL_PACKING * TYPICAL_ROW_BYTES


def _rows_per_second(files: Sequence[DataFile]) -> float | None:
    """Of the runs that wrote several files: rows of all but the first, by the time from it on.

    The first file's time tells when the run began to be fast: connecting and the bound lie before.
    """
    rows, seconds = 0, 0.0
    ordered = sorted(files, key=lambda f: f.seq)
    for _, run in groupby(ordered, key=lambda f: (f.run_id, f.set_id)):
        written = list(run)
        if len(written) > 1:
            rows += sum(f.rows for f in written[1:])
            first, last = (_moment(f.written_at) for f in (written[0], written[-1]))
            seconds += (last - first).total_seconds()
    return rows / seconds if rows and seconds > 0 else None


def _last_load_seconds(load: LoadState | None) -> float | None:
    """How long the last load took; its id begins with when it began."""
    state = load.redshift_state if load else None
    if state is None or not state.last_load_id or not state.last_load_time:
        return None
    try:
        text = "_".join(state.last_load_id.split("_")[:3])
        began = datetime.strptime(text, LOAD_ID_MOMENT).replace(tzinfo=UTC)
    except ValueError:
        return None  # of a document that another program wrote
    seconds = (_moment(state.last_load_time) - began).total_seconds()
    return seconds if seconds > 0 else None


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
