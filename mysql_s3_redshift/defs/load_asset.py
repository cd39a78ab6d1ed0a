"""What the step of a Redshift asset does: one load, and what is shown of it."""

import dagster as dg

from mysql_s3_redshift.adapters import pair
from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.core.load import LoadReport, LoadRequest, load_target
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.core.state import ExtractState, LoadState
from mysql_s3_redshift.defs.checks.specs import load_audit_keys
from mysql_s3_redshift.defs.checks.standing import tell_again
from mysql_s3_redshift.defs.checks.steps import load_results
from mysql_s3_redshift.defs.metadata import Loaded, load_metadata
from mysql_s3_redshift.defs.names import SESSION, load_key, target_resource
from mysql_s3_redshift.defs.progress import StepProgress
from mysql_s3_redshift.defs.resources import RedshiftResource, RunSession, resource
from mysql_s3_redshift.defs.run_config import LoadConfig


def run_load(
    context: dg.AssetExecutionContext, plan: TablePlan, state: ExtractState, config: LoadConfig
) -> dg.MaterializeResult[LoadState]:
    """Load the pending files; never connects to MySQL."""
    session = resource(context, SESSION, RunSession)
    redshift = resource(context, target_resource(plan.target), RedshiftResource)
    progress = StepProgress(context, plan, session)
    request = LoadRequest(context.run.run_id, config.max_files, session.stopping)
    with redshift.open() as connections:
        storage = connections.storage(plan)
        report = pair.load_table(plan, state, request, connections, progress)
        seconds = progress.elapsed
        progress.observe_changes(report.changes)
        schema_id = state.metadata.get("stored_schema")
        database = redshift.config.target(plan.target).database
        shown = Loaded(
            plan=plan,
            report=report,
            schema=storage.get_schema(str(schema_id)) if schema_id else None,
            table_name=f"{database}.{plan.target_schema}.{plan.target_name}",
            row_count=_row_count(context, plan, state, report, connections),
            state_uri=storage.load_states().uri,
            manifests_uri=storage.manifests_uri,
            seconds={"load": seconds},
        )
    tell_again(context, plan, load_audit_keys(plan).values())
    loaded = f"{report.state.generation}.{report.state.redshift_state.total_files}"
    return dg.MaterializeResult(
        value=report.state,
        metadata=load_metadata(shown),
        check_results=load_results(shown, state),
        data_version=dg.DataVersion(loaded),
    )


def _row_count(
    context: dg.AssetExecutionContext,
    plan: TablePlan,
    state: ExtractState,
    report: LoadReport,
    connections: Connections,
) -> int | None:
    """Rows of the target; a run that loaded nothing repeats what the last one counted.

    So an idle table costs no connection to Redshift.
    """
    if not report.loads:
        event = context.instance.get_latest_materialization_event(load_key(plan))
        last = event.asset_materialization if event else None
        known = last.metadata.get("dagster/row_count") if last else None
        if known is not None and isinstance(known.value, int):
            return known.value
    return connections.target(plan).count_rows(load_target(plan, state))
