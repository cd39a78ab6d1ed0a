"""Assets and checks that one step makes.

They are put together here instead of by `dg.multi_asset`, with the same result: the decorator works
out config schema, inputs and outputs of every function again, though the steps of all tables differ
by nothing but names. Of a pipeline with hundreds of tables that was most of what this project adds
to the time that definitions take to load, which every process pays that runs a step.
"""

from collections.abc import Iterable, Mapping

import dagster as dg

_CHECK = dg.Out()
_SELECTED_CHECK = dg.Out(is_required=False)


def asset_outputs(
    spec: dg.AssetSpec, checks: Iterable[dg.AssetCheckSpec], *, io_manager_key: str
) -> dict[str, dg.Out]:
    """The outputs of an asset's step: its value, and a result of each of its checks."""
    value = dg.Out(
        io_manager_key=io_manager_key,
        description=spec.description,
        metadata=spec.metadata,
        code_version=spec.code_version,
    )
    return {spec.key.to_python_identifier(): value} | dict.fromkeys(_by_output(checks), _CHECK)


def check_outputs(checks: Iterable[dg.AssetCheckSpec]) -> dict[str, dg.Out]:
    """The outputs of a step that evaluates those of its checks that are selected."""
    return dict.fromkeys(_by_output(checks), _SELECTED_CHECK)


def asset_of(
    step: dg.OpDefinition,
    spec: dg.AssetSpec,
    checks: Iterable[dg.AssetCheckSpec],
    *,
    upstream: Mapping[str, dg.AssetKey],
    backfill_policy: dg.BackfillPolicy | None = None,
) -> dg.AssetsDefinition:
    """Make the asset of a step.

    Args:
        step: Has the outputs of `asset_outputs`.
        spec: The asset.
        checks: Of the asset, evaluated by the step.
        upstream: Input of the step → the asset that it is of.
        backfill_policy: Of an asset with partitions.
    """
    return dg.AssetsDefinition(
        node_def=step,
        keys_by_input_name=upstream,
        keys_by_output_name={spec.key.to_python_identifier(): spec.key},
        specs=[spec],
        check_specs_by_output_name=_by_output(checks),
        backfill_policy=backfill_policy,
    )


def checks_of(
    step: dg.OpDefinition,
    checks: Iterable[dg.AssetCheckSpec],
    *,
    upstream: Mapping[str, dg.AssetKey],
) -> dg.AssetChecksDefinition:
    """Make the checks of a step that has the outputs of `check_outputs`; it may evaluate some."""
    made: dg.AssetChecksDefinition = dg.AssetChecksDefinition.create(
        node_def=step,
        keys_by_input_name=upstream,
        check_specs_by_output_name=_by_output(checks),
        can_subset=True,
    )
    return made


def _by_output(checks: Iterable[dg.AssetCheckSpec]) -> dict[str, dg.AssetCheckSpec]:
    return {spec.get_python_identifier(): spec for spec in checks}
