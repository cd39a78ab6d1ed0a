"""Sync a table with limits, reload a window of it."""

from dataclasses import replace
from typing import TYPE_CHECKING

from mysql_s3_redshift.adapters.s3.bucket import Bucket
from mysql_s3_redshift.adapters.s3.states import TableStates
from mysql_s3_redshift.core.model import RunLimits, TimestampUnit, Window
from mysql_s3_redshift.defs.metadata import Metadata
from mysql_s3_redshift.defs.operator_jobs.audit import Audit, position_text
from mysql_s3_redshift.defs.operator_jobs.forms import ReloadWindowConfig, SyncTableConfig
from mysql_s3_redshift.defs.operator_jobs.launchpad import moment_of, unchanged
from mysql_s3_redshift.defs.operator_jobs.turn import Turn

if TYPE_CHECKING:
    from mysql_s3_redshift.defs.sync import TableOutcome


def sync_table(turn: Turn, config: SyncTableConfig) -> Audit:
    """Sync a table; what it did is on its own run, too."""
    audit = Audit(action="sync", sentence="Synced by an operator")
    limits = RunLimits(config.limit, config.max_chunks, config.max_files)
    return _sync(turn, audit, stages=config.stages, limits=limits)


def reload_window(turn: Turn, config: ReloadWindowConfig) -> Audit:
    """Reload a window; the watermark stays."""
    config.demand_signature()
    start, end = moment_of("start", config.start), moment_of("end", config.end)
    if start >= end:
        raise unchanged(
            f"The window from {start} to {end} is empty.", "Give a `start` before the `end`."
        )
    window = Window(start, end, config.column, TimestampUnit(config.unit))
    sentence = f"Window {start} to {end} of {config.column or 'the cursor'} reloaded"
    audit = Audit(
        action="reload-window",
        sentence=sentence,
        who=config.who,
        why=config.reason,
        facts={"window": f"{config.column or 'cursor'}: {start} to {end}"},
    )
    return _sync(turn, audit, window=window)


def _sync(
    turn: Turn,
    audit: Audit,
    *,
    stages: str = "both",
    limits: RunLimits = RunLimits(),  # noqa: B008  a frozen value
    window: Window | None = None,
) -> Audit:
    # The runner makes definitions of a table's pair, in the module that these jobs are a part of.
    from mysql_s3_redshift.defs.sync import SyncOptions, sync_tables

    plan, before = turn.plan, _position(turn)
    options = SyncOptions(
        backup_only=stages == "backup_only",
        redshift_only=stages == "redshift_only",
        limits=limits,
        window=window,
    )
    outcomes = sync_tables(
        turn.config,
        [plan],
        options,
        instance=turn.context.instance,
        report=lambda _table, event, facts: turn.context.log.info("%s: %s", event, dict(facts)),
        stopping=lambda: False,
    )
    outcome = outcomes[plan.display_name]
    counts = f"{outcome.rows_extracted:,} rows extracted, {outcome.rows_loaded:,} loaded"
    return replace(
        audit,
        sentence=f"{audit.sentence}: {counts if outcome.error is None else 'failed'}.",
        before=before,
        after=_position(turn),
        facts={**audit.facts, **_facts(outcome)},
        touches_target=not options.backup_only,
        failure=outcome.error,
    )


def _facts(outcome: "TableOutcome") -> Metadata:
    """What the run did."""
    return {
        "rows_extracted": outcome.rows_extracted,
        "rows_loaded": outcome.rows_loaded,
        "files_loaded": outcome.files_loaded,
        **({} if outcome.pending_files is None else {"pending_files": outcome.pending_files}),
        **({"note": outcome.note} if outcome.note else {}),
        **({"sync_run": outcome.run_id} if outcome.run_id else {}),
    }


def _position(turn: Turn) -> str:
    storage = turn.config.storage(turn.plan.storage)
    state = TableStates(Bucket(storage), turn.plan).extract.read()
    return position_text(turn.plan, state)
