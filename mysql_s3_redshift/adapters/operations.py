"""What an operator does to one table, on the real systems; the command line and the jobs share it.

Every function first copies both documents into the history. Writes are conditional on the versions
that were read, so a run that commits in between makes the change fail and changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.adapters.pair import describe
from mysql_s3_redshift.adapters.redshift.ledger import TargetTable
from mysql_s3_redshift.adapters.reloading import files_of_generation, files_of_window
from mysql_s3_redshift.adapters.s3.states import TableStates
from mysql_s3_redshift.adapters.salvage import salvage
from mysql_s3_redshift.core import operate
from mysql_s3_redshift.core.counts import ADOPTED_ROWS, TARGET_SINCE
from mysql_s3_redshift.core.cursors import Cursor
from mysql_s3_redshift.core.histories import OWNER, owner_of
from mysql_s3_redshift.core.identities import read_identity
from mysql_s3_redshift.core.loading import TRUNCATING
from mysql_s3_redshift.core.model import CdcStrategy, LoadMode, TablePlan, Value, Window
from mysql_s3_redshift.core.next_query import stored_cursor
from mysql_s3_redshift.core.operate import ManualChange
from mysql_s3_redshift.core.schema import TableSchema
from mysql_s3_redshift.core.state import CURSOR_COLUMNS, ExtractState, LoadState
from mysql_s3_redshift.errors import ConfigError, StateUnreadableError


@dataclass(frozen=True, slots=True)
class Changed:
    """A change that was made.

    Attributes:
        history: Copies of the documents as they were.
        version: Name of that version, for `watermark restore`.
        deleted_rows: Rows deleted from the target; None where it was left alone.
    """

    extract: ExtractState | None
    load: LoadState | None
    history: tuple[str, ...]
    version: str
    deleted_rows: int | None = None


class Operation:
    """One manual change of one table: its documents as they were read."""

    def __init__(self, plan: TablePlan, connections: Connections, change: ManualChange) -> None:
        self.plan, self.connections, self.change = plan, connections, change
        self.states = TableStates(connections.bucket(plan.storage), plan)
        self.now = datetime.now(UTC)

    @property
    def version(self) -> str:
        """Name of the version before this change."""
        return f"{self.now:%Y%m%dT%H%M%S.%fZ}"

    def write(
        self,
        extract: ExtractState | None,
        load: LoadState | None,
        *,
        deleted_rows: int | None = None,
        archived: Sequence[str] | None = None,
        **facts: Any,
    ) -> Changed:
        """Archive both documents, then write those that are given."""
        copies = self.archive() if archived is None else list(archived)
        if extract is not None:
            extract = self.change.stamp(extract, **facts)
            self.states.extract.write(extract)
        if load is not None:
            load = self.change.stamp(load, **{OWNER: owner_of(self.plan)})
            self.states.load.write(load)
        return Changed(extract, load, tuple(copies), self.version, deleted_rows)

    def archive(self) -> list[str]:
        """Copy both documents into the history."""
        return self.states.archive(self.change.action, when=self.now)

    def target(self) -> TargetTable:
        """The table in Redshift."""
        return TargetTable(self.connections.target(self.plan).connection, self.plan)


def load_mode(plan: TablePlan, state: ExtractState | None) -> str:
    """The load mode as far as file and state tell; empty where only MySQL could."""
    return str(plan.load_mode or (state.metadata.get("load_mode", "") if state else ""))


def set_watermark(
    operation: Operation, *, timestamp: datetime | None, identity: str | None
) -> Changed:
    """Move the watermark of a table; one that was never extracted gets its first document.

    Args:
        operation: The table and the change.
        timestamp: The timestamp half.
        identity: The id half as it is written; it has to be one of the column's type.

    Raises:
        ConfigError: The strategy has no such watermark, or the id cannot be one of its column.
        StateConflictError: A run committed in between; nothing was changed.
    """
    state, load = operation.states.read()
    cursor = _cursor(operation, state)
    value: Value = None
    if identity is not None:
        value = read_identity(identity, _described(operation, state), cursor)
    state = state or ExtractState.first(operation.plan, str(cursor.strategy)).beyond(load)
    moved = operate.set_watermark(state, cursor, timestamp=timestamp, identity=value)
    return operation.write(moved, None, manual_watermark=True)


def _described(operation: Operation, state: ExtractState | None) -> TableSchema:
    """The columns: as the last files have them, else as MySQL tells."""
    fingerprint = state.metadata.get("stored_schema") if state is not None else None
    if isinstance(fingerprint, str):
        return operation.connections.storage(operation.plan).get_schema(fingerprint)
    return describe(operation.plan, operation.connections).schema


def _cursor(operation: Operation, state: ExtractState | None) -> Cursor:
    """The keyset: as the state has it, else as MySQL tells."""
    plan = operation.plan
    if state is not None and CURSOR_COLUMNS in state.metadata:
        return stored_cursor(plan, state)
    if plan.strategy in {CdcStrategy.FULL_SYNC, CdcStrategy.ID_ONLY}:
        return Cursor(plan.strategy, tuple(c for c in (plan.id_column,) if c))
    return describe(plan, operation.connections).resolved.cursor


def reset(
    operation: Operation, *, mysql: bool, redshift: bool, truncate: bool, force: bool = False
) -> Changed:
    """Start a new generation.

    Args:
        operation: The table and the change.
        mysql: Extract everything again.
        redshift: Load everything again that is on S3; with `mysql`, only the counts start anew.
        truncate: Delete the target's rows, while no load of the table is running.
        force: Go on where a document cannot be read.

    Raises:
        ConfigError: There is nothing to reset, or files are missing.
        StateConflictError: A run committed in between.
        TargetError: A load of the table is running.
    """
    extract, load = _read(operation, force=force)
    if extract is None:
        raise operate.nothing_to_reset(operation.plan)
    if mysql and not truncate:
        return operation.write(*_anew(extract, load, keep_load=not redshift))
    target = operation.target()
    with target.locked():
        pair: tuple[ExtractState, LoadState | None]
        if mysql:
            pair = _anew(extract, load, keep_load=False)
        else:
            storage = operation.connections.storage(operation.plan)
            mode = load_mode(operation.plan, extract)
            files = files_of_generation(storage, extract, target, mode=mode)
            first = LoadState.first(operation.plan)
            pair = operate.load_again(extract, load or first, files)
        return _empty_target(operation, target, *pair) if truncate else operation.write(*pair)


def reload_window(operation: Operation, window: Window) -> Changed:
    """Load the files again that may have rows of a window; the other rows of them stay as they are.

    Raises:
        ConfigError: The table does not upsert, so that rows would be there twice.
    """
    extract, _ = _read(operation, force=False)
    mode = load_mode(operation.plan, extract)
    if extract is None or mode != LoadMode.UPSERT:
        raise ConfigError(
            f"{operation.plan.display_name}: a stretch of files can be loaded again by an upsert "
            f"alone; this table's load mode is {mode or 'not known yet'}.",
            kept="Nothing was changed.",
            remedy="Reload all of it, without --from and --to.",
        )
    target = operation.target()
    with target.locked():
        storage = operation.connections.storage(operation.plan)
        files = files_of_generation(storage, extract, target, mode=mode)
        chosen = files_of_window(files, operation.plan, window)
        return operation.write(operate.load_some_again(extract, chosen), None)


def _anew(
    extract: ExtractState, load: LoadState | None, *, keep_load: bool
) -> tuple[ExtractState, LoadState | None]:
    changed = operate.reset_extract(extract).beyond(load)
    if keep_load or load is None:
        return changed, None
    return changed, operate.reset_load(load, changed.generation)


def _empty_target(
    operation: Operation, target: TargetTable, extract: ExtractState, load: LoadState | None
) -> Changed:
    """Write a new generation and delete the target's rows, so that no row is there twice.

    The new extract state comes first: it ends the old history for every load that waits for the
    lock, and refuses loads of the new one until the target is empty. A command that is killed in
    between is repeated as it is.
    """
    copies = operation.archive()
    since = {TARGET_SINCE: extract.generation}
    ended = operation.change.stamp(extract, **since, **{TRUNCATING: True})
    operation.states.extract.write(ended)
    deleted = target.delete_all()
    target.connection.commit()
    if load is not None:
        kept = {k: v for k, v in load.metadata.items() if k != ADOPTED_ROWS}
        load = load.with_(metadata=kept)
    written = operation.write(None, load, archived=copies).load
    metadata = {k: v for k, v in ended.metadata.items() if k != TRUNCATING}
    ready = ended.with_(metadata=metadata)
    operation.states.extract.write(ready)
    return Changed(ready, written, tuple(copies), operation.version, deleted)


def _read(operation: Operation, *, force: bool) -> tuple[ExtractState | None, LoadState | None]:
    if not force:
        return operation.states.read()
    try:
        return operation.states.read()
    except StateUnreadableError:
        strategy = str(operation.plan.strategy or CdcStrategy.FULL_SYNC)
        generation, next_seq = salvage(operation.states, operation.target())
        # Reading again keeps the versions, so that the writes stay conditional.
        for document in (operation.states.extract, operation.states.load):
            try:
                document.read()
            except StateUnreadableError:
                continue
        return operate.force_reset(
            operation.plan, strategy, generation=generation, next_seq=next_seq
        )


def restore(operation: Operation, version: str) -> Changed:
    """Bring an earlier version back (see `core.operate.restore`).

    Raises:
        ConfigError: The history has no such version.
        StateConflictError: A run committed in between.
    """
    before, _ = operation.states.earlier(version)
    extract, _ = _read(operation, force=True)
    if before is None:
        raise ConfigError(
            f"{operation.plan.display_name}: version {version} has no extract state: the table "
            "had none then.",
            kept="Nothing was changed.",
            remedy="Use `watermark reset` to start anew.",
        )
    if extract is not None and extract.generation == before.generation:
        return operation.write(operate.restore(extract, before), None)
    # The generation comes back with all files that it had at last: the ledger has them, too.
    last, loaded = operation.states.last_of(before.generation)
    whole = operate.restore(extract, last or before)
    back = loaded or LoadState.first(operation.plan)
    restored = whole if last in (None, before) else operate.restore(whole, before)
    return operation.write(restored, back.with_(generation=before.generation))


def set_count(operation: Operation, *, count: int, additive: bool) -> Changed:
    """Note rows that the target had before this program loaded any.

    Args:
        operation: The table and the change.
        count: Rows of the target that no file brought (additive), or all of its rows (absolute).
        additive: Whether to add to what was noted before.

    Raises:
        ConfigError: There is no load state, or fewer rows are given than were loaded.
    """
    _, load = operation.states.read()
    if load is None:
        load = LoadState.first(operation.plan)
    return operation.write(None, operate.set_count(load, count=count, additive=additive))
