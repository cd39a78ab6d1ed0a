"""A cursor whose columns changed: another option, or another key of the table in MySQL.

A watermark is a position in the columns that it was made by. Read as a position in others, it
passes rows by or brings them twice.
"""

from __future__ import annotations

from collections.abc import Sequence

from mysql_s3_redshift.core.model import LoadMode
from mysql_s3_redshift.core.plan import ResolvedTable
from mysql_s3_redshift.core.state import CURSOR_COLUMNS, ExtractState, MysqlState
from mysql_s3_redshift.errors import ConfigError


def follow_cursor(table: ResolvedTable, state: ExtractState) -> ExtractState:
    """The state with a watermark from which the present cursor goes on exactly.

    Where other columns break the ties, an upsert reads the newest ones again. A whole table is read
    again in any case.

    Raises:
        ConfigError: There is no such watermark.
    """
    stored, mysql = state.metadata.get(CURSOR_COLUMNS), state.mysql_state
    if not isinstance(stored, list) or mysql.status == "pending":
        return state
    before = [str(name).lower() for name in stored]
    now = [name.lower() for name in table.cursor.columns]
    gone = [name for name in _phase_columns(state) if table.table.column(name) is None]
    if before == now and not gone:
        return state
    if table.reads_whole_table:
        moved = mysql.with_(last_timestamp=None, last_id=None, last_ties=[])
        return state.with_(mysql_state=moved)
    if gone or before[:1] != now[:1] or len(now) == 1 or not _may_repeat(table, mysql, before):
        raise ConfigError(
            f"{table.plan.display_name}: the cursor is now ({', '.join(now)}), and the stored "
            f"position is one in ({', '.join(gone or before)}).",
            kept="The state and all files are unchanged.",
            remedy="Set the cursor's columns, or primary_key, to what they were; or start anew "
            "with `watermark reset` (--truncate-target where the table appends).",
        )
    last_id = mysql.last_id if table.cursor.timestamp is None else None
    return state.with_(mysql_state=mysql.with_(last_id=last_id, last_ties=[]))


def _may_repeat(table: ResolvedTable, mysql: MysqlState, before: Sequence[str]) -> bool:
    """Whether rows with the watermark's first value may be read: again, or because none was yet."""
    if table.load_mode is LoadMode.UPSERT:
        return True
    known = (mysql.last_timestamp, mysql.last_id) if table.cursor.timestamp else (mysql.last_id,)
    values = [value for value in (*known, *mysql.last_ties) if value is not None]
    return known[0] is None or len(values) == 1 < len(before)


def _phase_columns(state: ExtractState) -> tuple[str, ...]:
    """The key by which the first extraction is read, where it is under way."""
    phase = state.mysql_state.snapshot
    if phase is None or phase.set_id is not None:
        return ()
    return phase.slices.columns if phase.slices is not None else tuple(phase.position)
