"""Load: registered files become rows of one Redshift table, each exactly once.

    pending = files − blacklist → per group of one schema:
    prepare ledger and target → manifest → one transaction → mark in the load state

The transaction: lock the ledger, leave out what the ledger has, COPY the manifest into staging,
prove the count, apply by load mode, write the ledger, commit. Truth is inside the transaction:
a crash before COMMIT leaves nothing, a crash after it leaves the ledger, in which the next load
finds its files and only marks them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from mysql_s3_redshift.core.faultpoints import reach
from mysql_s3_redshift.core.model import LoadMode, TablePlan
from mysql_s3_redshift.core.pending import Group, Selection, select_files
from mysql_s3_redshift.core.ports import (
    AppliedLoad,
    ExtractStates,
    LoadStates,
    LoadTarget,
    LoadTransaction,
    Progress,
    Storage,
    Target,
)
from mysql_s3_redshift.core.schema import TableSchema
from mysql_s3_redshift.core.state import DataFile, ExtractState, LoadState
from mysql_s3_redshift.errors import (
    ConfigError,
    CountMismatchError,
    ReplicationError,
    StateConflictError,
)

ATTEMPTS = 5
LONGEST_PAUSE_SECONDS = 20.0
TRUNCATING = "truncating_target"
"""Set in the extract state's metadata while a reset empties the target."""


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """What one run of the Redshift asset is asked to do."""

    run_id: str
    max_files: int | None = None
    stopping: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class FinishedLoad:
    """One committed transaction."""

    load_id: str
    manifest_uri: str
    files: tuple[DataFile, ...]
    applied: AppliedLoad


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a run did.

    Attributes:
        recovered: Files that the ledger had already: loaded by a run that could not say so.
        changes: What was changed in the target's columns, as sentences.
        pending: Files that are still to be loaded.
    """

    state: LoadState
    loads: tuple[FinishedLoad, ...]
    recovered: tuple[DataFile, ...]
    changes: tuple[str, ...]
    pending: int
    note: str

    @property
    def files(self) -> tuple[DataFile, ...]:
        """All files that this run loaded."""
        return tuple(f for load in self.loads for f in load.files)


def load_target(plan: TablePlan, extract: ExtractState) -> LoadTarget:
    """What loading needs to know, without asking MySQL.

    Raises:
        ConfigError: The extract state does not tell the load mode and neither does the file.
    """
    facts = extract.metadata
    if facts.get(TRUNCATING):
        raise ConfigError(
            f"{plan.display_name}: a reset with --truncate-target did not come to its end, so the "
            "target may still have the rows of the history before it.",
            kept="Nothing was loaded; extracted files stay pending.",
            remedy="Run the same `watermark reset --truncate-target` again.",
        )
    mode = plan.load_mode or facts.get("load_mode")
    key = facts.get("key")
    if mode is None or not isinstance(key, list):
        raise ConfigError(
            f"{plan.display_name}: the extract state does not tell the load mode and the key.",
            kept="Nothing was loaded.",
            remedy="Run `sync --backup-only` once, which completes the state.",
        )
    version = facts.get("version_column")
    return LoadTarget(
        plan=plan,
        load_mode=str(mode),
        key=tuple(plan.primary_key) or tuple(str(k) for k in key),
        version=None if version is None else str(version),
        generation=extract.generation,
    )


@dataclass(slots=True)
class Loading:
    """One run: the load state as it was last committed, and what was loaded since."""

    table: LoadTarget
    extract: ExtractState
    request: LoadRequest
    storage: Storage
    states: LoadStates
    target: Target
    progress: Progress
    state: LoadState
    extracts: ExtractStates | None = None
    loads: list[FinishedLoad] = field(default_factory=list)
    recovered: list[DataFile] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)

    def commit(self, state: LoadState) -> None:
        """Write a new state; only then it counts."""
        self.states.write(state)
        self.state = state
        reach("load.after_state_write")

    def refuse_ended_history(self) -> None:
        """A reset since this run read the extract state began a history without its files.

        Asked while the ledger is locked: a reset that empties the target writes the extract state
        before it takes the same lock, so no file of the old history can follow it.

        Raises:
            StateConflictError: There was a reset.
        """
        current = self.extracts.read() if self.extracts is not None else self.extract
        if current is None or current.generation != self.extract.generation:
            raise StateConflictError("/".join(self.table.plan.extract_key))

    def mark(self, files: Sequence[DataFile], superseded: Sequence[DataFile] = ()) -> LoadState:
        """The state with these files on the blacklist."""
        return self.state.mark(
            files, known=(f.seq for f in self.extract.files), superseded=(f.seq for f in superseded)
        )


def load(
    plan: TablePlan,
    extract: ExtractState,
    request: LoadRequest,
    *,
    storage: Storage,
    states: LoadStates,
    target: Target,
    progress: Progress,
    extracts: ExtractStates | None = None,
) -> LoadReport:
    """Load every pending file, or as many as the request allows.

    Args:
        plan: The table.
        extract: Its extract state, which tells the files.
        request: What to do.
        storage: The table's files.
        states: The table's load state.
        target: Redshift.
        progress: Receives what happened.
        extracts: The extract state's document, to notice a reset that came between; None where
            nobody else can reset.

    Raises:
        CountMismatchError: COPY counted other rows than the files have; rolled back.
        StateConflictError: Another run loaded meanwhile; the ledger kept everything single.
        TargetError, StorageError: What was committed stays; the rest is pending.
    """
    table = load_target(plan, extract)
    state = (states.read() or LoadState.first(plan)).begin(extract.generation)
    reach("load.after_state_read")
    run = Loading(table, extract, request, storage, states, target, progress, state, extracts)
    try:
        selection = _load_all(run)
        run.commit(run.state.finish())
    except StateConflictError:
        raise
    except ReplicationError as error:
        run.commit(run.state.failed(error.happened))
        raise
    left = len(extract.pending(run.state))
    note = selection.note or ("" if run.loads else "nothing new")
    return LoadReport(
        run.state, tuple(run.loads), tuple(run.recovered), tuple(run.changes), left, note
    )


def _load_all(run: Loading) -> Selection:
    """Group after group; a group whose files the ledger has already is only marked."""
    while True:
        taken = len([f for one in run.loads for f in one.files])
        budget = None if run.request.max_files is None else run.request.max_files - taken
        mode = LoadMode(run.table.load_mode)
        selection = select_files(run.extract, run.state, mode, max_files=budget)
        if selection.group is None or run.request.stopping():
            _prepare_empty(run)
            return selection
        group, schema = selection.group, run.storage.get_schema(selection.group.schema_id)
        retrying = Retrying(
            retry=retry_if_exception(lambda e: isinstance(e, ReplicationError) and e.retryable),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.2, max=LONGEST_PAUSE_SECONDS),
            reraise=True,
        )
        retrying(_load_group, run, group, schema)


def _prepare_empty(run: Loading) -> None:
    """Create the target of a table that has no rows yet."""
    schema_id = run.extract.metadata.get("stored_schema")
    if run.state.redshift_state.total_files or run.loads or not schema_id:
        return
    if run.state.metadata.get("prepared") != schema_id:
        run.changes += run.target.prepare(run.table, run.storage.get_schema(str(schema_id)))
        run.state = run.state.with_(metadata={**run.state.metadata, "prepared": schema_id})


def _load_group(run: Loading, group: Group, schema: TableSchema) -> None:
    """One transaction for one group of files."""
    run.changes += run.target.prepare(run.table, schema)
    reach("load.after_prepare")
    load_id = _load_id(run)
    manifest_uri = run.storage.put_manifest(load_id, manifest_of(group.files))
    reach("load.after_manifest")
    applied: AppliedLoad | None = None
    with run.target.transaction(run.table) as transaction:
        reach("load.after_lock")
        run.refuse_ended_history()
        _refuse_newer_snapshot(run, transaction, group)
        known = transaction.known((*group.files, *group.superseded))
        if known.isdisjoint(f.uri for f in group.files):
            applied = _apply(run, transaction, group, schema, load_id, manifest_uri)
    if applied is None:
        found = [f for f in group.files if f.uri in known]
        done = len(found) == len(group.files)
        run.commit(run.mark(found, group.superseded if done else ()))
        run.recovered += found
        run.progress("recovered", {"files": len(found)})
        return
    reach("load.after_commit")
    before = [f for f in group.superseded if f.uri in known]
    run.commit(run.mark((*before, *group.files), group.superseded).finish(load_id))
    run.loads.append(FinishedLoad(load_id, manifest_uri, group.files, applied))
    run.progress("loaded", {"files": len(group.files), "rows": applied.copied})


def _refuse_newer_snapshot(run: Loading, transaction: LoadTransaction, group: Group) -> None:
    """A load that slept while its successor replaced the target must not bring the past back."""
    if run.table.load_mode != LoadMode.REPLACE:
        return
    newest = transaction.newest()
    if newest is not None and newest > max(f.seq for f in group.files):
        raise StateConflictError("/".join(run.table.plan.load_key))


def _apply(
    run: Loading,
    transaction: LoadTransaction,
    group: Group,
    schema: TableSchema,
    load_id: str,
    manifest_uri: str,
) -> AppliedLoad:
    expected = sum(f.rows for f in group.files)
    reach("load.before_copy")
    copied = transaction.stage(schema, manifest_uri, group.files)
    reach("load.after_copy")
    if copied != expected:
        raise CountMismatchError(
            f"{run.table.plan.display_name}: the files of load {load_id} have {expected} rows, and "
            f"COPY loaded {copied}.",
            kept="The transaction was rolled back; the target is unchanged, the files are pending.",
            remedy=f"Compare the files of {manifest_uri} with the extract state, then run again.",
        )
    applied = transaction.apply(run.table, schema, group.files)
    reach("load.after_apply")
    transaction.record(load_id, manifest_uri, group.files)
    reach("load.before_commit")
    transaction.commit()
    return applied


def manifest_of(files: Sequence[DataFile]) -> Mapping[str, object]:
    """The COPY manifest of a set of files.

    `content_length` is what COPY demands of columnar files, `mandatory` makes a missing file an
    error (Amazon Redshift, "Using a manifest to specify data files").
    """
    return {
        "entries": [
            {"url": f.uri, "mandatory": True, "meta": {"content_length": f.bytes}} for f in files
        ]
    }


def _load_id(run: Loading) -> str:
    moment = datetime.now(UTC).strftime("%Y%m%d_%H%M%S_%f")
    return f"{moment}_{run.request.run_id[:8]}"
