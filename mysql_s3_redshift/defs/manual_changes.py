"""Changes that the command line made by hand, shown in the UI by the run that finds them.

The command line changes documents without Dagster, which takes seconds to import. Each change is
in the history at once, with who and why; the next run of the table puts it on the asset. Operator
jobs leave their own observation and are not told again.
"""

from datetime import datetime
from typing import Any

import dagster as dg

from mysql_s3_redshift.core.state import ExtractState
from mysql_s3_redshift.defs.metadata import watermark_text


def observe_manual_change(context: dg.AssetExecutionContext, state: ExtractState | None) -> None:
    """Put a change on record that was made since the last run."""
    change = unobserved_change(state)
    if change is None:
        return
    action, who, why, when = (str(change.get(k, "")) for k in ("action", "who", "why", "at"))
    context.log_event(
        dg.AssetObservation(
            context.asset_key,
            description=f"{action} by {who}" + (f": {why}" if why else ""),
            metadata={
                "operator_action": action,
                "who": who,
                "why": why,
                "when": when,
                "after": watermark_text(state),
            },
        )
    )


def unobserved_change(state: ExtractState | None) -> dict[str, Any] | None:
    """The note of the newest change by hand, where no run and no job has shown it."""
    note = state.metadata.get("manual_change") if state else None
    if state is None or not isinstance(note, dict) or note.get("observed"):
        return None
    last, made = state.mysql_state.last_extraction_time, note.get("at")
    if not isinstance(made, str):
        return None
    if last is not None and datetime.fromisoformat(made) <= datetime.fromisoformat(last):
        return None
    return dict(note)
