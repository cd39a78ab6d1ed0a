"""The asset factory: a plan becomes a MySQL table, a set of parquet files and a Redshift table."""

from collections.abc import Iterable, Sequence

import dagster as dg

from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.defs.extract_asset import build_extract_asset
from mysql_s3_redshift.defs.load_asset import build_load_asset
from mysql_s3_redshift.defs.sliced_asset import build_sliced_asset
from mysql_s3_redshift.defs.specs import source_spec

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
