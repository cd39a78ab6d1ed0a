"""Columns in the UI: types, where each comes from, and what was done to it."""

from typing import Literal

import dagster as dg

from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.core.schema import Column, TableSchema
from mysql_s3_redshift.core.types import HASH_RULE
from mysql_s3_redshift.defs.names import extract_key, source_key

Stage = Literal["s3", "redshift"]


def column_schema(schema: TableSchema, plan: TablePlan, *, kind: Stage) -> dg.TableSchema:
    """The columns of the files or of the target, each with its history."""
    options = dict(plan.columns.types)
    return dg.TableSchema(
        [
            dg.TableColumn(
                name=column.name,
                type=column.arrow if kind == "s3" else column.target_type,
                description=_describe(column, options.get(column.source)),
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


def _describe(column: Column, option: str | None) -> str:
    """MySQL's comment, MySQL's name and type, and every choice that changed the column."""
    parts = [column.comment] if column.comment else []
    parts.append(f"from MySQL `{column.source}` {column.source_type}")
    if column.renamed:
        parts.append("renamed")
    if column.rule == HASH_RULE.name:
        parts.append("replaced by the SHA-256 of salt and value")
    if option is not None:
        parts.append(f"type chosen in pipelines.yaml: {option}")
    return "; ".join(parts)


def _tags(column: Column, schema: TableSchema) -> dict[str, str]:
    tags = {"primary_key": ""} if column.name in schema.primary_key else {}
    if column.rule == HASH_RULE.name:
        tags["hashed"] = ""
    return tags
