"""The sync runner: each table is one Dagster run in this process, several at a time.

A run belongs to the pipeline's job and is recorded in the instance that the web UI shows. Tables
are isolated: whatever ends one of them is in its outcome, and the others go on.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from threading import BoundedSemaphore
from typing import Any, Literal

import dagster as dg
from sqlalchemy.exc import SQLAlchemyError

from mysql_s3_redshift.config import Config, step_name
from mysql_s3_redshift.core.model import RunLimits, TablePlan, Window
from mysql_s3_redshift.defs.build import build_pair
from mysql_s3_redshift.defs.checks.standing import FOUND_AT
from mysql_s3_redshift.defs.failures import error_of
from mysql_s3_redshift.defs.instance import (
    PROCESS_TAG,
    process_tag,
    share_among_threads,
    storage_reason,
)
from mysql_s3_redshift.defs.jobs import pair_config
from mysql_s3_redshift.defs.names import extract_key, load_key, run_tags, sync_job_name
from mysql_s3_redshift.defs.resources import Report, RunSession
from mysql_s3_redshift.errors import ReplicationError

Status = Literal["success", "failed", "skipped"]

_QUIET = "quiet"
_SIGNAL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """What `sync` was asked to do.

    Attributes:
        backup_only: Extract and do not load.
        redshift_only: Load and do not extract; MySQL is never connected to.
        window: Reload this stretch; the watermark stays.
    """

    backup_only: bool = False
    redshift_only: bool = False
    limits: RunLimits = field(default_factory=RunLimits)
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class FailedCheck:
    """A check of a run that failed; the run itself is not failed by it.

    Attributes:
        is_error: False for a warning.
        happened: What the check found.
        remedy: What to do about it.
    """

    name: str
    is_error: bool
    happened: str
    remedy: str


@dataclass(frozen=True, slots=True)
class TableOutcome:
    """What became of one table.

    Attributes:
        status: `skipped` where the sync was stopped before the table's turn.
        lag: Seconds that the extracted data is behind the source; None where nothing tells.
        note: Why nothing was done, or why it ended early.
        run_id: The Dagster run.
        failed_checks: What the run did is committed all the same.
    """

    status: Status
    rows_extracted: int = 0
    files_written: int = 0
    rows_loaded: int = 0
    files_loaded: int = 0
    pending_files: int | None = None
    bytes: int = 0
    seconds: float = 0.0
    lag: float | None = None
    note: str = ""
    run_id: str = ""
    error: ReplicationError | None = None
    failed_checks: tuple[FailedCheck, ...] = ()


def sync_tables(
    config: Config,
    plans: Sequence[TablePlan],
    options: SyncOptions,
    *,
    instance: dg.DagsterInstance,
    report: Report,
    stopping: Callable[[], bool],
) -> dict[str, TableOutcome]:
    """Sync tables, each in a run of its own.

    Args:
        config: Where the tables come from.
        plans: The tables.
        options: What to do with each.
        instance: Where the runs are recorded.
        report: Hears `started`, the engine's events and `finished` of every table; it is called
            from several threads.
        stopping: Asked before each table and each chunk; true ends the sync early.

    Returns:
        What became of each table, by display name, in the order of `plans`.
    """
    share_among_threads(instance)
    parallel = {name: config.pipeline(name).processing.parallelism for name in _pipelines(plans)}
    turns = {name: BoundedSemaphore(limit) for name, limit in parallel.items()}
    wanted = Counter(plan.pipeline for plan in plans)
    threads = sum(min(limit, wanted[name]) for name, limit in parallel.items())

    def run(plan: TablePlan) -> TableOutcome:
        with turns[plan.pipeline]:
            if stopping():
                return TableOutcome("skipped", note="stopped before its turn")
            report(plan.display_name, "started", {})
            session = RunSession(report, stopping)
            outcome = _sync_table(config, plan, options, instance=instance, session=session)
            report(plan.display_name, "finished", {"status": outcome.status})
            return outcome

    with ThreadPoolExecutor(max(threads, 1), thread_name_prefix="sync") as pool:
        futures = {plan.display_name: pool.submit(run, plan) for plan in plans}
        # A signal may arrive in any thread, and Python handles it in this one when it next wakes.
        while wait(futures.values(), timeout=_SIGNAL_SECONDS).not_done:
            continue
        return {name: future.result() for name, future in futures.items()}


def _pipelines(plans: Sequence[TablePlan]) -> list[str]:
    return list(dict.fromkeys(plan.pipeline for plan in plans))


def _sync_table(
    config: Config,
    plan: TablePlan,
    options: SyncOptions,
    *,
    instance: dg.DagsterInstance,
    session: RunSession,
) -> TableOutcome:
    """Run one table; whatever goes wrong is part of the outcome."""
    began = time.monotonic()
    try:
        result = _execute(config, plan, options, instance=instance, session=session)
        outcome = _outcome(plan, result)
    except Exception as error:  # noqa: BLE001  the boundary between tables: told, not swallowed
        outcome = TableOutcome("failed", error=_unexpected(plan, error))
    return replace(outcome, seconds=round(time.monotonic() - began, 3))


def _execute(
    config: Config,
    plan: TablePlan,
    options: SyncOptions,
    *,
    instance: dg.DagsterInstance,
    session: RunSession,
) -> dg.ExecuteInProcessResult:
    keys = [] if options.redshift_only else [extract_key(plan)]
    keys += [] if options.backup_only else [load_key(plan)]
    names = [step_name(key.path) for key in keys]
    definitions = build_pair(config, plan, session, {_QUIET: _quiet_logger})
    configs = pair_config(plan, options.limits, options.window)
    return definitions.resolve_job_def(sync_job_name(plan.pipeline)).execute_in_process(
        run_config=dg.RunConfig(ops={name: configs[name] for name in names}, loggers={_QUIET: {}}),
        asset_selection=keys,
        instance=instance,
        tags={**run_tags(plan), PROCESS_TAG: process_tag()},
        raise_on_error=False,
    )


@dg.logger
def _quiet_logger(_: dg.InitLoggerContext) -> logging.Logger:
    """Tell nothing: the command line has its own report."""
    logger = logging.Logger("mysql_s3_redshift.quiet")  # noqa: LOG001  not part of the tree
    logger.addHandler(logging.NullHandler())
    return logger


def _outcome(plan: TablePlan, result: dg.ExecuteInProcessResult) -> TableOutcome:
    extracted = _metadata(result, extract_key(plan))
    loaded = _metadata(result, load_key(plan))
    notes = dict.fromkeys(str(m["note"]) for m in (extracted, loaded) if "note" in m)
    told = [n for n in notes if not any(o != n and o.startswith(n) for o in notes)]
    pending = loaded.get("pending_files", extracted.get("pending_files"))
    error = None if result.success else _error(plan, result)
    return TableOutcome(
        status="success" if result.success else "failed",
        rows_extracted=int(extracted.get("rows_extracted", 0)),
        files_written=int(extracted.get("files_written", 0)),
        rows_loaded=int(loaded.get("rows_loaded", 0)),
        files_loaded=int(loaded.get("files_loaded_count", 0)),
        pending_files=None if pending is None else int(pending),
        bytes=int(extracted.get("bytes_written", 0)),
        lag=extracted.get("source_lag_seconds"),
        note="; ".join(told),
        run_id=result.run_id,
        error=error,
        failed_checks=_failed_checks(result),
    )


def _failed_checks(result: dg.ExecuteInProcessResult) -> tuple[FailedCheck, ...]:
    """Checks that this run evaluated; what another one found was told by that one."""
    return tuple(
        FailedCheck(
            name=evaluation.check_name,
            is_error=evaluation.severity is dg.AssetCheckSeverity.ERROR,
            happened=str(evaluation.metadata["what_happened"].value),
            remedy=str(evaluation.metadata["what_to_do"].value),
        )
        for evaluation in result.get_asset_check_evaluations()
        if not evaluation.passed and FOUND_AT not in evaluation.metadata
    )


def _metadata(result: dg.ExecuteInProcessResult, key: dg.AssetKey) -> dict[str, Any]:
    """The values of a step's materialization; empty when it did not get that far."""
    for event in result.get_asset_materialization_events():
        if event.asset_key == key:
            found = event.materialization.metadata
            return {name: value.value for name, value in found.items()}
    return {}


