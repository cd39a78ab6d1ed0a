"""What the next extraction will ask MySQL, for people; made of the plan and the state alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from mysql_s3_redshift.core.cursors import Cursor, Position
from mysql_s3_redshift.core.model import CdcStrategy, LoadMode, TablePlan, Value
from mysql_s3_redshift.core.names import quote_mysql
from mysql_s3_redshift.core.state import CURSOR_COLUMNS, ExtractState, decode_value
from mysql_s3_redshift.core.watermark import watermark_of


@dataclass(frozen=True, slots=True)
class NextQuery:
    """The lower bound of the next query.

    Attributes:
        where: The condition in SQL, values written out for reading; empty for all rows.
        order_by: Columns in whose order it reads; empty where only MySQL can tell.
        note: What the condition does not say.
    """

    where: str
    order_by: tuple[str, ...]
    note: str


def next_query(plan: TablePlan, state: ExtractState | None) -> NextQuery:
    """Describe the next query of a table; its ceiling is fixed when it runs."""
    if state is None:
        if plan.start_from is not None:
            column = plan.timestamp_column or "the cursor timestamp"
            where = f"{_quoted(column, plan)} >= {_literal(plan.start_from)}"
            return NextQuery(where, (), "first run: from start_from on")
        return NextQuery("", (), "first run: the whole table")
    cursor = stored_cursor(plan, state)
    mode = str(plan.load_mode or state.metadata.get("load_mode", ""))
    if not cursor.is_incremental:
        return NextQuery("", (), "the whole table, whenever its content changed")
    position = watermark_of(state.mysql_state, cursor)
    bound = f"{quote_mysql(cursor.columns[0])} up to the ceiling"
    if state.mysql_state.phase == "snapshot" and not plan.start_from:
        return _in_snapshot(state, bound)
    if mode == LoadMode.REPLACE:
        return NextQuery("", cursor.columns, "the whole table, if a row is beyond the watermark")
    where = after_position(cursor.columns, position)
    return NextQuery(where, cursor.columns, bound if position else f"from the start; {bound}")


def stored_cursor(plan: TablePlan, state: ExtractState) -> Cursor:
    """The keyset as the last run resolved it, as far as file and state tell."""
    strategy = CdcStrategy(state.cdc_strategy)
    stored = state.metadata.get(CURSOR_COLUMNS)
    version = state.metadata.get("version_column")
    timestamp = plan.timestamp_column or (str(version) if version is not None else None)
    if strategy in {CdcStrategy.ID_ONLY, CdcStrategy.FULL_SYNC}:
        timestamp = None
    if isinstance(stored, list):
        columns = tuple(str(c) for c in stored)
    elif strategy is CdcStrategy.FULL_SYNC:
        columns = ()
    else:
        columns = tuple(c for c in (timestamp, plan.id_column) if c)
    return Cursor(strategy, columns, timestamp=timestamp, unit=plan.timestamp_unit)


def after_position(columns: Sequence[str], position: Position) -> str:
    """`a > x OR (a = x AND b > y)` with the values written out; empty without a position.

    A position shorter than the keyset is inclusive, as in the query itself.
    """
    condition = ""
    inclusive = len(position) < len(columns)
    for name, value in reversed(list(zip(columns, position, strict=False))):
        column, text = quote_mysql(name), _literal(value)
        if not condition:
            condition = f"{column} {'>=' if inclusive else '>'} {text}"
        else:
            condition = f"({column} > {text} OR ({column} = {text} AND {condition}))"
    return condition


def _in_snapshot(state: ExtractState, bound: str) -> NextQuery:
    phase = state.mysql_state.snapshot
    if phase and phase.slices:
        note = f"first extraction, {phase.text()} are on S3; {bound}"
        return NextQuery("", phase.slices.columns, note)
    position = phase.position if phase else {}
    columns = tuple(position)
    values = tuple(decode_value(v) for v in position.values())
    note = f"first extraction, by key; {bound}"
    return NextQuery(after_position(columns, values), columns, note)


def watermark_text(state: ExtractState, plan: TablePlan) -> str:
    """The watermark on one line; empty where there is none."""
    position = watermark_of(state.mysql_state, stored_cursor(plan, state))
    shown: list[str] = []
    for value in position:
        moment = state.mysql_state.last_timestamp if not shown else None
        shown.append(moment if moment is not None else str(value))
    return ", ".join(shown)


def _quoted(column: str, plan: TablePlan) -> str:
    return quote_mysql(column) if plan.timestamp_column else column


def _literal(value: Value) -> str:
    match value:
        case None:
            return "NULL"
        case bytes():
            return f"0x{value.hex()}"
        case str():
            return "'" + value.replace("'", "''") + "'"
        case datetime():
            return f"'{value.isoformat(sep=' ')}'"
        case date():
            return f"'{value.isoformat()}'"
    return str(value)
