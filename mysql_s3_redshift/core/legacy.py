"""State documents and data files of the tool that this program replaces.

    watermarks/v2/{clean}_{target}.json, watermarks/v2/{clean}.json       v2: nested
    watermark/tables/{clean}.json, watermarks/{schema.table}.json         v1: flat
    …/{clean}_{YYYYMMDD_HHMMSS}_batch_{…}.parquet                         data

`clean` is the table's name with `:` and `.` turned into `_`, in documents also in lower case.
Names are `schema.table` or `CONNECTION:schema.table`. Its counts are known to be wrong in both
directions, so they are kept as history and never counted with.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mysql_s3_redshift.core.counts import IMPORTED
from mysql_s3_redshift.core.cursors import Cursor
from mysql_s3_redshift.core.model import CdcStrategy, TablePlan
from mysql_s3_redshift.core.operate import set_watermark
from mysql_s3_redshift.core.state import PROCESSED_FILES_KEPT, ExtractState, LoadState
from mysql_s3_redshift.errors import StateUnreadableError

FROM_THE_START = datetime(1970, 1, 1)  # noqa: DTZ001  data timestamps carry no zone

_FILE = re.compile(
    r"(?P<clean>.+)_(?P<when>\d{8}_\d{6})_batch_(?:chunk_\d+_batch_\d+|\d+)\.parquet"
)
_COUNTS = (
    "mysql_rows_extracted", "redshift_rows_loaded", "s3_file_count", "mysql_status",
    "redshift_status", "mysql_state", "redshift_state",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LegacyState:
    """One document of the old tool.

    Attributes:
        timestamp: Data time as it stands there, without zone; None means from the start.
        processed: Its blacklist.
        history: Its counts, kept as they are.
    """

    version: str
    table_name: str
    strategy: str | None
    timestamp: datetime | None
    identity: int | str | None
    processed: tuple[str, ...]
    history: Mapping[str, Any]


def clean_names(plan: TablePlan) -> tuple[str, ...]:
    """The names that a table may have in keys, letter case kept: scoped first."""
    names = (plan.scoped_name, plan.qualified_name)
    return tuple(re.sub(r"[:.]", "_", name) for name in names)


def document_keys(prefix: str, plan: TablePlan) -> tuple[str, ...]:
    """Where a document of a table may lie, the newest kind first."""
    root = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
    cleans = [name.lower() for name in clean_names(plan)]
    return (
        *(f"{root}watermarks/v2/{clean}_{plan.target.lower()}.json" for clean in cleans),
        *(f"{root}watermarks/v2/{clean}.json" for clean in cleans),
        *(f"{root}watermark/tables/{clean}.json" for clean in cleans),
        *(f"{root}watermarks/{name}.json" for name in (plan.scoped_name, plan.qualified_name)),
    )


def parse_document(body: bytes, uri: str) -> LegacyState:
    """Read a document of either version; any field may be absent.

    Raises:
        StateUnreadableError: It is not such a document.
    """
    try:
        document = dict(json.loads(body))
        return _parse_v2(document) if "mysql_state" in document else _parse_v1(document)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise StateUnreadableError(
            f"{uri} cannot be imported: {error}.",
            kept="It was left as it is; nothing was changed.",
            remedy="Repair the document, or use `watermark set` instead.",
        ) from error


def belongs_to(state: LegacyState, plan: TablePlan) -> bool:
    """Whether a document names this table: two names can have one clean form."""
    return state.table_name.lower() in {plan.scoped_name.lower(), plan.qualified_name.lower()}


def is_data_file(name: str, plan: TablePlan) -> bool:
    """Whether a file's name is one of this table, read as a whole: `orders` is no `orders_old`."""
    found = _FILE.fullmatch(name)
    return found is not None and found["clean"] in clean_names(plan)


def file_time(name: str) -> datetime | None:
    """The time in a file's name: local time of the old tool's machine, the start of the run."""
    found = _FILE.fullmatch(name)
    return datetime.strptime(found["when"], "%Y%m%d_%H%M%S") if found else None  # noqa: DTZ007


def imported_states(
    plan: TablePlan, cursor: Cursor, legacy: LegacyState, uri: str
) -> tuple[ExtractState, LoadState]:
    """The two documents that go on where the old tool stopped.

    Files on its blacklist count as loaded: they are never registered here, so never loaded.
    """
    note = {
        "version": legacy.version,
        "uri": uri,
        "processed_files": len(legacy.processed),
        "counts": dict(legacy.history),
    }
    extract = ExtractState.first(plan, str(cursor.strategy))
    has_watermark = legacy.timestamp is not None or legacy.identity is not None
    if has_watermark and cursor.strategy is not CdcStrategy.FULL_SYNC:
        timestamp = legacy.timestamp if cursor.timestamp is not None else None
        # An id that the keyset has no column for would say nothing.
        identity = legacy.identity if timestamp is None or len(cursor.columns) > 1 else None
        if timestamp is not None or cursor.timestamp is None:
            extract = set_watermark(extract, cursor, timestamp=timestamp, identity=identity)
    load = LoadState.first(plan)
    return (
        extract.with_(metadata={**extract.metadata, IMPORTED: note}),
        load.with_(
            processed_files=legacy.processed[-PROCESSED_FILES_KEPT:],
            metadata={**load.metadata, IMPORTED: note},
        ),
    )


def _parse_v1(document: Mapping[str, Any]) -> LegacyState:
    return LegacyState(
        version="1",
        table_name=str(document["table_name"]),
        strategy=document.get("cdc_strategy"),
        timestamp=_moment(document.get("last_mysql_data_timestamp")),
        identity=_identity(document.get("last_processed_id")),
        processed=_names(document.get("processed_s3_files")),
        history=_history(document),
    )


def _parse_v2(document: Mapping[str, Any]) -> LegacyState:
    mysql = document["mysql_state"] or {}
    return LegacyState(
        version=str(document.get("version", "2.0")),
        table_name=str(document["table_name"]),
        strategy=document.get("cdc_strategy"),
        timestamp=_moment(mysql.get("last_timestamp")),
        identity=_identity(mysql.get("last_id")),
        processed=_names(document.get("processed_files")),
        history=_history(document),
    )


def _moment(text: object) -> datetime | None:
    """A data timestamp as it stands: its `Z` is decoration, the column has no zone."""
    if text is None or text == "":
        return None
    moment = datetime.fromisoformat(str(text)).replace(tzinfo=None)
    return None if moment == FROM_THE_START else moment


def _identity(value: object) -> int | str | None:
    if value in (None, "", 0):
        return None
    if isinstance(value, int | str) and not isinstance(value, bool):
        return value
    message = f"{value!r} is not an id"
    raise ValueError(message)


def _names(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return tuple(value)
    raise ValueError("its list of processed files is not one")


def _history(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: document[key] for key in _COUNTS if key in document}