def _error(plan: TablePlan, result: dg.ExecuteInProcessResult) -> ReplicationError:
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            if data.user_failure_data is not None:
                return error_of(data.user_failure_data.metadata)
            if data.error is not None:
                return ReplicationError(f"{plan.display_name}: {data.error.message.strip()}")
    return ReplicationError(
        f"{plan.display_name}: run {result.run_id} failed outside of its steps.",
        kept="What was committed before stays.",
        remedy="Open the run in the web UI to see its log.",
    )


def _unexpected(plan: TablePlan, error: Exception) -> ReplicationError:
    if isinstance(error, ReplicationError):
        return error
    if isinstance(error, SQLAlchemyError):
        unrecorded = ReplicationError(
            f"{plan.display_name}: Dagster cannot record the run: {storage_reason(error)}",
            kept="What was committed before stays; the next run continues from it.",
            remedy="Check Dagster's storage and the room on the disk of DAGSTER_HOME.",
        )
        unrecorded.__cause__ = error
        return unrecorded
    wrapped = ReplicationError(
        f"{plan.display_name}: an unexpected {type(error).__name__}: {error}",
        kept="What was committed before stays; the next run continues from it.",
        remedy="This is a defect: please report it with the output of --debug.",
    )
    wrapped.__cause__ = error
    return wrapped
