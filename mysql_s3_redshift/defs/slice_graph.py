"""The S3 asset of a table with `slices`: plan → a step per key range → finish.

The same asset as any other's, with the same key, value, config and checks; only its steps differ.
The executor decides how many slices run at a time, and the pool of the source how many connections
they have. What passes between the steps is the name of a range, which Dagster keeps as the mapping
key of the step: positions and files are in the extract state, so steps need no common disk.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from mysql_s3_redshift.config import step_name
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.core.state import ExtractState
from mysql_s3_redshift.defs.checks.specs import extract_check_specs
from mysql_s3_redshift.defs.failures import shown_in_dagster
from mysql_s3_redshift.defs.names import (
    SESSION,
    SLICES,
    extract_key,
    source_key,
    source_resource,
    state_io_manager,
    storage_resource,
)
from mysql_s3_redshift.defs.partitions import BACKFILL
from mysql_s3_redshift.defs.run_config import ExtractConfig
from mysql_s3_redshift.defs.specs import extract_spec

STEPS = ("plan", "slice", "finish")
_SOURCE = "source"


class SliceIOManager(dg.IOManager):
    """Stores nothing: a slice's step learns its range from its own name."""

    def handle_output(self, context: dg.OutputContext, obj: object) -> None:
        """Keep nothing."""

    def load_input(self, context: dg.InputContext) -> str | None:
        """The mapping key of the step that this one follows; None after a slice."""
        return context.upstream_output.mapping_key if context.upstream_output else None


def build_sliced_asset(
    plan: TablePlan, *, retry_policy: dg.RetryPolicy | None
) -> dg.AssetsDefinition:
    """Make the S3 asset of a table with slices."""
    name, key = step_name(plan.extract_key), extract_key(plan)
    checks = {spec.get_python_identifier(): spec for spec in extract_check_specs(plan)}
    plan_op, slice_op, finish_op = _steps(plan, checks, retry_policy=retry_policy)

    @dg.graph(
        name=name,
        ins={_SOURCE: dg.GraphIn()},
        out={output: dg.GraphOut() for output in ("result", *checks)},
        config=dg.ConfigMapping(
            config_fn=lambda config: {step: {"config": config} for step in STEPS},
            config_schema=ExtractConfig.to_fields_dict(),
        ),
    )
    def sliced(source: Any) -> Any:
        done = plan_op.alias("plan")(source).map(slice_op.alias("slice"))
        outputs = finish_op.alias("finish")(done.collect())
        return dict(zip(("result", *checks), outputs, strict=True))

    return dg.AssetsDefinition(
        node_def=sliced,
        keys_by_input_name={_SOURCE: source_key(plan)},
        keys_by_output_name={"result": key},
        specs=[extract_spec(plan)],
        check_specs_by_output_name=checks,
        backfill_policy=BACKFILL if plan.partitions else None,
    )


def _steps(
    plan: TablePlan,
    checks: dict[str, dg.AssetCheckSpec],
    *,
    retry_policy: dg.RetryPolicy | None,
) -> tuple[dg.OpDefinition, dg.OpDefinition, dg.OpDefinition]:
    """The three steps. Their definitions have the table's name, which is unique in a job."""
    name = step_name(plan.extract_key)
    source, storage = source_resource(plan.source), storage_resource(plan.storage)
    common: dict[str, Any] = {
        "pool": source,
        "required_resource_keys": {source, storage, SESSION},
        "retry_policy": retry_policy,
    }
    outputs = {"result": dg.Out(io_manager_key=state_io_manager(plan.storage))}
    outputs |= {output: dg.Out(is_required=False) for output in checks}

    @dg.op(
        name=f"{name}__plan",
        ins={_SOURCE: dg.In(dg.Nothing)},
        out=dg.DynamicOut(io_manager_key=SLICES),
        **common,
    )
    def plan_slices(
        context: dg.AssetExecutionContext, config: ExtractConfig
    ) -> Iterator[dg.DynamicOutput[None]]:
        with shown_in_dagster(context):
            from mysql_s3_redshift.defs.sliced_asset import run_plan

            names = run_plan(context, plan, config)
        yield from (dg.DynamicOutput(None, mapping_key=name) for name in names)

    @dg.op(name=f"{name}__slice", out=dg.Out(io_manager_key=SLICES), **common)
    def read_slice(
        context: dg.AssetExecutionContext, config: ExtractConfig, work: Any
    ) -> dg.Output[None]:
        with shown_in_dagster(context):
            from mysql_s3_redshift.defs.sliced_asset import run_slice

            rows = run_slice(context, plan, str(work))
        return dg.Output(None, metadata={"rows_extracted": rows})

    @dg.op(name=f"{name}__finish", out=outputs, **common)
    def finish(
        context: dg.AssetExecutionContext, config: ExtractConfig, slices: list[Any]
    ) -> Iterator[dg.MaterializeResult[ExtractState]]:
        with shown_in_dagster(context):
            from mysql_s3_redshift.defs.extract_asset import run_extract

            result = run_extract(context, plan, config, continues=True)
        yield result

    return plan_slices, read_slice, finish
