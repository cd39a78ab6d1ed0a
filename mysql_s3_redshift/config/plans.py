"""From the tables of a pipeline to `TablePlan`s, defaults and names filled in."""

from __future__ import annotations

from collections.abc import Mapping

from mysql_s3_redshift.config.pipelines import PipelineConfig
from mysql_s3_redshift.config.table_names import split_table_name
from mysql_s3_redshift.config.tables import ColumnOptions, TableOptions, merged
from mysql_s3_redshift.core.model import (
    CdcStrategy,
    ColumnPolicies,
    PartitionOptions,
    TablePlan,
    TargetOptions,
)
from mysql_s3_redshift.core.names import schema_identifier, table_identifier

_WITHOUT_START = frozenset({CdcStrategy.FULL_SYNC, CdcStrategy.ID_ONLY})
"""Strategies with no timestamp cursor; `start_from` of the defaults does not concern them."""


def plans_of(
    name: str,
    pipeline: PipelineConfig,
    *,
    ledger_schema: str,
    hash_salts: Mapping[str, str] | None = None,
) -> tuple[TablePlan, ...]:
    """Make the plans of a pipeline, in the order of the file.

    Args:
        name: Name of the pipeline.
        pipeline: The pipeline.
        ledger_schema: Schema of the target's ledger tables.
        hash_salts: Table → its salt, resolved.
    """
    salts = hash_salts or {}
    return tuple(
        _plan_of(name, pipeline, table, ledger_schema=ledger_schema, hash_salt=salts.get(table, ""))
        for table in pipeline.tables
    )


def _plan_of(
    name: str, pipeline: PipelineConfig, table: str, *, ledger_schema: str, hash_salt: str
) -> TablePlan:
    options = merged(pipeline.defaults, pipeline.tables[table])
    mysql_schema, mysql_table = split_table_name(table)
    has_start = options.cdc_strategy not in _WITHOUT_START
    return TablePlan(
        pipeline=name,
        source=pipeline.source,
        storage=pipeline.storage,
        target=pipeline.target,
        schema=mysql_schema,
        table=mysql_table,
        target_schema=pipeline.target_schema or schema_identifier(mysql_schema),
        target_name=options.target_name or table_identifier(mysql_table),
        strategy=options.cdc_strategy,
        timestamp_column=options.cdc_timestamp_column,
        timestamp_unit=options.cdc_timestamp_unit,
        timestamp_timezone=options.cdc_timestamp_timezone,
        id_column=options.cdc_id_column,
        query=options.query,
        load_mode=options.load_mode,
        primary_key=options.primary_key,
        start_from=options.start_from if has_start else None,
        additional_where=options.additional_where,
        lag=options.lag,
        chunk_rows=options.chunk_rows,
        allow_empty=options.allow_empty,
        slices=options.slices,
        ledger_schema=ledger_schema,
        target_options=_target_options(options),
        columns=_column_policies(options.columns, hash_salt),
        partitions=_partitions(options),
        description=options.description,
        owners=options.owners,
        tags=dict(options.tags),
        freshness=options.freshness,
    )


def _target_options(options: TableOptions) -> TargetOptions:
    return TargetOptions(
        diststyle=options.diststyle or ("key" if options.distkey else None),
        distkey=options.distkey,
        sortkey=options.sortkey,
        sortstyle=options.sortstyle or ("compound" if options.sortkey else None),
    )


def _column_policies(columns: ColumnOptions, hash_salt: str) -> ColumnPolicies:
    return ColumnPolicies(
        exclude=columns.exclude,
        rename=dict(columns.rename),
        types=dict(columns.types),
        hash=columns.hash,
        hash_salt=hash_salt,
        zero_dates=dict(columns.zero_dates),
        overlong=dict(columns.overlong),
        invalid_text=dict(columns.invalid_text),
        encodings=dict(columns.encodings),
    )


def _partitions(options: TableOptions) -> PartitionOptions | None:
    chosen = options.partitions
    return PartitionOptions(chosen.column, chosen.start, chosen.unit) if chosen else None
