"""One Redshift table has the rows of one history of one table of one pipeline.

Numbers of files, and the load state that goes by them, are those of that history. `pipelines.yaml`
is held to it where it is read. What one file cannot tell is noticed here: a pipeline that was
renamed or moved to another bucket, a second `pipelines.yaml`, an extract state that was lost.
"""

from __future__ import annotations

from mysql_s3_redshift.core.loading import Loading
from mysql_s3_redshift.core.model import LoadMode, TablePlan
from mysql_s3_redshift.core.ports import LoadTransaction
from mysql_s3_redshift.core.state import ExtractState, LoadState
from mysql_s3_redshift.errors import ConfigError

OWNER = "files_of"
"""In the load state's metadata: the asset whose files its numbers are of."""


def refuse_other_owner(plan: TablePlan, extract: ExtractState, load: LoadState) -> None:
    """Two tables that load one target would take each other's numbers for their own.

    A history that began after what was loaded is numbered behind it, so it takes the target over.

    Raises:
        ConfigError: The target is another table's.
    """
    owner = load.metadata.get(OWNER)
    if owner in {None, owner_of(plan)} or extract.generation > load.generation:
        return
    raise ConfigError(
        f"{plan.display_name}: {load.target} is loaded from {owner}, not from {owner_of(plan)}.",
        kept="Nothing was read or loaded.",
        remedy="Give one of the two another target_name. If the other one is gone for good, start "
        "this one anew with `watermark reset --truncate-target`.",
    )


def owner_of(plan: TablePlan) -> str:
    """How the load state names the files of a table."""
    return "/".join(plan.extract_key)


def begin_load(plan: TablePlan, extract: ExtractState, load: LoadState | None) -> LoadState:
    """The load state of a run that begins.

    Raises:
        ConfigError: The target is another table's.
    """
    state = load or LoadState.first(plan)
    refuse_other_owner(plan, extract, state)
    mine = {**state.metadata, OWNER: owner_of(plan)}
    return state.begin(extract.generation).with_(metadata=mine)


def appends_anew(load_mode: str, extract: ExtractState, load: LoadState) -> bool:
    """Whether a history appends its first file, and nobody changed it by hand."""
    first = not load.redshift_state.total_files
    return load_mode == LoadMode.APPEND and first and "manual_change" not in extract.metadata


def refuse_doubled_history(run: Loading, transaction: LoadTransaction) -> None:
    """An append that begins anew must not find the rows of another history in the target.

    Whoever changed the watermark by hand has been asked already, and told.

    Raises:
        ConfigError: Another history loaded them, and nobody decided what is to become of them.
    """
    if not appends_anew(run.table.load_mode, run.extract, run.state):
        return
    found = transaction.of_other_history(run.extract.files, run.extract.generation)
    if found is None:
        return
    plan = run.table.plan
    raise ConfigError(
        f"{plan.display_name}: {plan.target_schema}.{plan.target_name} has rows of another "
        f"history, from {found}; appending this one's would double them.",
        kept="Nothing was loaded; the files stay pending.",
        remedy="To go on where the other history ended, move this one there: `watermark set`, and "
        "`s3clean clean --force` for files before it. To begin anew, empty the table, or run "
        "`watermark reset --truncate-target`.",
    )
