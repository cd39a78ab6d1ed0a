"""The asset factory: a plan becomes a MySQL table, a set of parquet files and a Redshift table."""

from collections.abc import Iterable, Iterator, Sequence

import dagster as dg

from mysql_s3_redshift.config import step_name
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.core.state import ExtractState, LoadState
from mysql_s3_redshift.defs.checks.specs import extract_check_specs, load_check_specs
from mysql_s3_redshift.defs.failures import shown_in_dagster
from mysql_s3_redshift.defs.names import (
    SESSION,
    extract_key,
    source_key,
    source_resource,
    state_io_manager,
    storage_resource,
    target_resource,
)
from mysql_s3_redshift.defs.partitions import BACKFILL
from mysql_s3_redshift.defs.run_config import (
    EXTRACT_SCHEMA,
    LOAD_SCHEMA,
    ExtractConfig,
    LoadConfig,
    config_of,
)
from mysql_s3_redshift.defs.single_step import asset_of, asset_outputs
from mysql_s3_redshift.defs.slice_graph import build_sliced_asset
from mysql_s3_redshift.defs.specs import extract_spec, load_spec, source_spec

RETRY = dg.RetryPolicy(
    max_retries=3, delay=30, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)
"""For what the engine's own short retries could not outlast: a failover, a restart."""

Asset = dg.AssetsDefinition | dg.AssetSpec


def build_table_assets(
    plans: Iterable[TablePlan], *, retry_policy: dg.RetryPolicy | None = RETRY
) -> Sequence[Asset]:
    """Make the assets of all tables.

    Args:
        plans: The tables. Two pipelines may read one MySQL table: it is one asset, in the group
            of the first.
        retry_policy: Of every step; the policy really waits, so callers at a terminal give none.
    """
    assets: list[Asset] = []
    sources: set[tuple[str, ...]] = set()
    for plan in plans:
        if plan.source_key not in sources:
            sources.add(plan.source_key)
            assets.append(source_spec(plan))
        build = build_sliced_asset if plan.slices > 1 else build_extract_asset
        assets.append(build(plan, retry_policy=retry_policy))
        assets.append(build_load_asset(plan, retry_policy=retry_policy))
    return assets


def build_extract_asset(
    plan: TablePlan, *, retry_policy: dg.RetryPolicy | None
) -> dg.AssetsDefinition:
    """Make the S3 asset of a table: its parquet files, whose value is the extract state."""
    spec, checks = extract_spec(plan), extract_check_specs(plan)

    @dg.op(
        name=step_name(plan.extract_key),
        ins={"source": dg.In(dg.Nothing)},
        out=asset_outputs(spec, checks, io_manager_key=state_io_manager(plan.storage)),
        config_schema=EXTRACT_SCHEMA,
        pool=source_resource(plan.source),
        required_resource_keys={
            source_resource(plan.source),
            storage_resource(plan.storage),
            SESSION,
        },
        retry_policy=retry_policy,
    )
    def extract(
        context: dg.AssetExecutionContext,
    ) -> Iterator[dg.MaterializeResult[ExtractState]]:
        with shown_in_dagster(context):
            from mysql_s3_redshift.defs.extract_asset import run_extract

            result = run_extract(context, plan, config_of(context, ExtractConfig))
        yield result

    return asset_of(
        extract,
        spec,
        checks,
        upstream={"source": source_key(plan)},
        backfill_policy=BACKFILL if plan.partitions else None,
    )


def build_load_asset(
    plan: TablePlan, *, retry_policy: dg.RetryPolicy | None
) -> dg.AssetsDefinition:
    """Make the Redshift asset of a table: its rows, whose value is the load state."""
    spec, checks = load_spec(plan), load_check_specs(plan)

    @dg.op(
        name=step_name(plan.load_key),
        out=asset_outputs(spec, checks, io_manager_key=state_io_manager(plan.storage)),
        config_schema=LOAD_SCHEMA,
        pool=target_resource(plan.target),
        required_resource_keys={
            target_resource(plan.target),
            storage_resource(plan.storage),
            SESSION,
        },
        retry_policy=retry_policy,
    )
    def load(
        context: dg.AssetExecutionContext, state: ExtractState
    ) -> Iterator[dg.MaterializeResult[LoadState]]:
        with shown_in_dagster(context):
            from mysql_s3_redshift.defs.load_asset import run_load

            result = run_load(context, plan, state, config_of(context, LoadConfig))
        yield result

    return asset_of(load, spec, checks, upstream={"state": extract_key(plan)})
