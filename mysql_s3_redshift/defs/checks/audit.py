"""The checks that ask the systems: one step per table, which evaluates those that are selected.

A check that cannot be evaluated claims nothing: the others of its table are told, then the step
fails with the reason, and the check shows as not executed. In a run that materializes, what passed
within a day is not asked again (`standing`).
"""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import dagster as dg

from mysql_s3_redshift.adapters.auditing import count_null_cursors, find_files
from mysql_s3_redshift.adapters.comparing import compare_counts, open_comparison
from mysql_s3_redshift.adapters.counting import gather_counts, target_key
from mysql_s3_redshift.adapters.operations import Operation, load_mode
from mysql_s3_redshift.core.counts import (
    COUNTS_REMEDY,
    SOURCE_REMEDY,
    Check,
    check_counts,
)
from mysql_s3_redshift.core.model import LoadMode, TablePlan
from mysql_s3_redshift.core.operate import ManualChange
from mysql_s3_redshift.core.stored_files import StoredFiles
from mysql_s3_redshift.defs.checks import specs
from mysql_s3_redshift.defs.checks.standing import last_result, materializes
from mysql_s3_redshift.defs.checks.verdicts import (
    MOST_ROWS_SHOWN,
    Cell,
    Verdict,
    compared,
    failed,
    passed,
    table,
    warned,
)
from mysql_s3_redshift.defs.failures import shown_in_dagster
from mysql_s3_redshift.defs.names import storage_resource
from mysql_s3_redshift.defs.resources import S3Resource, resource
from mysql_s3_redshift.errors import StateConflictError

PAUSE_SECONDS = 2.0
"""Between a load's COMMIT and its state lie milliseconds, in which the counts of both differ."""
ATTEMPTS = 3
NEVER_EXTRACTED = "The table was never extracted, so there is nothing to look at yet."

_T = TypeVar("_T")


def run_audit(
    context: dg.AssetCheckExecutionContext, plan: TablePlan
) -> Iterator[dg.AssetCheckResult]:
    """Evaluate those of a table's audited checks that are selected."""
    storage = resource(context, storage_resource(plan.storage), S3Resource)
    by_the_way = materializes(context.run)
    failures: dict[str, dg.Failure] = {}
    for name, key in specs.audit_check_keys(plan).items():
        if key not in context.selected_asset_check_keys:
            continue
        standing = last_result(context.instance, key) if by_the_way else None
        if standing is not None and standing.holds():
            yield standing.result()
            continue
        try:
            verdict = _evaluate(plan, name, storage)
        except dg.Failure as failure:
            context.log.warning("%s could not be evaluated: %s", name, failure.description)
            failures[name] = failure
        else:
            yield verdict.result(key)
    if failures:
        raise _not_evaluated(failures)


def _evaluate(plan: TablePlan, name: str, storage: S3Resource) -> Verdict:
    """Evaluate one check, over connections of its own: what breaks them harms no other."""
    with shown_in_dagster(), storage.open() as connections:
        change = ManualChange("audit", "dagster", "")  # noted nowhere: an audit writes nothing
        return AUDITS[name](Operation(plan, connections, change))


def _not_evaluated(failures: Mapping[str, dg.Failure]) -> dg.Failure:
    first = next(iter(failures.values()))
    return dg.Failure(
        description=f"Not evaluated: {', '.join(failures)}. {first.description}",
        metadata=first.metadata,
        allow_retries=False,
    )


def audit_cursor(operation: Operation) -> Verdict:
    """Whether every row has a cursor value, so that a change of it can be found."""
    found = count_null_cursors(operation.connections, operation.plan)
    if not found.column:
        return passed("The table is read whole at each run, whatever its rows have.")
    facts = {"cursor_column": found.column, "rows_without_cursor": found.rows}
    if not found.rows:
        return passed(f"Every row has a value in {found.column}.", **facts)
    return warned(
        f"{found.rows:,} rows have NULL or a zero date in {found.column}. Such rows are read once, "
        "at first; one that comes later, and any change of them, is not seen.",
        f"Give the rows a value, which brings them over, and make {found.column} NOT NULL.",
        **facts,
    )


def audit_files(operation: Operation) -> Verdict:
    """Whether S3 has the files that the state names, as they were written."""
    extract = operation.states.extract.read()
    if extract is None:
        return passed(NEVER_EXTRACTED)
    found = find_files(operation, extract)
    facts: dict[str, Any] = {
        "files_present": found.present,
        "files_cleaned": found.cleaned,
        "files_damaged": len(found.damaged),
    }
    if not found.damaged:
        cleaned = f"; {found.cleaned:,} loaded ones were cleaned" if found.cleaned else ""
        return passed(f"{found.present:,} registered files are on S3{cleaned}.", **facts)
    waiting = sum(d.pending for d in found.damaged)
    first = found.damaged[0]
    return failed(
        f"{len(found.damaged):,} registered files are not on S3 as they were written, {waiting:,} "
        f"of them wait to be loaded; the first is {first.file.uri}.",
        "Restore the objects (versioning, backup). Without them, read their rows again: `sync "
        "--from --to` over the stretch that the table shows, or `watermark reset`.",
        **facts,
        damaged=_damaged(found),
    )


