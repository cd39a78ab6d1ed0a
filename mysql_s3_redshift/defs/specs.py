"""What the asset catalog knows of a table before anything ran.

Nothing here connects: columns, comments and counts come with the materializations.
"""

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import dagster as dg

from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.defs.names import (
    PIPELINE_TAG,
    extract_key,
    group_name,
    load_key,
    source_key,
    state_io_manager,
)
from mysql_s3_redshift.defs.partitions import partitions_of

FORMAT_VERSION = "1"
"""Changes when the same options give other files or other rows."""


def source_spec(plan: TablePlan) -> dg.AssetSpec:
    """The MySQL table: not ours, shown for the lineage."""
    return dg.AssetSpec(
        source_key(plan),
        description=_description(
            plan, f"MySQL table `{plan.qualified_name}` of source `{plan.source}`."
        ),
        group_name=group_name(plan.pipeline),
        kinds={"mysql"},
        metadata={"dagster/table_name": plan.qualified_name, "dagster/storage_kind": "mysql"},
    )


def extract_spec(plan: TablePlan) -> dg.AssetSpec:
    """The parquet files of a table."""
    return dg.AssetSpec(
        extract_key(plan),
        deps=[source_key(plan)],
        description=_description(
            plan, f"Parquet files of MySQL `{plan.qualified_name}`; every row version once."
        ),
        group_name=group_name(plan.pipeline),
        kinds={"s3", "parquet"},
        owners=list(plan.owners),
        tags=_tags(plan),
        code_version=code_version(plan),
        metadata={**_options(plan), "dagster/storage_kind": "s3"},
        partitions_def=partitions_of(plan),
    ).with_io_manager_key(state_io_manager(plan.storage))


def load_spec(plan: TablePlan) -> dg.AssetSpec:
    """The Redshift table."""
    table = f"{plan.target_schema}.{plan.target_name}"
    return dg.AssetSpec(
        load_key(plan),
        deps=[extract_key(plan)],
        description=_description(
            plan, f"Redshift table `{table}`, kept equal to MySQL `{plan.qualified_name}`."
        ),
        group_name=group_name(plan.pipeline),
        kinds={"redshift", "table"},
        owners=list(plan.owners),
        tags=_tags(plan),
        code_version=code_version(plan),
        metadata={
            **_options(plan),
            "dagster/storage_kind": "redshift",
            "dagster/table_name": table,
        },
        freshness_policy=_freshness(plan.freshness),
    ).with_io_manager_key(state_io_manager(plan.storage))


def code_version(plan: TablePlan) -> str:
    """Version of what makes the data: the format, and the options that change rows.

    The plan's text leaves out the salt of hashed columns, so no secret is digested here.
    """
    shown = replace(plan, description=None, owners=(), tags={}, freshness=None, lag=None, slices=1)
    shown = replace(shown, partitions=None)
    return f"{FORMAT_VERSION}.{hashlib.sha256(repr(shown).encode()).hexdigest()[:8]}"


def _description(plan: TablePlan, what: str) -> str:
    return f"{plan.description}\n\n{what}" if plan.description else what


def _tags(plan: TablePlan) -> dict[str, str]:
    return {PIPELINE_TAG: plan.pipeline, **plan.tags}


def _options(plan: TablePlan) -> dict[str, Any]:
    """The table's options of `pipelines.yaml`, the ones that people ask for."""
    cursor = [c for c in (plan.timestamp_column, plan.id_column) if c]
    options: dict[str, Any] = {
        "cdc_strategy": str(plan.strategy or "discovered"),
        "load_mode": str(plan.load_mode or "discovered"),
        "cursor_columns": ", ".join(cursor) or "discovered, or none",
        "chunk_rows": plan.chunk_rows,
    }
    for name, columns in (("excluded", plan.columns.exclude), ("hashed", plan.columns.hash)):
        if columns:
            options[f"{name}_columns"] = ", ".join(columns)
    if plan.partitions:
        options["partitioned_by"] = f"the day of `{plan.partitions.column}`"
    if plan.additional_where:
        options["additional_where"] = dg.MetadataValue.md(f"```sql\n{plan.additional_where}\n```")
    if plan.query:
        options["query"] = dg.MetadataValue.md(f"```sql\n{plan.query}\n```")
    return options


def _freshness(window: timedelta | None) -> dg.FreshnessPolicy | None:
    return dg.FreshnessPolicy.time_window(fail_window=window) if window else None
