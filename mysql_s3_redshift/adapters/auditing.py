"""What an audit asks the systems about one table, beyond what counting and comparing ask."""

from __future__ import annotations

from dataclasses import dataclass

from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.adapters.mysql import queries
from mysql_s3_redshift.adapters.operations import Operation
from mysql_s3_redshift.adapters.pair import describe
from mysql_s3_redshift.core import s3_names
from mysql_s3_redshift.core.cursors import EPOCH, ChunkQuery
from mysql_s3_redshift.core.model import TablePlan, TimestampUnit
from mysql_s3_redshift.core.plan import ResolvedTable
from mysql_s3_redshift.core.state import ExtractState
from mysql_s3_redshift.core.stored_files import FoundFile, StoredFiles, compare_files


@dataclass(frozen=True, slots=True)
class NullCursors:
    """Rows that no increment can ever find.

    Attributes:
        column: The cursor's first column; empty for a table that is read whole.
        rows: Rows where it is NULL or a zero date.
    """

    column: str
    rows: int


def count_null_cursors(connections: Connections, plan: TablePlan) -> NullCursors:
    """Count the rows whose cursor is NULL or a zero date; asks only where there can be any."""
    resolved = describe(plan, connections).resolved
    cursor = resolved.cursor
    if not cursor.is_incremental or resolved.reads_whole_table:
        return NullCursors("", 0)
    column, is_clock = cursor.first_column, _is_clock(resolved)
    found = resolved.table.column(column)
    if found is not None and not found.nullable and not is_clock:
        return NullCursors(column, 0)
    bound = EPOCH if is_clock else None
    query = ChunkQuery(order_by=(), nulls="only", bound_column=column, below=bound)
    counted = connections.source(plan.source).scalar(queries.count(resolved, query))
    return NullCursors(column, counted if isinstance(counted, int) else 0)


def _is_clock(resolved: ResolvedTable) -> bool:
    """Whether the cursor's first column may hold zero dates, which are not NULL."""
    cursor = resolved.cursor
    return cursor.timestamp is not None and cursor.unit is TimestampUnit.DATETIME


def find_files(operation: Operation, extract: ExtractState) -> StoredFiles:
    """Compare the files that the state names with those on S3, in one listing."""
    bucket = operation.states.bucket
    folder = s3_names.data_prefix(bucket.prefix, operation.plan)
    listed = {found.key: found for found in bucket.list(folder)}
    for file in extract.files:
        key = bucket.key(file.uri)
        if not key.startswith(folder):  # adopted files lie where the tool before put them
            listed |= {found.key: found for found in bucket.list(key) if found.key == key}
    found = {bucket.uri(key): FoundFile(o.bytes, o.etag) for key, o in listed.items()}
    return compare_files(extract, operation.states.load.read(), found)
