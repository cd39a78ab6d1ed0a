"""What an operator may change: each change is a function from one document to the next.

Numbers of files are never given twice, whatever is reset or restored, because the load state tells
loaded files by their number alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from pydantic import JsonValue

from mysql_s3_redshift.core.counts import ADOPTED_ROWS, WINDOWS
from mysql_s3_redshift.core.cursors import Cursor, format_timestamp
from mysql_s3_redshift.core.model import CdcStrategy, TablePlan, Value
from mysql_s3_redshift.core.state import (
    CURSOR_COLUMNS,
    DataFile,
    ExtractState,
    LoadState,
    MysqlState,
    RedshiftState,
    encode_value,
    utc_now,
)
from mysql_s3_redshift.errors import ConfigError

StateT = TypeVar("StateT", ExtractState, LoadState)

POSITION_FIELDS = (
    "phase", "last_timestamp", "last_id", "last_ties", "ceiling", "ceiling_method", "observed",
    "snapshot",
)  # fmt: skip
"""Fields of `MysqlState` that tell where the next query begins."""

NEWEST_GENERATION = "newest_generation"
"""The highest generation that a table ever had, where a restore went back behind it."""


@dataclass(frozen=True, slots=True)
class ManualChange:
    """Who changed a document by hand, when and why.

    Attributes:
        observed: Whether the change leaves its own observation in Dagster; else the next run does.
    """

    action: str
    who: str
    why: str
    observed: bool = False

    def stamp(self, state: StateT, **facts: Any) -> StateT:
        """The document with this change noted in its metadata."""
        note: dict[str, JsonValue] = {
            "action": self.action,
            "who": self.who,
            "why": self.why,
            "at": utc_now(),
            "observed": self.observed,
        }
        return state.with_(metadata={**state.metadata, "manual_change": note, **facts})


def nothing_to_reset(plan: TablePlan) -> ConfigError:
    """The refusal to reset a table that was never extracted."""
    return ConfigError(
        f"{plan.display_name}: there is no state, so there is nothing to reset.",
        kept="Nothing was changed.",
        remedy="The first `sync` takes the whole table, or from `start_from` on.",
    )


def set_watermark(
    state: ExtractState, cursor: Cursor, *, timestamp: datetime | None, identity: Value
) -> ExtractState:
    """Move the watermark; the half that is not given is the smallest value.

    Raises:
        ConfigError: The strategy has no such half.
    """
    strategy = cursor.strategy
    if strategy is CdcStrategy.FULL_SYNC:
        raise _refused(state, "full_sync reads the whole table, so it has no watermark")
    if timestamp is None and identity is None:
        raise _refused(state, "neither a timestamp nor an id is given")
    if timestamp is not None and strategy is CdcStrategy.ID_ONLY:
        raise _refused(state, "id_only has no timestamp; give --id")
    if identity is not None and strategy is not CdcStrategy.ID_ONLY and len(cursor.columns) == 1:
        raise _refused(state, f"{strategy} has no id here; give --timestamp")
    moved = state.mysql_state.with_(
        phase="incremental",
        snapshot=None,
        reload=None,
        last_timestamp=None if timestamp is None else format_timestamp(timestamp),
        last_id=encode_value(identity),
        last_ties=[],
        status="success",
        error=None,
    )
    return state.with_(mysql_state=moved)


def _refused(state: ExtractState, why: str) -> ConfigError:
    return ConfigError(
        f"{state.table_name}: {why}.",
        kept="Nothing was changed.",
        remedy="See `watermark get` for the table's strategy.",
    )


def reset_extract(state: ExtractState) -> ExtractState:
    """A new generation: the next run reads from the start. Files on S3 stay, unregistered."""
    fresh = state.reset().with_(generation=_next_generation(state))
    kept = {k: v for k, v in fresh.metadata.items() if k not in {"source_created_at", WINDOWS}}
    return fresh.with_(metadata={**kept, "manual_watermark": False})


def reset_load(state: LoadState, generation: int) -> LoadState:
    """Counts start at 0; numbers of loaded files stay, so that none of them loads again."""
    return state.with_(generation=generation, redshift_state=RedshiftState(), processed_files=())


def _next_generation(state: ExtractState) -> int:
    """A generation that no ledger row has, also after a restore."""
    newest = state.metadata.get(NEWEST_GENERATION)
    return max(state.generation, newest if isinstance(newest, int) else 0) + 1


def load_again(
    extract: ExtractState, load: LoadState, files: Sequence[DataFile]
) -> tuple[ExtractState, LoadState]:
    """Register files a second time, in a new generation, so that they load again.

    The files get new numbers in their old order; the watermark stays. Counts are those of the new
    registrations.

    Args:
        extract: What is registered.
        load: What is loaded.
        files: Files of the present generation, loaded or not.
    """
    ordered = sorted(files, key=lambda f: f.seq)
    renumbered = tuple(f.with_(seq=extract.next_seq + i) for i, f in enumerate(ordered))
    generation = _next_generation(extract)
    counts = {"total_rows": sum(f.rows for f in renumbered), "total_files": len(renumbered)}
    again = extract.with_(
        generation=generation,
        files=renumbered,
        next_seq=extract.next_seq + len(renumbered),
        mysql_state=extract.mysql_state.with_(reload=None, **counts),
    )
    behind = {"loaded_through": extract.next_seq - 1, "loaded_beyond": ()}
    return again, reset_load(load, generation).with_(**behind)


def load_some_again(extract: ExtractState, files: Sequence[DataFile]) -> ExtractState:
    """Register some files a second time, under new numbers, in the same generation.

    Only an upsert takes a file twice: its newer rows stay, the others become what they were.
    """
    ordered = sorted(files, key=lambda f: f.seq)
    again = tuple(f.with_(seq=extract.next_seq + i) for i, f in enumerate(ordered))
    mysql = extract.mysql_state
    counts = {
        "total_rows": mysql.total_rows + sum(f.rows for f in again),
        "total_files": mysql.total_files + len(again),
    }
    return extract.with_(
        files=(*extract.files, *again),
        next_seq=extract.next_seq + len(again),
        mysql_state=mysql.with_(**counts),
    )


def restore(current: ExtractState | None, earlier: ExtractState) -> ExtractState:
    """Bring an earlier version back.

    Within a generation only the watermark goes back: files stay registered, counts stay true. From
    another generation the whole document comes back. What a whole-table read found never does: a
    set that went on since must not get the same rows again, and the target may have other ones than
    those that the earlier digest tells. Nor does a window reload that was under way: its files may
    be gone.
    """
    earlier = earlier.with_(mysql_state=earlier.mysql_state.with_(reload=None))
    if current is None:
        return earlier
    if current.generation == earlier.generation:
        moved = {name: getattr(earlier.mysql_state, name) for name in POSITION_FIELDS}
        phase = earlier.mysql_state.snapshot
        if phase is not None and phase.set_id is not None:
            moved["snapshot"] = None
        metadata = {k: v for k, v in current.metadata.items() if k != CURSOR_COLUMNS}
        metadata |= {k: v for k, v in earlier.metadata.items() if k == CURSOR_COLUMNS}
        mysql_state = current.mysql_state.with_(reload=None, **moved)
        return current.with_(mysql_state=mysql_state, metadata=metadata)
    return earlier.with_(
        next_seq=max(current.next_seq, earlier.next_seq),
        mysql_state=earlier.mysql_state.with_(digest=None),
        metadata={**earlier.metadata, NEWEST_GENERATION: _next_generation(current) - 1},
    )


def set_count(load: LoadState, *, count: int, additive: bool) -> LoadState:
    """Note rows of an adopted table: those that were there before the first load.

    The counts of what was loaded stay as they are, because files prove them.

    Raises:
        ConfigError: Fewer rows are given than were loaded.
    """
    adopted = load.metadata.get(ADOPTED_ROWS, 0)
    before = adopted if isinstance(adopted, int) else 0
    noted = before + count if additive else count - load.redshift_state.total_rows
    if noted < 0:
        raise ConfigError(
            f"{load.target}: {count:,} rows are given, and files brought "
            f"{load.redshift_state.total_rows:,}.",
            kept="Nothing was changed.",
            remedy="Give the number of all rows (absolute), or of rows before the first load.",
        )
    return load.with_(metadata={**load.metadata, ADOPTED_ROWS: noted})


def force_reset(
    plan: TablePlan, strategy: str, *, generation: int, next_seq: int
) -> tuple[ExtractState, LoadState]:
    """Both documents as new, whatever stood in them.

    Args:
        plan: The table.
        strategy: Strategy to note; a run notes the one that it finds.
        generation: Above all that were used.
        next_seq: Above all numbers that were used.
    """
    extract = ExtractState.first(plan, strategy)
    load = LoadState.first(plan)
    return (
        extract.with_(generation=generation, next_seq=next_seq, mysql_state=MysqlState()),
        load.with_(generation=generation, loaded_through=next_seq - 1),
    )
