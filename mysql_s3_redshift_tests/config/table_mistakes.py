"""Mistakes in the options of tables: the configuration, and what is told of it."""

from typing import Any

from mysql_s3_redshift_tests.config.documents import (
    with_table,
)
from mysql_s3_redshift_tests.config.mistakes import ORDERS, Mistakes


def query(**options: Any) -> dict[str, Any]:
    return with_table({"cdc_strategy": "custom_sql", **options})


TABLES: Mistakes = {
    "unknown option of a table": (
        with_table({"cdc_stategy": "hybrid"}),
        [f"{ORDERS}.cdc_stategy` is not a known key", "Did you mean `cdc_strategy`?"],
    ),
    "unknown option of columns": (
        with_table({"columns": {"exclud": ["a"]}}),
        [f"{ORDERS}.columns.exclud` is not a known key", "Did you mean `exclude`?"],
    ),
    "unknown strategy": (
        with_table({"cdc_strategy": "hybird"}),
        [
            f"{ORDERS}.cdc_strategy` is `hybird`; valid values: hybrid, timestamp_only, id_only",
            "Did you mean `hybrid`?",
        ],
    ),
    "unknown load mode": (
        with_table({"load_mode": "merge"}),
        [f"{ORDERS}.load_mode` is `merge`; valid values: append, upsert, replace."],
    ),
    "duration without a unit": (
        with_table({"lag": 5}),
        [f"{ORDERS}.lag` is `5`, which is not valid: a duration has units, as in `30s`"],
    ),
    "unknown time zone": (
        with_table({"cdc_timestamp_timezone": "Berlin"}),
        [f"{ORDERS}.cdc_timestamp_timezone` is `Berlin`", "Europe/Berlin"],
    ),
    "query without a query": (
        query(),
        [f"{ORDERS}.query` is missing, and `cdc_strategy: custom_sql` needs it"],
    ),
    "query of another strategy": (
        with_table({"query": "SELECT 1"}),
        [f"{ORDERS}.query` is given, and only `cdc_strategy: custom_sql` reads it"],
    ),
    "query to upsert without a key": (
        query(query="SELECT 1", load_mode="upsert"),
        [f"{ORDERS}.primary_key` is missing: `load_mode: upsert` of a query needs"],
    ),
    "start without a timestamp": (
        with_table({"cdc_strategy": "id_only", "start_from": "2025-01-01"}),
        [f"{ORDERS}.start_from` needs a timestamp cursor"],
    ),
    "start in a time zone": (
        with_table({"start_from": "2025-01-01T00:00:00Z"}),
        [f"{ORDERS}.start_from` is `2025-01-01T00:00:00Z`", "without a time zone"],
    ),
    "start that is no date": (
        with_table({"start_from": "2025-02-30"}),
        [f"{ORDERS}.start_from` is `2025-02-30`"],
    ),
    "start as a number": (
        with_table({"start_from": 1735689600}),
        [f"{ORDERS}.start_from` is `1735689600`"],
    ),
    "partitions without a column": (
        with_table({"partitions": {"start": "2025-01-01"}}),
        [f"{ORDERS}.partitions.column` is missing"],
    ),
    "partitions that replace": (
        with_table({"partitions": {"column": "c", "start": "2025-01-01"}, "load_mode": "replace"}),
        [f"{ORDERS}.partitions` contradicts `load_mode: replace`"],
    ),
    "chunks of no rows": (with_table({"chunk_rows": 0}), [f"{ORDERS}.chunk_rows` is `0`"]),
    "number with a fraction": (with_table({"chunk_rows": 1.5}), [f"{ORDERS}.chunk_rows` is `1.5`"]),
    "key column twice": (
        with_table({"primary_key": ["a", "a"]}),
        [f"{ORDERS}.primary_key` is not valid: it names something twice"],
    ),
    "empty column name": (
        with_table({"primary_key": ["a", ""]}),
        [f"{ORDERS}.primary_key[1]` is ``", "must not be empty"],
    ),
    "unknown column type": (
        with_table({"columns": {"types": {"a": "varchar(70000)"}}}),
        [f"{ORDERS}.columns.types.a` is `varchar(70000)`", "a type is bool, time, super"],
    ),
    "unknown policy": (
        with_table({"columns": {"overlong": "cut"}}),
        [f"{ORDERS}.columns.overlong` is `cut`; valid values: error, truncate, null"],
    ),
    "unknown encoding": (
        with_table({"columns": {"encodings": {"a": "gzip"}}}),
        [f"{ORDERS}.columns.encodings.a` is `gzip`; valid values: raw, az64"],
    ),
    "rename to a reserved word": (
        with_table({"columns": {"rename": {"a": "select"}}}),
        [f"{ORDERS}.columns.rename.a` is `select`", "for example `select_`"],
    ),
    "excluded and hashed": (
        with_table({"columns": {"exclude": ["a"], "hash": ["a"]}}),
        [f"{ORDERS}.columns` excludes a column and hashes it"],
    ),
    "distribution key of no style": (
        with_table({"diststyle": "key"}),
        [f"{ORDERS}.distkey` is missing, and `diststyle: key` needs it"],
    ),
    "distribution key of another style": (
        with_table({"diststyle": "even", "distkey": "id"}),
        [f"{ORDERS}.distkey` contradicts `diststyle: even`"],
    ),
    "sort style without a key": (
        with_table({"sortstyle": "compound"}),
        [f"{ORDERS}.sortkey` is missing, and `sortstyle: compound` needs it"],
    ),
    "too many interleaved columns": (
        with_table({"sortstyle": "interleaved", "sortkey": list("abcdefghi")}),
        [f"{ORDERS}.sortkey` has 9 columns, and Redshift takes at most 8"],
    ),
    "owner that nobody is": (
        with_table({"owners": "data"}),
        [f"{ORDERS}.owners` is `data`", "an owner is an e-mail address or `team:name`"],
    ),
    "tag that Dagster refuses": (
        with_table({"tags": {"tier": "gold / silver"}}),
        [f"{ORDERS}.tags.tier` is `gold / silver`"],
    ),
}  # fmt: skip
