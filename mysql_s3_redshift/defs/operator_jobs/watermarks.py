"""Set, reset or restore where a table stands. The documents before each change are kept."""

from collections.abc import Callable

from mysql_s3_redshift.adapters import operations
from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.adapters.operations import Changed, Operation
from mysql_s3_redshift.core.model import LoadMode
from mysql_s3_redshift.core.state import ExtractState
from mysql_s3_redshift.defs.operator_jobs.audit import Audit, change_facts, position_text
from mysql_s3_redshift.defs.operator_jobs.forms import (
    ResetWatermarkConfig,
    RestoreWatermarkConfig,
    SetWatermarkConfig,
)
from mysql_s3_redshift.defs.operator_jobs.launchpad import ConfirmedConfig, moment_of, unchanged
from mysql_s3_redshift.defs.operator_jobs.turn import Turn
from mysql_s3_redshift.errors import StateUnreadableError


def set_watermark(turn: Turn, config: SetWatermarkConfig) -> Audit:
    """Move the watermark."""
    config.demand_confirmation(turn.plan)
    timestamp = moment_of("timestamp", config.timestamp) if config.timestamp else None

    def act(operation: Operation) -> Changed:
        return operations.set_watermark(operation, timestamp=timestamp, identity=config.id)

    return _change(turn, config, "watermark-set", act)


def reset_watermark(turn: Turn, config: ResetWatermarkConfig) -> Audit:
    """Start a new generation."""
    config.demand_confirmation(turn.plan)
    mysql, redshift = config.stages != "redshift_only", config.stages != "mysql_only"

    def act(operation: Operation) -> Changed:
        mode = operations.load_mode(turn.plan, _readable(operation))
        may_double = mode in {"", LoadMode.APPEND} and not config.truncate_target
        if may_double and not config.accept_doubles:
            raise unchanged(
                f"{turn.plan.display_name}: load_mode is {mode or 'not known yet'}, so every row "
                "that is in Redshift now would be there twice.",
                "Set truncate_target, or accept_doubles where that is what you want.",
            )
        return operations.reset(
            operation,
            mysql=mysql,
            redshift=redshift,
            truncate=config.truncate_target,
            force=config.force,
        )

    parts = ["watermark", "force-reset" if config.force else "reset"]
    parts += ["redshift"] if not mysql else [] if redshift else ["mysql"]
    parts += ["truncate"] if config.truncate_target else []
    touches_target = redshift or config.truncate_target
    return _change(turn, config, "-".join(parts), act, touches_target=touches_target)


def restore_watermark(turn: Turn, config: RestoreWatermarkConfig) -> Audit:
    """Bring a version back."""
    config.demand_confirmation(turn.plan)

    def act(operation: Operation) -> Changed:
        history = [] if config.version else operation.states.history()
        version = config.version or (history[0].name if history else "")
        if not version:
            raise unchanged(
                f"{turn.plan.display_name}: the history is empty: nothing was changed by hand.",
                "There is nothing to restore.",
            )
        return operations.restore(operation, version)

    return _change(turn, config, "watermark-restore", act, touches_target=True)


def _change(
    turn: Turn,
    config: ConfirmedConfig,
    action: str,
    act: Callable[[Operation], Changed],
    *,
    touches_target: bool = False,
) -> Audit:
    plan = turn.plan
    with Connections(turn.config) as connections:
        operation = turn.operation(connections, action, config)
        before = _readable(operation)
        changed = act(operation)
        after = operation.states.extract.read()
    was, now = position_text(plan, before), position_text(plan, after)
    return Audit(
        action=action,
        sentence=f"{action} by {config.who}: {config.reason}",
        who=config.who,
        why=config.reason,
        before=was,
        after=now,
        facts={
            **change_facts(changed),
            **({"generation": after.generation} if after is not None else {}),
        },
        touches_target=touches_target,
    )


def _readable(operation: Operation) -> ExtractState | None:
    """The state as far as it can be read; what is damaged is the operation's to judge."""
    try:
        return operation.states.extract.read()
    except StateUnreadableError:
        return None
