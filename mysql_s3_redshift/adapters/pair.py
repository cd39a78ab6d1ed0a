"""The two halves of a table, wired to the real systems."""

from __future__ import annotations

from dataclasses import dataclass

from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.core import slice_worker
from mysql_s3_redshift.core.drift import Change, compare
from mysql_s3_redshift.core.extract import extract
from mysql_s3_redshift.core.extraction import ExtractReport, ExtractRequest
from mysql_s3_redshift.core.load import LoadReport, LoadRequest, load
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.core.plan import ResolvedTable, resolve
from mysql_s3_redshift.core.ports import ExtractPorts, Progress
from mysql_s3_redshift.core.schema import TableSchema
from mysql_s3_redshift.core.slice_worker import SliceReport, SliceWork
from mysql_s3_redshift.core.state import ExtractState
from mysql_s3_redshift.core.types import map_table


@dataclass(frozen=True, slots=True)
class DescribedTable:
    """A table as MySQL has it now, and the schema that its next files get.

    Attributes:
        changes: What differs from the schema of the last files.
    """

    resolved: ResolvedTable
    schema: TableSchema
    changes: tuple[Change, ...] = ()


def describe(plan: TablePlan, connections: Connections) -> DescribedTable:
    """Ask MySQL for the table and complete the plan.

    Raises:
        ConfigError: The table does not exist, or does not fit its options.
    """
    table = connections.source(plan.source).describe(plan)
    resolved = resolve(plan, table)
    schema = map_table(table, plan.columns, primary_key=plan.primary_key)
    storage = connections.storage(plan)
    state = storage.extract_states().read()
    stored = state.metadata.get("stored_schema") if state else None
    if not stored or stored == schema.fingerprint:
        return DescribedTable(resolved, schema)
    before = storage.get_schema(str(stored))
    schema = map_table(table, plan.columns, primary_key=plan.primary_key, previous=before)
    return DescribedTable(resolved, schema, compare(before, schema))


def extract_table(
    described: DescribedTable, request: ExtractRequest, connections: Connections, progress: Progress
) -> ExtractReport:
    """Run the S3 asset of a table (see `core.extract`)."""
    ports = _ports(described.resolved.plan, connections, progress)
    return extract(described.resolved, described.schema, request, ports)


def plan_slices(
    described: DescribedTable, request: ExtractRequest, connections: Connections, progress: Progress
) -> tuple[SliceWork, ...]:
    """Begin a run of the S3 asset and tell what workers may read (see `core.slice_worker`)."""
    ports = _ports(described.resolved.plan, connections, progress)
    return slice_worker.plan_slices(described.resolved, described.schema, request, ports)


def read_slice(
    described: DescribedTable,
    work: SliceWork,
    request: ExtractRequest,
    connections: Connections,
    progress: Progress,
) -> SliceReport:
    """Read one range of a planned run (see `core.slice_worker`)."""
    ports = _ports(described.resolved.plan, connections, progress)
    return slice_worker.read_slice(described.resolved, described.schema, work, request, ports)


def _ports(plan: TablePlan, connections: Connections, progress: Progress) -> ExtractPorts:
    storage = connections.storage(plan)
    return ExtractPorts(
        source=connections.source(plan.source),
        storage=storage,
        states=storage.extract_states(),
        loads=storage.load_states(),
        progress=progress,
    )


def load_table(
    plan: TablePlan,
    state: ExtractState,
    request: LoadRequest,
    connections: Connections,
    progress: Progress,
) -> LoadReport:
    """Run the Redshift asset of a table (see `core.load`); never connects to MySQL."""
    storage = connections.storage(plan)
    return load(
        plan,
        state,
        request,
        storage=storage,
        states=storage.load_states(),
        target=connections.target(plan),
        progress=progress,
        extracts=storage.extract_states(),
    )
