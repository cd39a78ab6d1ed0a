"""Suggests how a table is replicated: its stanza of pipelines.yaml, and what to know about it."""

from __future__ import annotations

from dataclasses import dataclass

from mysql_s3_redshift.core.model import CdcStrategy, LoadMode, TablePlan
from mysql_s3_redshift.core.plan import UPDATED, ResolvedTable, resolve
from mysql_s3_redshift.core.schema import SourceTable

CREATED = ("create_at", "created_at", "create_time", "created_time", "insert_time")
CLOCKS = {"datetime", "timestamp"}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One table's stanza.

    Attributes:
        options: Keys of the stanza in their order.
        why: Why this strategy.
        warnings: What the table lacks, with the remedy.
    """

    table: SourceTable
    options: dict[str, object]
    why: str
    warnings: tuple[str, ...]


def suggest(table: SourceTable) -> Suggestion:
    """Choose strategy, load mode and sort key of a table from its columns and indexes."""
    resolved = resolve(_plan(table), table)
    options: dict[str, object] = {"cdc_strategy": str(resolved.cursor.strategy)}
    if resolved.cursor.timestamp:
        options["cdc_timestamp_column"] = resolved.cursor.timestamp
    if resolved.cursor.strategy in {CdcStrategy.HYBRID, CdcStrategy.ID_ONLY}:
        options["cdc_id_column"] = resolved.key[0]
    mode = resolved.load_mode
    if resolved.cursor.strategy is CdcStrategy.FULL_SYNC:
        mode = LoadMode.REPLACE
    options["load_mode"] = str(mode)
    if mode is LoadMode.UPSERT:
        options["primary_key"] = list(resolved.key)
    if resolved.cursor.columns:
        options["sortkey"] = [resolved.cursor.first_column]
    return Suggestion(table, options, _why(resolved), tuple(_warnings(resolved)))


def _plan(table: SourceTable) -> TablePlan:
    return TablePlan(
        pipeline="discover",
        source="source",
        storage="storage",
        target="target",
        schema=table.schema,
        table=table.name,
        target_schema=table.schema,
        target_name=table.name,
    )


def _why(resolved: ResolvedTable) -> str:
    cursor = resolved.cursor
    match cursor.strategy:
        case CdcStrategy.HYBRID:
            return f"{cursor.timestamp} changes with every update, {resolved.key[0]} breaks ties"
        case CdcStrategy.TIMESTAMP_ONLY:
            return f"{cursor.timestamp} changes with every update"
        case CdcStrategy.ID_ONLY:
            return f"{resolved.key[0]} tells new rows; changes of old rows are not seen"
    return "nothing tells what changed: the whole table is read and replaced"


def _warnings(resolved: ResolvedTable) -> list[str]:
    table, cursor = resolved.table, resolved.cursor
    found = []
    updated = next((c for c in table.columns if _is_clock(c.data_type, c.name, UPDATED)), None)
    created = next((c for c in table.columns if _is_clock(c.data_type, c.name, CREATED)), None)
    if updated is not None and cursor.timestamp is None:
        columns = ", ".join([updated.name, *table.primary_key])
        found.append(
            f"no index begins with {updated.name}: CREATE INDEX idx_{updated.name} ON "
            f"{table.schema}.{table.name} ({columns}), then use cdc_strategy: hybrid"
        )
    elif created is not None and updated is None:
        found.append(f"{created.name} never changes, so it is no cursor for updates")
    stamp = table.column(cursor.timestamp) if cursor.timestamp else None
    if stamp is not None and stamp.nullable:
        found.append(f"{stamp.name} can be NULL: such rows are read once, at first")
    if not table.primary_key:
        found.append("no primary key: rows cannot be told apart, so an upsert is not possible")
    if table.is_view:
        found.append("a view: it has no indexes, so every run reads all that it is made of")
    return found


def _is_clock(data_type: str, name: str, names: tuple[str, ...]) -> bool:
    return data_type in CLOCKS and name.lower() in names
