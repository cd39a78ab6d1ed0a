"""Which tables need a run: those with rows beyond their stored watermark, or with files to load.

The stored documents are the truth; nothing that a tick remembers can lose a row. For hundreds of
tables a tick reads their documents in parallel and asks each source in a handful of queries.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby

from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.adapters.mysql.discovery import describe_tables
from mysql_s3_redshift.adapters.mysql.polling import Question, have_rows, limit_statements
from mysql_s3_redshift.core.cursors import ChunkQuery
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.core.plan import ResolvedTable, resolve
from mysql_s3_redshift.core.schema import SourceTable
from mysql_s3_redshift.core.state import ExtractState
from mysql_s3_redshift.core.watermark import watermark_of
from mysql_s3_redshift.errors import ConfigError, StateUnreadableError

READERS = 16
RESOLVED_FOR_SECONDS = 600.0
"""How long a tick may rely on a table's columns and indexes as they were; runs always ask."""

_resolved: dict[tuple[str, str], tuple[float, ResolvedTable | None]] = {}


@dataclass(frozen=True, slots=True)
class Finding:
    """What a tick found about one table.

    Attributes:
        reason: Why it needs a run; empty where it does not.
        told: False where nothing but reading the table can tell whether it changed.
    """

    plan: TablePlan
    reason: str
    told: bool = True


def find_work(connections: Connections, plans: Sequence[TablePlan]) -> Iterator[Finding]:
    """Find out what each table needs.

    Raises:
        SourceConnectionError: A source cannot be reached.
        SourceError, StorageError: A question was refused.
    """
    with ThreadPoolExecutor(READERS, thread_name_prefix="read-state") as pool:
        stored = list(pool.map(lambda plan: _backlog(connections, plan), plans))
    open_plans: list[tuple[TablePlan, ExtractState]] = []
    for plan, (reason, state) in zip(plans, stored, strict=True):
        if reason or state is None:
            yield Finding(plan, reason)
        else:
            open_plans.append((plan, state))
    open_plans.sort(key=lambda pair: pair[0].source)
    for source, group in groupby(open_plans, key=lambda pair: pair[0].source):
        yield from _poll(connections, source, list(group))


def _backlog(connections: Connections, plan: TablePlan) -> tuple[str, ExtractState | None]:
    """Read both documents of a table; what they alone tell needs no query."""
    storage = connections.storage(plan)
    try:
        state = storage.extract_states().read()
        if state is None:
            return "first run", None
        if state.mysql_state.phase == "snapshot":
            return "the first extraction is not complete", state
        pending = len(state.pending(storage.load_states().read()))
    except StateUnreadableError:
        return "its state cannot be read; the run shows why", None
    return (f"{pending} files to load" if pending else ""), state


def _poll(
    connections: Connections, source: str, tables: Sequence[tuple[TablePlan, ExtractState]]
) -> Iterator[Finding]:
    connection = connections.source(source).connection
    limit_statements(connection)
    resolved = _resolve_all(connections, source, [plan for plan, _ in tables])
    asked: list[tuple[TablePlan, Question]] = []
    for plan, state in tables:
        table = resolved[plan.display_name]
        if table is None or not table.cursor.is_incremental or not table.cursor_indexed:
            yield Finding(plan, "", told=False)
            continue
        position = watermark_of(state.mysql_state, table.cursor)
        asked.append((plan, (table, ChunkQuery(table.cursor.columns, after=position))))
    answers = have_rows(connection, [question for _, question in asked])
    for (plan, _), found in zip(asked, answers, strict=True):
        yield Finding(plan, "rows beyond the watermark" if found else "")


def _resolve_all(
    connections: Connections, source: str, plans: Iterable[TablePlan]
) -> dict[str, ResolvedTable | None]:
    """Complete the plans from columns and indexes, two or three queries for each schema.

    None stands for a query (which cannot be polled cheaply) and for a table that does not fit its
    options, whose run will say so.
    """
    path, now = str(connections.config.path), time.monotonic()
    known: dict[str, ResolvedTable | None] = {}
    missing: dict[str, list[TablePlan]] = {}
    for plan in plans:
        read_at, table = _resolved.get((path, plan.display_name), (float("-inf"), None))
        if plan.query is not None:
            known[plan.display_name] = None
        elif now - read_at < RESOLVED_FOR_SECONDS and (table is None or table.plan == plan):
            known[plan.display_name] = table
        else:
            missing.setdefault(plan.schema, []).append(plan)
    for schema, wanted in missing.items():
        raw = connections.source(source).connection.raw
        tables = {t.name: t for t in describe_tables(raw, schema, [p.table for p in wanted])}
        for plan in wanted:
            table = _try_resolve(plan, tables)
            known[plan.display_name] = table
            _resolved[path, plan.display_name] = (now, table)
    return known


def _try_resolve(plan: TablePlan, tables: Mapping[str, SourceTable]) -> ResolvedTable | None:
    table = tables.get(plan.table)
    try:
        return resolve(plan, table) if table is not None else None
    except ConfigError:
        return None
