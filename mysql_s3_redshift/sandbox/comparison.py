"""Count every table in all four places: MySQL, parquet footers, ledger, Redshift."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pyarrow.parquet as pq

from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.adapters.redshift.target import table_names
from mysql_s3_redshift.config import Config
from mysql_s3_redshift.core.load import load_target
from mysql_s3_redshift.core.model import LoadMode, TablePlan
from mysql_s3_redshift.core.names import quote_mysql
from mysql_s3_redshift.core.ports import LoadTarget


@dataclass(frozen=True, slots=True)
class TableCounts:
    """Rows of one table in each place.

    With `upsert`, files and ledger count versions of rows, so after updates they count more than
    there are rows; they always agree with each other, and MySQL with Redshift.
    """

    name: str
    mysql: int
    parquet: int
    ledger: int
    redshift: int

    @property
    def agree(self) -> bool:
        """Whether source and target, and files and ledger, count the same."""
        return self.mysql == self.redshift and self.parquet == self.ledger


def compare(config: Config) -> Iterator[TableCounts]:
    """Count the tables of all pipelines, one after the other."""
    with Connections(config) as connections:
        for plan in config.plans():
            yield _count(plan, connections)


def _count(plan: TablePlan, connections: Connections) -> TableCounts:
    state = connections.storage(plan).extract_states().read()
    in_mysql = _count_source(plan, connections)
    if state is None:
        return TableCounts(plan.display_name, in_mysql, 0, 0, 0)
    target = load_target(plan, state)
    files = _ledger(target, connections)
    return TableCounts(
        plan.display_name,
        mysql=in_mysql,
        parquet=sum(_footer_rows(uri, plan, connections) for uri in files),
        ledger=sum(files.values()),
        redshift=connections.target(plan).count_rows(target) or 0,
    )


def _count_source(plan: TablePlan, connections: Connections) -> int:
    table = f"{quote_mysql(plan.schema)}.{quote_mysql(plan.table)}"
    source = f"({plan.query}) AS query" if plan.query else table
    where = f" WHERE {plan.additional_where}" if plan.additional_where else ""
    connection = connections.source(plan.source).connection
    return int(connection.query(f"SELECT COUNT(*) FROM {source}{where}")[0][0])


def _ledger(target: LoadTarget, connections: Connections) -> dict[str, int]:
    """Files and their rows; of a table that is replaced, those of the last load."""
    connection = connections.target(target.plan).connection
    rows = connection.query(
        f'SELECT uri, "rows", load_id FROM {table_names(target).ledger} ORDER BY loaded_at, seq'
    )
    connection.rollback()
    if rows and target.load_mode == LoadMode.REPLACE:
        rows = [row for row in rows if row[2] == rows[-1][2]]
    return {uri: int(count) for uri, count, _ in rows}


def _footer_rows(uri: str, plan: TablePlan, connections: Connections) -> int:
    bucket = connections.bucket(plan.storage)
    found = bucket.get(bucket.key(uri))
    if found is None:
        return 0
    with closing(io.BytesIO(found[0])) as file:
        return int(pq.read_metadata(file).num_rows)
