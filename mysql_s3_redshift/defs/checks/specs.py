"""Names and descriptions of the checks: what the UI shows of them before any of them ran."""

from collections.abc import Iterable, Mapping

import dagster as dg

from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.defs.names import extract_key, load_key

CURSOR_INDEXED = "cursor_indexed"
WATERMARK_NOT_IN_FUTURE = "watermark_not_in_future"
VOLUME_AS_USUAL = "volume_as_usual"
SCHEMA_DRIFT = "schema_drift"
COUNTS_AGREE = "counts_agree"
CURSOR_NOT_NULL = "cursor_not_null"
REGISTERED_FILES_EXIST = "registered_files_exist"
ALL_COUNTS_AGREE = "all_counts_agree"
NO_DUPLICATE_KEYS = "no_duplicate_keys"
SOURCE_MATCHES_TARGET = "source_matches_target"

EXTRACT_CHECKS = {
    CURSOR_INDEXED: "An index of MySQL begins with the cursor column; without one every run reads "
    "the whole table. Warns.",
    WATERMARK_NOT_IN_FUTURE: "The watermark is not ahead of the source's clock, nor of its newest "
    "id; rows below it would never be read.",
    VOLUME_AS_USUAL: "The run brought about as many rows as the last 20 did for a stretch of time "
    "of that length. Warns.",
    SCHEMA_DRIFT: "No column disappeared, changed its type or its name, and the key is the same, "
    "since the files before. New and wider columns are taken without being asked. Warns.",
}
"""In the extraction's step, from what it knows anyway."""

LOAD_CHECKS = {
    COUNTS_AGREE: "Both state documents and the target's rows, as the last load counted them, "
    "agree. COPY's own count is proven in each load's transaction.",
}
"""In the load's step, from what it knows anyway."""

AUDITED_EXTRACT_CHECKS = {
    CURSOR_NOT_NULL: "No row has NULL in the cursor column: such rows are read once, at first, "
    "and no later change of them is seen. Asks MySQL.",
    REGISTERED_FILES_EXIST: "Every file that waits to be loaded is on S3, and every registered "
    "file that is there has the size that was registered. Lists the table's folder.",
}
AUDITED_LOAD_CHECKS = {
    ALL_COUNTS_AGREE: "States, parquet footers, manifests, ledger and COUNT(*) of the target "
    "agree: the comparisons of `watermark-count validate-counts`.",
    NO_DUPLICATE_KEYS: "No key is in the target twice. Groups the target by its key.",
    SOURCE_MATCHES_TARGET: "MySQL has as many rows up to the watermark as the target: the "
    "comparison of `verify`. Counts in both databases.",
}
"""By the schedule of the pipeline's checks; they ask the systems."""

_DAILY = " Once a day, or as `checks` in pipelines.yaml says; a sync repeats the last result."


def extract_check_keys(plan: TablePlan) -> dict[str, dg.AssetCheckKey]:
    """Keys of the checks of an extraction's step, by name."""
    return _keys(extract_key(plan), EXTRACT_CHECKS)


def load_check_keys(plan: TablePlan) -> dict[str, dg.AssetCheckKey]:
    """Keys of the checks of a load's step, by name."""
    return _keys(load_key(plan), LOAD_CHECKS)


def step_check_keys(plan: TablePlan) -> list[dg.AssetCheckKey]:
    """Keys of all checks that a run of a table evaluates in its steps."""
    return [*extract_check_keys(plan).values(), *load_check_keys(plan).values()]


def audit_check_keys(plan: TablePlan) -> dict[str, dg.AssetCheckKey]:
    """Keys of the checks that ask the systems, by name."""
    return {**extract_audit_keys(plan), **load_audit_keys(plan)}


def extract_audit_keys(plan: TablePlan) -> dict[str, dg.AssetCheckKey]:
    """Those of the parquet files."""
    return _keys(extract_key(plan), AUDITED_EXTRACT_CHECKS)


def load_audit_keys(plan: TablePlan) -> dict[str, dg.AssetCheckKey]:
    """Those of the Redshift table."""
    return _keys(load_key(plan), AUDITED_LOAD_CHECKS)


def extract_check_specs(plan: TablePlan) -> list[dg.AssetCheckSpec]:
    """The checks of an extraction's step."""
    return _specs(extract_check_keys(plan).values(), EXTRACT_CHECKS)


def load_check_specs(plan: TablePlan) -> list[dg.AssetCheckSpec]:
    """The checks of a load's step."""
    return _specs(load_check_keys(plan).values(), LOAD_CHECKS)


def audit_check_specs(plan: TablePlan) -> list[dg.AssetCheckSpec]:
    """The checks that ask the systems."""
    told = {**AUDITED_EXTRACT_CHECKS, **AUDITED_LOAD_CHECKS}
    return _specs(
        audit_check_keys(plan).values(), {name: text + _DAILY for name, text in told.items()}
    )


def _keys(asset: dg.AssetKey, names: Mapping[str, str]) -> dict[str, dg.AssetCheckKey]:
    return {name: dg.AssetCheckKey(asset, name) for name in names}


def _specs(
    keys: Iterable[dg.AssetCheckKey], descriptions: Mapping[str, str]
) -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(key.name, asset=key.asset_key, description=descriptions[key.name])
        for key in keys
    ]