def _damaged(found: StoredFiles) -> dg.TableMetadataValue:
    return table(
        {
            "seq": "int",
            "uri": "string",
            "pending": "bool",
            "found": "string",
            "rows": "int",
            "bytes": "int",
            "bytes_on_s3": "int",
            "first": "string",
            "last": "string",
        },
        [
            (
                d.file.seq,
                d.file.uri,
                d.pending,
                d.what,
                d.file.rows,
                d.file.bytes,
                d.found.bytes if d.found else None,
                ", ".join(map(str, d.file.first.values())),
                ", ".join(map(str, d.file.last.values())),
            )
            for d in found.damaged
        ],
    )


def audit_counts(operation: Operation) -> Verdict:
    """Whether all that counts rows counts the same."""
    if operation.states.extract.read() is None:
        return passed(NEVER_EXTRACTED)
    checks = settled(operation, lambda: check_counts(gather_counts(operation)), _agree)
    return compared(checks, remedy=COUNTS_REMEDY)


def audit_keys(operation: Operation) -> Verdict:
    """Whether a key is in the target twice."""
    plan, extract = operation.plan, operation.states.extract.read()
    mode = load_mode(plan, extract)
    if extract is None or not operation.target().exists:
        return passed("There is no target table yet.")
    if mode == LoadMode.APPEND:
        return passed("load_mode append keeps every version of a row, so keys repeat.")
    key = target_key(operation, extract)
    if not key:
        return passed("The table has no key.")
    found = operation.target().duplicate_keys(key, most=MOST_ROWS_SHOWN)
    facts: dict[str, Any] = {"key": ", ".join(key), "duplicate_keys": found.keys}
    if not found.keys:
        return passed(f"Every key ({', '.join(key)}) is there once.", **facts)
    columns = {**dict.fromkeys(key, "string"), "rows_of_key": "int"}
    worst: list[tuple[Cell, ...]] = [(*map(str, row[:-1]), int(row[-1])) for row in found.worst]
    return failed(
        f"{found.keys:,} keys are in the target more than once, in {found.rows:,} rows.",
        "Nothing here writes a key twice: look for other writers of the table. `sync "
        "--redshift-only --reload` builds it anew from S3.",
        **facts,
        rows_of_duplicate_keys=found.rows,
        keys=table(columns, worst),
    )


def audit_source(operation: Operation) -> Verdict:
    """Whether MySQL has as many rows up to the watermark as the target."""
    extract, load = operation.states.read()
    if extract is None:
        return passed(NEVER_EXTRACTED)
    if load is None or not load.redshift_state.total_files:
        return passed("Nothing was loaded yet.")
    if not operation.target().exists:
        return failed(
            f"The target table does not exist, and {load.redshift_state.total_rows:,} rows were "
            "loaded into it.",
            "`sync --redshift-only --reload` builds it anew from S3.",
        )
    checks = settled(operation, lambda: compare_counts(open_comparison(operation)), _agree)
    pending = len(extract.pending(load))
    verdict = compared(checks, remedy=f"`verify --deep` names the rows. {SOURCE_REMEDY}")
    if verdict.passed or not pending:
        return verdict
    return warned(
        f"{pending:,} files wait to be loaded, so the target is behind.",
        "Materialize the Redshift asset, or `sync --redshift-only`; its error tells what stops it.",
        **verdict.facts,
        pending_files=pending,
    )


AUDITS: Mapping[str, Callable[[Operation], Verdict]] = {
    specs.CURSOR_NOT_NULL: audit_cursor,
    specs.REGISTERED_FILES_EXIST: audit_files,
    specs.ALL_COUNTS_AGREE: audit_counts,
    specs.NO_DUPLICATE_KEYS: audit_keys,
    specs.SOURCE_MATCHES_TARGET: audit_source,
}


def settled(operation: Operation, look: Callable[[], _T], is_good: Callable[[_T], bool]) -> _T:
    """Look until what is seen is good, or bad twice while no run changed the documents.

    Raises:
        StateConflictError: Runs went on committing, so nothing can be said.
    """
    target = operation.connections.target(operation.plan).connection
    for _ in range(ATTEMPTS):
        before = operation.states.read()
        target.rollback()  # a transaction sees what there was when it began
        if is_good(found := look()):
            return found
        time.sleep(PAUSE_SECONDS)
        target.rollback()
        if is_good(found := look()) or operation.states.read() == before:
            return found
    raise StateConflictError("/".join(operation.plan.extract_key))


def _agree(checks: list[Check]) -> bool:
    return all(check.agrees for check in checks)
