"""What a run would do: the core itself, on ports that read everything and write nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

import pyarrow as pa

from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.adapters.mysql.preview import CountedQuery, CountingSource
from mysql_s3_redshift.adapters.pair import DescribedTable
from mysql_s3_redshift.adapters.redshift.preview import load_statements
from mysql_s3_redshift.adapters.s3.storage import TableStorage
from mysql_s3_redshift.core.ceiling import Ceiling
from mysql_s3_redshift.core.estimate import Estimate, estimate_extraction, estimate_load
from mysql_s3_redshift.core.extract import extract
from mysql_s3_redshift.core.extraction import ExtractRequest
from mysql_s3_redshift.core.histories import appends_anew
from mysql_s3_redshift.core.load import load_target
from mysql_s3_redshift.core.model import LoadMode, TablePlan
from mysql_s3_redshift.core.pending import Group, select_files
from mysql_s3_redshift.core.ports import ExtractPorts, WrittenFile
from mysql_s3_redshift.core.schema import TableSchema
from mysql_s3_redshift.core.state import DataFile, ExtractState, LoadState, utc_now

StateT = TypeVar("StateT", ExtractState, LoadState)


@dataclass(frozen=True, slots=True)
class ExtractPreview:
    """What the first half would do.

    Attributes:
        queries: Its first query of each phase, and the rows between that query's bounds.
        chunk_rows: Rows of one file.
        estimate: What it will take.
    """

    queries: tuple[CountedQuery, ...]
    ceiling: Ceiling | None
    chunk_rows: int
    note: str
    estimate: Estimate

    @property
    def rows(self) -> int:
        """Rows that would be extracted."""
        return sum(query.rows for query in self.queries)

    @property
    def is_counted(self) -> bool:
        """Whether the rows were counted; else they are those of MySQL's statistics."""
        return not any(query.estimated for query in self.queries)

    @property
    def files(self) -> int:
        """Files that would be written; fewer rows share one where the key is not unique."""
        return sum(-(-query.rows // self.chunk_rows) for query in self.queries)


@dataclass(frozen=True, slots=True)
class LoadPreview:
    """What the second half would do with the files that are there now.

    Attributes:
        pending: All files that wait.
        files: Those that the run would take.
        statements: The SQL of its first load.
        estimate: What it will take, for the files that the extraction would add as well.
    """

    pending: tuple[DataFile, ...]
    files: tuple[DataFile, ...]
    statements: tuple[str, ...]
    note: str
    estimate: Estimate


def preview_extract(
    described: DescribedTable, request: ExtractRequest, connections: Connections
) -> ExtractPreview:
    """Fix the bounds, count the rows and show the SQL; changes nothing.

    Raises:
        ReplicationError: Whatever the run itself would raise before its first read.
    """
    plan = described.resolved.plan
    limits, storage = request.limits, connections.storage(plan)
    source = CountingSource(connections.source(plan.source), limits.max_rows(plan.chunk_rows))
    state = storage.extract_states().read()
    ports = ExtractPorts(
        source=source,
        storage=_NoStorage(storage),
        states=_Unwritten(state),
        loads=_Unwritten(storage.load_states().read()),
        progress=lambda _event, _facts: None,
    )
    report = extract(described.resolved, described.schema, request, ports)
    chunk_rows = limits.chunk_rows(plan.chunk_rows)
    note = "" if source.counted and any(q.rows for q in source.counted) else report.note
    rows = sum(query.rows for query in source.counted)
    files = state.files if state else ()
    return ExtractPreview(
        queries=tuple(source.counted),
        ceiling=report.ceiling,
        chunk_rows=chunk_rows,
        note=note or "nothing new",
        estimate=estimate_extraction(rows, files, described.resolved.table),
    )


def preview_load(
    plan: TablePlan,
    connections: Connections,
    *,
    max_files: int | None,
    described: DescribedTable | None,
    bytes_to_come: int = 0,
) -> LoadPreview:
    """Tell which files a load would take and the SQL of its transaction; changes nothing.

    Args:
        plan: The table.
        connections: The systems.
        max_files: Files that the run may load.
        described: The table as MySQL has it, for the SQL where nothing is on S3 yet.
        bytes_to_come: What the extraction before it would write.
    """
    storage = connections.storage(plan)
    extract_state, load_state = storage.extract_states().read(), storage.load_states().read()
    state = extract_state or ExtractState.first(plan, str(plan.strategy or ""))
    groups, note = _groups(plan, state, load_state or LoadState.first(plan), max_files, described)
    taken = tuple(file for group in groups for file in group.files)
    schema = storage.get_schema(groups[0].schema_id) if groups else None
    if schema is None and described is not None:
        schema = described.schema
    first = groups[0].files if groups else ()
    loads = (load_state or LoadState.first(plan)).begin(state.generation)
    statements = (
        _statements(plan, (state, loads), schema, first, connections, described) if schema else []
    )
    size = sum(f.bytes for f in taken) + (bytes_to_come if max_files is None else 0)
    last = _last_load_bytes(storage, load_state)
    estimate = estimate_load(size, last, load_state)
    return LoadPreview(state.pending(load_state), taken, tuple(statements), note, estimate)


def _last_load_bytes(storage: TableStorage, load: LoadState | None) -> int | None:
    """Bytes of the last load, by its manifest; None where there is none."""
    load_id = load.redshift_state.last_load_id if load else None
    found = storage.get_manifest(load_id) if load_id else None
    entries = found.get("entries") if found else None
    if not isinstance(entries, list):
        return None
    return sum(int(entry["meta"]["content_length"]) for entry in entries)


def _groups(
    plan: TablePlan,
    state: ExtractState,
    loads: LoadState,
    max_files: int | None,
    described: DescribedTable | None,
) -> tuple[list[Group], str]:
    mode = plan.load_mode or state.metadata.get("load_mode")
    if mode is None and described is not None:
        mode = described.resolved.load_mode
    groups: list[Group] = []
    while state.files:
        taken = sum(len(group.files) for group in groups)
        budget = None if max_files is None else max_files - taken
        selection = select_files(state, loads, LoadMode(str(mode)), max_files=budget)
        if selection.group is None:
            return groups, selection.note
        group = selection.group
        groups.append(group)
        known = [file.seq for file in state.files]
        loads = loads.mark(group.files, known=known, superseded=[f.seq for f in group.superseded])
    return groups, ""


def _statements(
    plan: TablePlan,
    states: tuple[ExtractState, LoadState],
    schema: TableSchema,
    files: Sequence[DataFile],
    connections: Connections,
    described: DescribedTable | None,
) -> list[str]:
    state, loads = states
    if described is not None:
        resolved = described.resolved
        facts = {
            "load_mode": str(resolved.load_mode),
            "key": list(resolved.key),
            "version_column": resolved.cursor.timestamp,
        }
        state = state.with_(metadata={**state.metadata, **facts})
    storage, config = connections.storage(plan), connections.config
    table = load_target(plan, state)
    return load_statements(
        connections.target(plan).connection,
        (config.target(plan.target), config.storage(plan.storage)),
        table,
        schema,
        files or [_file_to_come(state, schema)],
        f"{storage.manifests_uri}{{load_id}}.manifest.json",
        appends_anew=appends_anew(table.load_mode, state, loads),
    )


def _file_to_come(state: ExtractState, schema: TableSchema) -> DataFile:
    """A file as the extraction would write it."""
    return DataFile(
        seq=state.next_seq,
        uri="{file}",
        rows=1,
        bytes=0,
        schema_id=schema.fingerprint,
        kind="snapshot" if state.mysql_state.phase == "snapshot" else "incremental",
        run_id="{run}",
        written_at=utc_now(),
    )


class _Unwritten(Generic[StateT]):
    """A document that can be read; what is written is forgotten."""

    def __init__(self, state: StateT | None) -> None:
        self._state: StateT | None = state

    def read(self) -> StateT | None:
        return self._state

    def write(self, state: StateT) -> None:
        self._state = state


class _NoStorage:
    """A storage on which nothing appears."""

    def __init__(self, storage: TableStorage) -> None:
        self._storage = storage

    def open_file(self, run_id: str, seq: int, *, schema: pa.Schema, day: datetime) -> _NoFile:
        del run_id, seq, schema, day
        return _NoFile()

    def delete_files(self, uris: Sequence[str]) -> None:
        del uris

    def etags(self, uris: Sequence[str]) -> Mapping[str, str | None]:
        return self._storage.etags(uris)

    def put_schema(self, schema: TableSchema) -> None:
        del schema

    def get_schema(self, fingerprint: str) -> TableSchema:
        return self._storage.get_schema(fingerprint)

    def put_manifest(self, load_id: str, manifest: Mapping[str, object]) -> str:
        del manifest
        return load_id


class _NoFile:
    """A file that is never made."""

    def write(self, batch: pa.RecordBatch) -> None:
        del batch

    def finish(self) -> WrittenFile:
        return WrittenFile("", 0, 0)

    def abort(self) -> None:
        return
