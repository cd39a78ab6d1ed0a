"""Gathers what all systems say about the counts of one table."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from mysql_s3_redshift.adapters.operations import Operation, load_mode
from mysql_s3_redshift.adapters.s3.bucket import Bucket
from mysql_s3_redshift.adapters.s3.parquet import read_footer
from mysql_s3_redshift.core import s3_names
from mysql_s3_redshift.core.counts import CountFacts
from mysql_s3_redshift.core.model import LoadMode, TablePlan
from mysql_s3_redshift.core.names import column_identifier
from mysql_s3_redshift.core.state import ExtractState
from mysql_s3_redshift.errors import ConfigError

READERS = 16


def gather_counts(operation: Operation) -> CountFacts:
    """Read states, footers, manifests, ledger and target of a table.

    Raises:
        ConfigError: The table was never extracted.
    """
    plan, states = operation.plan, operation.states
    extract, load = states.read()
    if extract is None:
        raise ConfigError(
            f"{plan.display_name}: there is no state: the table was never extracted.",
            kept="Nothing was changed.",
            remedy="Run `sync` first.",
        )
    target = operation.target()
    ledger = target.files()
    mode = load_mode(plan, extract)
    rows = target.count()
    key = target_key(operation, extract) if mode == LoadMode.UPSERT and rows is not None else ()
    return CountFacts(
        mode=mode,
        extract=extract,
        load=load,
        ledger=ledger,
        footers=_footers(
            states.bucket, plan, {*(f.uri for f in ledger), *(f.uri for f in extract.files)}
        ),
        manifests={f.uri: f.bytes for f in states.manifests()},
        target_rows=rows,
        target_keys=target.count_keys(key) if key else None,
    )


def target_key(operation: Operation, extract: ExtractState) -> tuple[str, ...]:
    """The key in Redshift's names; empty where the stored schema does not tell."""
    written = extract.metadata.get("key")
    noted = [str(name) for name in written] if isinstance(written, list) else []
    sources = operation.plan.primary_key or noted
    stored = extract.metadata.get("stored_schema")
    if not isinstance(stored, str):
        return tuple(column_identifier(source) for source in sources)
    schema = operation.connections.storage(operation.plan).get_schema(stored)
    columns = [schema.by_source(source) for source in sources]
    return tuple(column.name for column in columns if column is not None)


def _footers(bucket: Bucket, plan: TablePlan, uris: Iterable[str]) -> dict[str, int]:
    """Rows by file, of those that are still on S3."""
    folder = s3_names.data_prefix(bucket.prefix, plan)
    there = {bucket.uri(found.key) for found in bucket.list(folder)}
    names = sorted(uri for uri in uris if uri in there or _exists_elsewhere(bucket, uri, folder))
    with ThreadPoolExecutor(READERS) as pool:
        footers = pool.map(lambda uri: read_footer(bucket, bucket.key(uri)).num_rows, names)
        return dict(zip(names, map(int, footers), strict=True))


def _exists_elsewhere(bucket: Bucket, uri: str, folder: str) -> bool:
    """Adopted files lie where the old tool put them."""
    key = bucket.key(uri)
    return not key.startswith(folder) and bucket.exists(key)
