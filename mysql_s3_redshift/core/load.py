"""Load: registered files become rows of one Redshift table, each exactly once.

    pending = files − blacklist → per group of one schema:
    prepare ledger and target → manifest → one transaction → mark in the load state

The transaction: lock the ledger, leave out what the ledger has, COPY the manifest into staging,
prove the count, apply by load mode, prove the files, write the ledger, commit. Truth is inside the
transaction: a crash before COMMIT leaves nothing, a crash after it leaves the ledger, in which the
next load finds its files and only marks them.
"""

from __future__ import annotations

from datetime import UTC, datetime

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from mysql_s3_redshift.core.faultpoints import reach
from mysql_s3_redshift.core.histories import begin_load, refuse_doubled_history
from mysql_s3_redshift.core.loading import (
    FinishedLoad,
    Loading,
    LoadReport,
    LoadRequest,
    load_target,
    manifest_of,
)
from mysql_s3_redshift.core.mode_change import refuse_changed_mode
from mysql_s3_redshift.core.model import LoadMode, TablePlan
from mysql_s3_redshift.core.pending import Group, Selection, select_files
from mysql_s3_redshift.core.ports import (
    AppliedLoad,
    ExtractStates,
    LoadStates,
    LoadTransaction,
    Progress,
    Storage,
    Target,
)
from mysql_s3_redshift.core.schema import TableSchema
from mysql_s3_redshift.core.state import ExtractState
from mysql_s3_redshift.errors import (
    CountMismatchError,
    FileChangedError,
    ReplicationError,
    StateConflictError,
)

__all__ = ["LoadReport", "LoadRequest", "load", "load_target"]

ATTEMPTS = 5
LONGEST_PAUSE_SECONDS = 20.0


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
        FileChangedError: A file is not what was extracted; rolled back.
        ConfigError: The target has the rows of another table or history.
        StateConflictError: Another run loaded meanwhile; the ledger kept everything single.
        TargetError, StorageError: What was committed stays; the rest is pending.
    """
    table = load_target(plan, extract)
    state = begin_load(plan, extract, states.read())
    refuse_changed_mode(plan, extract, state, mode=table.load_mode)
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
            refuse_doubled_history(run, transaction)
            applied = _apply(run, transaction, group, schema, load_id, manifest_uri)
    before = [f for f in group.superseded if f.uri in known]
    if applied is None:
        found = [f for f in group.files if f.uri in known]
        done = len(found) == len(group.files)
        run.commit(run.mark((*before, *found), group.superseded if done else ()))
        run.recovered += found
        run.progress("recovered", {"files": len(found)})
        return
    reach("load.after_commit")
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
    _refuse_changed_files(run, group)
    transaction.record(load_id, manifest_uri, group.files)
    reach("load.before_commit")
    transaction.commit()
    return applied


def _refuse_changed_files(run: Loading, group: Group) -> None:
    """COPY reads whatever has a file's name and size; commit only what the file was proven to be.

    Asked once, behind every COPY of the transaction: what has its old content now had it then.
    """
    marked = {f.uri: f.etag for f in group.files if f.etag is not None}
    found = run.storage.etags(list(marked)) if marked else {}
    changed = [uri for uri, etag in marked.items() if found.get(uri) != etag]
    if changed:
        more = f" (and {len(changed) - 1} more files)" if len(changed) > 1 else ""
        raise FileChangedError(
            f"{run.table.plan.display_name}: {changed[0]}{more} has another content on S3 than "
            "when it was extracted.",
            kept="The transaction was rolled back; the target is unchanged, the files are pending.",
            remedy="Restore the version that was written (S3 versioning). Where there is none, "
            "give the file up by `s3clean clean --force --pattern NAME` and read its rows again. "
            "If only its encryption or its parts are new, `sync --redshift-only --reload` takes "
            "it as it is.",
        )


def _load_id(run: Loading) -> str:
    moment = datetime.now(UTC).strftime("%Y%m%d_%H%M%S_%f")
    return f"{moment}_{run.request.run_id[:8]}"
