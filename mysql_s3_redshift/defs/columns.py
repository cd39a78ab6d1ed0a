"""Columns in the UI: types, where each comes from, and what was done to it."""

from typing import Literal

import dagster as dg

from mysql_s3_redshift.core.model import (
    InvalidTextPolicy,
    OverlongPolicy,
    TablePlan,
    ZeroDatePolicy,
)
from mysql_s3_redshift.core.policies import value_policies
from mysql_s3_redshift.core.schema import Column, TableSchema
from mysql_s3_redshift.core.types import HASH_RULE
from mysql_s3_redshift.defs.names import extract_key, source_key

Stage = Literal["s3", "redshift"]

_ZERO_DATES = {ZeroDatePolicy.NULL: "zero dates become NULL"}
_OVERLONG = {
    OverlongPolicy.TRUNCATE: "values that are too long are cut",
    OverlongPolicy.NULL: "values that are too long become NULL",
}
_INVALID_TEXT = {
    InvalidTextPolicy.REPLACE: "bytes that are no UTF-8 are replaced",
    InvalidTextPolicy.NULL: "text that is no UTF-8 becomes NULL",
}


def column_schema(schema: TableSchema, plan: TablePlan, *, kind: Stage) -> dg.TableSchema:
    """The columns of the files or of the target, each with its history."""
    return dg.TableSchema(
        [
            dg.TableColumn(
                name=column.name,
                type=column.arrow if kind == "s3" else column.target_type,
                description=_describe(column, plan),
                constraints=dg.TableColumnConstraints(nullable=column.nullable),
                tags=_tags(column, schema),
            )
            for column in schema.columns
        ]
    )


def column_lineage(schema: TableSchema, plan: TablePlan, *, kind: Stage) -> dg.TableColumnLineage:
    """Which column each one is made of, one step back."""
    upstream = source_key(plan) if kind == "s3" else extract_key(plan)
    return dg.TableColumnLineage(
        {
            column.name: [
                dg.TableColumnDep(upstream, column.source if kind == "s3" else column.name)
            ]
            for column in schema.columns
        }
    )


def _describe(column: Column, plan: TablePlan) -> str:
    """MySQL's comment, MySQL's name and type, and every choice that changed the column."""
    option = plan.columns.types.get(column.source)
    parts = [column.comment] if column.comment else []
    parts.append(f"from MySQL `{column.source}` {column.source_type}")
    if column.renamed:
        parts.append("renamed")
    if column.rule == HASH_RULE.name:
        parts.append("replaced by the SHA-256 of salt and value")
    if option is not None:
        parts.append(f"type chosen in pipelines.yaml: {option}")
    return "; ".join([*parts, *_policies(column, plan)])


def _policies(column: Column, plan: TablePlan) -> list[str]:
    """What may have been done to single values; where a policy is `error`, nothing."""
    chosen = value_policies(plan.columns, column)
    if column.arrow.startswith(("date", "timestamp")):
        told = [_ZERO_DATES.get(chosen.zero_dates)]
    elif column.arrow == "string" and column.rule != HASH_RULE.name:
        told = [_OVERLONG.get(chosen.overlong), _INVALID_TEXT.get(chosen.invalid_text)]
    else:
        told = []
    return [sentence for sentence in told if sentence]


def _tags(column: Column, schema: TableSchema) -> dict[str, str]:
    tags = {"primary_key": ""} if column.name in schema.primary_key else {}
    if column.rule == HASH_RULE.name:
        tags["hashed"] = ""
    return tags
