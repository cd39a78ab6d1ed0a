"""The step of a table's audited checks; what it does is in `audit`."""

from collections.abc import Iterator

import dagster as dg

from mysql_s3_redshift.config import step_name
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.defs.checks.specs import audit_check_specs
from mysql_s3_redshift.defs.names import (
    AUDIT_PREFIX,
    extract_key,
    load_key,
    source_resource,
    storage_resource,
    target_resource,
)
from mysql_s3_redshift.defs.single_step import check_outputs, checks_of

_NO_CONFIG = dg.Field({})


def build_audit(plan: TablePlan) -> dg.AssetChecksDefinition:
    """Make the step that evaluates the audited checks of a table."""
    checks = audit_check_specs(plan)

    @dg.op(
        name=f"{AUDIT_PREFIX}{step_name(plan.load_key)}",
        ins={"extracted": dg.In(dg.Nothing), "loaded": dg.In(dg.Nothing)},
        out=check_outputs(checks),
        config_schema=_NO_CONFIG,
        pool=source_resource(plan.source),
        required_resource_keys={
            source_resource(plan.source),
            storage_resource(plan.storage),
            target_resource(plan.target),
        },
        description=f"Asks MySQL, S3 and Redshift whether `{plan.qualified_name}` is as it should.",
    )
    def audit(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        from mysql_s3_redshift.defs.checks.audit import run_audit

        yield from run_audit(context, plan)

    return checks_of(
        audit, checks, upstream={"extracted": extract_key(plan), "loaded": load_key(plan)}
    )
