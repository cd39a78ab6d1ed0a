"""Checks of pipelines that no single value can fail: references, collisions, contradictions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from mysql_s3_redshift.config.pipelines import PipelineConfig
from mysql_s3_redshift.config.plans import plans_of
from mysql_s3_redshift.config.problems import (
    Problem,
    YamlPath,
    did_you_mean,
    dotted,
    listed,
    shortened,
)
from mysql_s3_redshift.config.table_names import step_name
from mysql_s3_redshift.config.tables import TableOptions, merged
from mysql_s3_redshift.config.yaml_reader import Document
from mysql_s3_redshift.core.model import CdcStrategy, LoadMode, TablePlan

_CONNECTIONS = {"source": "sources", "storage": "storages", "target": "targets"}
_MAX_INTERLEAVED = 8
_MAX_COMPOUND = 400
_LEDGER_NAME_BYTES = 127


@dataclass(frozen=True, slots=True)
class Connections:
    """What the checks need to know of the connections.

    Attributes:
        names: Section → the names it has.
        ledger_schemas: Target → schema of its ledger tables.
        databases: Target → what tells its database from others; equal for two names of one.
    """

    names: Mapping[str, tuple[str, ...]]
    ledger_schemas: Mapping[str, str]
    databases: Mapping[str, str]


def check_pipelines(
    pipelines: Mapping[str, PipelineConfig], connections: Connections, document: Document
) -> Iterator[Problem]:
    """Find what is wrong among valid sections.

    Args:
        pipelines: Pipelines by name.
        connections: The connections they may name.
        document: The file, for what was written.
    """
    yield from _check_groups(pipelines)
    located: list[tuple[YamlPath, TablePlan]] = []
    for name, pipeline in pipelines.items():
        path = ("pipelines", name)
        missing = list(_check_references(path, pipeline, connections, document))
        yield from missing
        for table, options in pipeline.tables.items():
            own = (*path, "tables", table)
            yield from _check_table(own, merged(pipeline.defaults, options), options)
        if missing:
            continue
        plans = plans_of(name, pipeline, ledger_schema=connections.ledger_schemas[pipeline.target])
        paths = ((*path, "tables", table) for table in pipeline.tables)
        mine = list(zip(paths, plans, strict=True))
        yield from _check_partition_starts(name, mine)
        located += mine
    yield from _check_collisions(located, connections)
    yield from _check_ledgers(located)


def _check_groups(pipelines: Mapping[str, PipelineConfig]) -> Iterator[Problem]:
    """Names of groups and sensors have `_` for `-`, so two pipelines could become one."""
    seen: dict[str, str] = {}
    for name in pipelines:
        group = name.replace("-", "_")
        if group in seen:
            what = f"and `{seen[group]}` are one name in Dagster, `{group}`"
            yield Problem(("pipelines", name), what, "Rename one of them.")
        seen.setdefault(group, name)


def _check_references(
    path: YamlPath, pipeline: PipelineConfig, connections: Connections, document: Document
) -> Iterator[Problem]:
    for key, section in _CONNECTIONS.items():
        known = connections.names[section]
        if getattr(pipeline, key) not in known:
            name = str(document.at((*path, key)))
            what = f"is `{shortened(name)}`, which is not in `{section}`; known: {listed(known)}"
            yield Problem((*path, key), what, did_you_mean(name, known))


def _check_table(path: YamlPath, options: TableOptions, own: TableOptions) -> Iterator[Problem]:
    yield from _check_query(path, options, own)
    yield from _check_layout(path, options)
    strategy = options.cdc_strategy
    if own.start_from and strategy in {CdcStrategy.FULL_SYNC, CdcStrategy.ID_ONLY}:
        what = f"needs a timestamp cursor, and `cdc_strategy` is {strategy}"
        yield Problem((*path, "start_from"), what, "Use `additional_where`, or drop the key.")
    yield from _check_partitions(path, options)
    if set(options.columns.exclude) & set(options.columns.hash):
        yield Problem((*path, "columns"), "excludes a column and hashes it", "Keep one of the two.")


def _check_partitions(path: YamlPath, options: TableOptions) -> Iterator[Problem]:
    chosen, where = options.partitions, (*path, "partitions")
    if chosen is None:
        return
    if options.load_mode is LoadMode.REPLACE:
        what = "contradicts `load_mode: replace`: one day would replace the whole table"
        yield Problem(where, what, "Use `load_mode: append` or `upsert`.")
    if options.cdc_strategy is CdcStrategy.FULL_SYNC:
        what = "contradicts `cdc_strategy: full_sync`, which reads the whole table every time"
        yield Problem(where, what, "Choose a strategy with a cursor, or drop the key.")
    hidden = {name.lower() for name in (*options.columns.exclude, *options.columns.hash)}
    if options.load_mode is LoadMode.APPEND and chosen.column.lower() in hidden:
        what = "is excluded or hashed, so an append could not find the day that it replaces"
        yield Problem((*where, "column"), what, "Choose another column, or `load_mode: upsert`.")


def _check_partition_starts(
    name: str, tables: Iterable[tuple[YamlPath, TablePlan]]
) -> Iterator[Problem]:
    """One job syncs a pipeline, and Dagster gives a job one kind of partitions."""
    chosen = [(path, plan.partitions) for path, plan in tables if plan.partitions]
    for path, options in chosen[1:]:
        first = chosen[0][1].start
        if options.start != first:
            what = f"is {options.start}, and other partitions of `{name}` begin on {first}"
            remedy = "Give all tables of a pipeline the same first day."
            yield Problem((*path, "partitions", "start"), what, remedy)


def _check_query(path: YamlPath, options: TableOptions, own: TableOptions) -> Iterator[Problem]:
    is_query = options.cdc_strategy is CdcStrategy.CUSTOM_SQL
    if is_query and not options.query:
        what = "is missing, and `cdc_strategy: custom_sql` needs it"
        yield Problem((*path, "query"), what, "Add the SELECT statement, or choose a strategy.")
    if options.query and not is_query:
        what = "is given, and only `cdc_strategy: custom_sql` reads it"
        yield Problem((*path, "query"), what, "Add `cdc_strategy: custom_sql`, or drop the query.")
    if is_query and options.load_mode is LoadMode.UPSERT and not options.primary_key:
        what = "is missing: `load_mode: upsert` of a query needs its key columns"
        yield Problem((*path, "primary_key"), what, "Add `primary_key: [column, …]`.")


def _check_layout(path: YamlPath, options: TableOptions) -> Iterator[Problem]:
    style, count = options.sortstyle, len(options.sortkey)
    if options.diststyle == "key" and not options.distkey:
        yield Problem((*path, "distkey"), "is missing, and `diststyle: key` needs it")
    if options.distkey and options.diststyle not in {None, "key"}:
        what = f"contradicts `diststyle: {options.diststyle}`"
        yield Problem((*path, "distkey"), what, "Use `diststyle: key`, or drop the key.")
    if style in {"compound", "interleaved"} and not count:
        yield Problem((*path, "sortkey"), f"is missing, and `sortstyle: {style}` needs it")
    if style == "auto" and count:
        yield Problem((*path, "sortkey"), "contradicts `sortstyle: auto`")
    most = _MAX_INTERLEAVED if style == "interleaved" else _MAX_COMPOUND
    if count > most:
        what = f"has {count} columns, and Redshift takes at most {most}"
        yield Problem((*path, "sortkey"), what)


def _check_collisions(
    located: list[tuple[YamlPath, TablePlan]], connections: Connections
) -> Iterator[Problem]:
    """Two tables must differ in everything that is named after them."""
    rules: tuple[tuple[str, str, Callable[[TablePlan], object]], ...] = (
        (
            "is the same table as",
            "Keep one of the two.",
            lambda plan: (plan.pipeline, plan.qualified_name),
        ),
        (
            "writes the same Redshift table as",
            "Give one of them another `target_name`, or its pipeline another `target_schema`.",
            lambda plan: (
                connections.databases[plan.target],
                plan.target_schema.lower(),
                plan.target_name.lower(),
            ),
        ),
        (
            "gets the same step name in Dagster as",
            "Move one of them to a pipeline of its own.",
            lambda plan: step_name(plan.extract_key),
        ),
        (
            "gets the same ledger table or step name as",
            "Give one of them another `target_name`.",
            lambda plan: step_name(plan.load_key).lower(),
        ),
    )
    reported: set[YamlPath] = set()
    for what, remedy, identity in rules:
        seen: dict[object, YamlPath] = {}
        for path, plan in located:
            first = seen.setdefault(identity(plan), path)
            if first != path and path not in reported:
                reported.add(path)
                yield Problem(path, f"{what} `{dotted(first)}`", remedy)


def _check_ledgers(located: list[tuple[YamlPath, TablePlan]]) -> Iterator[Problem]:
    for path, plan in located:
        if plan.target_schema == plan.ledger_schema:
            what = "would be written into the schema of the ledger"
            yield Problem(path, what, "Choose another `target_schema`.")
        ledger = f"{plan.target_schema}__{plan.target_name}"
        if len(ledger.encode()) > _LEDGER_NAME_BYTES:
            what = f"needs a ledger table whose name is longer than {_LEDGER_NAME_BYTES} bytes"
            yield Problem(path, what, "Choose a shorter `target_name` or `target_schema`.")
