"""A load mode that was changed in `pipelines.yaml` while a whole-table read waits.

The files of such a read are one set. Only `replace` takes them as what they are, all rows of the
table: an append would add them to those that are there, and the rest of a set that was loaded in
part would replace more than it brings.
"""

from __future__ import annotations

from mysql_s3_redshift.core.model import LoadMode, TablePlan
from mysql_s3_redshift.core.state import ExtractState, LoadState
from mysql_s3_redshift.errors import ConfigError


def follow_mode(state: ExtractState, mode: str) -> ExtractState:
    """The state for a load mode: what another one read tells nothing of the target's rows.

    So a table that becomes `replace` is replaced, even if nothing changed in MySQL since.
    """
    if state.metadata.get("load_mode") in {None, mode}:
        return state
    return state.with_(mysql_state=state.mysql_state.with_(digest=None, set_done=None))


def refuse_changed_mode(
    plan: TablePlan, extract: ExtractState, load: LoadState | None, *, mode: str
) -> None:
    """Let a set come to its end in the mode that it was read for.

    Raises:
        ConfigError: The mode was or becomes `replace`, and a set is not complete or not loaded.
    """
    before = extract.metadata.get("load_mode")
    if before in {None, mode} or LoadMode.REPLACE not in {before, mode}:
        return
    phase = extract.mysql_state.snapshot
    is_under_way = phase is not None and phase.set_id is not None
    if not is_under_way and all(f.kind != "full" for f in extract.pending(load)):
        return
    what = "not complete" if is_under_way else "on S3 and not loaded"
    raise ConfigError(
        f"{plan.display_name}: load_mode is {mode}, and a snapshot of the whole table that was "
        f"read for {before} is {what} yet.",
        kept="Nothing was read or loaded; the state and all files are unchanged.",
        remedy=f"Set load_mode: {before} again and sync once, or start anew with `watermark reset` "
        "(--truncate-target where the new mode is append).",
    )
