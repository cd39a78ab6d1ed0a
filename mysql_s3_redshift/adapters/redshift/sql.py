"""Every statement that is sent to Redshift, as text. Pure: identifiers quoted, values as `?`.

Those that compare keys are in `key_sql`.
"""

from __future__ import annotations

from collections.abc import Sequence

from mysql_s3_redshift.core.drift import TargetChange, TargetChangeKind
from mysql_s3_redshift.core.model import TargetOptions
from mysql_s3_redshift.core.names import quote_redshift as quote
from mysql_s3_redshift.core.schema import Column, TableSchema

STAGING = "mysql_s3_redshift_staging"
NEWEST = "mysql_s3_redshift_newest"
WIDER = "mysql_s3_redshift_wider"

TARGET_IS_OURS = "Loads of a table that mysql-s3-redshift created"
"""Comment of the ledger whose target was not somebody else's table before."""

LEDGER_COLUMNS = (
    ("load_id", "VARCHAR(64)"),
    ("generation", "INTEGER"),
    ("seq", "BIGINT"),
    ("uri", "VARCHAR(4096)"),
    ("rows", "BIGINT"),
    ("bytes", "BIGINT"),
    ("first_cursor", "VARCHAR(8192)"),
    ("last_cursor", "VARCHAR(8192)"),
    ("run_id", "VARCHAR(64)"),
    ("manifest_uri", "VARCHAR(4096)"),
    ("loaded_at", "TIMESTAMP"),
)


def literal(text: str) -> str:
    """A string literal. Backslashes are escapes in Redshift's literals, so they are doubled."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def qualified(schema: str, table: str) -> str:
    """`"schema"."table"`."""
    return f"{quote(schema)}.{quote(table)}"


def names(columns: Sequence[str]) -> str:
    """A list of quoted names."""
    return ", ".join(quote(c) for c in columns)


FIND_SCHEMA = "SELECT 1 FROM pg_namespace WHERE nspname = ?"


def create_schema(schema: str) -> str:
    """CREATE SCHEMA."""
    return f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}"


def create_ledger(table: str) -> str:
    """CREATE TABLE of a ledger. Sorted by number, which every look-up names a range of."""
    columns = ", ".join(f"{quote(name)} {kind}" for name, kind in LEDGER_COLUMNS)
    return f"CREATE TABLE IF NOT EXISTS {table} ({columns}) SORTKEY ({quote('seq')})"


def create_table(table: str, schema: TableSchema, options: TargetOptions) -> str:
    """CREATE TABLE of a target. The primary key informs the planner; Redshift enforces none."""
    parts = [_column(c) for c in schema.columns]
    if schema.primary_key:
        parts.append(f"PRIMARY KEY ({names(schema.primary_key)})")
    text = f"CREATE TABLE IF NOT EXISTS {table} ({', '.join(parts)})"
    if options.distkey:
        text += f" DISTSTYLE KEY DISTKEY ({quote(_named(schema, options.distkey))})"
    elif options.diststyle:
        text += f" DISTSTYLE {options.diststyle.upper()}"
    if options.sortkey:
        style = f"{options.sortstyle.upper()} " if options.sortstyle else ""
        keys = names([_named(schema, c) for c in options.sortkey])
        text += f" {style}SORTKEY ({keys})"
    return text


def _named(schema: TableSchema, name: str) -> str:
    """A column of the options in Redshift's name, whichever name was written."""
    column = schema.by_source(name)
    return column.name if column else name


def _column(column: Column) -> str:
    encoding = f" ENCODE {column.encoding}" if column.encoding else ""
    null = "" if column.nullable else " NOT NULL"
    return f"{quote(column.name)} {column.target_type}{encoding}{null}"


def comment_table(table: str, comment: str) -> str:
    """COMMENT ON TABLE."""
    return f"COMMENT ON TABLE {table} IS {literal(comment)}"


def comment_column(table: str, column: str, comment: str) -> str:
    """COMMENT ON COLUMN."""
    return f"COMMENT ON COLUMN {table}.{quote(column)} IS {literal(comment)}"


def change_column(table: str, change: TargetChange) -> str:
    """ALTER TABLE for one change.

    One added column a statement is all that Redshift takes, and ALTER COLUMN … TYPE must not run
    inside a transaction block.
    """
    if change.kind is TargetChangeKind.WIDEN_VARCHAR:
        return f"ALTER TABLE {table} ALTER COLUMN {quote(change.column)} TYPE {change.type}"
    encoding = f" ENCODE {change.encoding}" if change.encoding else ""
    return f"ALTER TABLE {table} ADD COLUMN {quote(change.column)} {change.type}{encoding}"


def rebuild_column(table: str, change: TargetChange) -> tuple[str, ...]:
    """The statements that copy a column to one of another type, for one transaction.

    Grants of the table stay. A view on the column, or a distribution or sort key of it, makes
    Redshift refuse the DROP, and nothing is changed.
    """
    old, new = quote(change.column), quote(WIDER)
    encoding = f" ENCODE {change.encoding}" if change.encoding else ""
    return (
        f"ALTER TABLE {table} ADD COLUMN {new} {change.type}{encoding}",
        f"UPDATE {table} SET {new} = {old}",
        f"ALTER TABLE {table} DROP COLUMN {old}",
        f"ALTER TABLE {table} RENAME COLUMN {new} TO {old}",
    )


TABLE_COMMENT = "SELECT remarks FROM svv_tables WHERE table_schema = ? AND table_name = ?"
"""https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_TABLES.html"""

DESCRIBE = (
    "SELECT table_schema, table_name, column_name, data_type, character_maximum_length, "
    "numeric_precision, numeric_scale, is_nullable, column_default FROM svv_columns "
    "WHERE (table_schema = ? AND table_name = ?) OR (table_schema = ? AND table_name = ?) "
    "ORDER BY table_schema, table_name, ordinal_position"
)


def lock(table: str) -> str:
    """LOCK; in Redshift it is always exclusive and held until the transaction ends."""
    return f"LOCK {table}"


def ledger_files(ledger: str) -> str:
    """The ledger's files in a range of numbers."""
    return f"SELECT uri FROM {ledger} WHERE seq BETWEEN ? AND ?"


def numbered_files(ledger: str) -> str:
    """The ledger's files in a range of numbers, each with its number."""
    return f"SELECT seq, uri FROM {ledger} WHERE seq BETWEEN ? AND ? ORDER BY seq"


def file_of_other_generation(ledger: str) -> str:
    """One file of any other generation."""
    return f"SELECT MAX(uri) FROM {ledger} WHERE generation <> ?"


def newest_file(ledger: str) -> str:
    """The largest number of a file in the ledger."""
    return f"SELECT MAX(seq) FROM {ledger}"


def insert_ledger(ledger: str, rows: int) -> str:
    """INSERT of some ledger rows; the time is Redshift's."""
    columns = names([name for name, _ in LEDGER_COLUMNS])
    one = f"({', '.join('?' for _ in LEDGER_COLUMNS[:-1])}, GETDATE())"
    return f"INSERT INTO {ledger} ({columns}) VALUES {', '.join([one] * rows)}"


def create_staging(schema: TableSchema, options: TargetOptions) -> str:
    """CREATE TEMP TABLE for COPY, laid out like the target by uncast keys: the merge is local."""
    columns = ", ".join(f"{quote(c.name)} {c.staging_type}" for c in schema.columns)
    text = f"CREATE TEMP TABLE {quote(STAGING)} ({columns})"
    if options.distkey and _is_staged_alike(schema, options.distkey):
        text += f" DISTSTYLE KEY DISTKEY ({quote(_named(schema, options.distkey))})"
    alike = all(_is_staged_alike(schema, c) for c in options.sortkey)
    if options.sortkey and alike and (options.sortstyle or "").lower() != "interleaved":
        text += f" SORTKEY ({names([_named(schema, c) for c in options.sortkey])})"
    return text


def _is_staged_alike(schema: TableSchema, name: str) -> bool:
    """Whether staging holds the very values of the target's column."""
    column = schema.column(_named(schema, name))
    return column is not None and not column.cast and column.staging_type == column.target_type


def drop_temp(table: str) -> str:
    """DROP of a temporary table."""
    return f"DROP TABLE IF EXISTS {quote(table)}"


def copy(
    table: str, schema: TableSchema, uri: str, *, auth: str, manifest: bool, statistics: bool = True
) -> str:
    """COPY of parquet. The column list is the files': parquet is matched by position.

    Columnar COPY takes STATUPDATE and no COMPUPDATE
    (https://docs.aws.amazon.com/redshift/latest/dg/copy-usage_notes-copy-from-columnar.html).
    """
    columns = names([c.name for c in schema.columns])
    option = (" MANIFEST" if manifest else "") + ("" if statistics else " STATUPDATE OFF")
    return f"COPY {table} ({columns}) FROM {literal(uri)} {auth} FORMAT AS PARQUET{option}"


def analyze(table: str) -> str:
    """ANALYZE of the columns that queries use; Redshift skips it where too little changed."""
    return f"ANALYZE {table} PREDICATE COLUMNS"


LAST_COPY_COUNT = "SELECT pg_last_copy_count()"


def staged_values(schema: TableSchema, alias: str) -> str:
    """The staged columns as the target takes them."""
    return ", ".join(staged_value(c, alias) for c in schema.columns)


def staged_value(column: Column, alias: str) -> str:
    """A staged column as the target takes it."""
    name = f"{alias}.{quote(column.name)}"
    return column.cast.format(name) if column.cast else name


def insert_all(target: str, schema: TableSchema, *, staging: str = STAGING) -> str:
    """INSERT of every staged row."""
    columns = names([c.name for c in schema.columns])
    values = staged_values(schema, "s")
    return f"INSERT INTO {target} ({columns}) SELECT {values} FROM {quote(staging)} s"


def delete_window(target: str, column: str) -> str:
    """DELETE of a half-open stretch of a column's time."""
    return f"DELETE FROM {target} WHERE {quote(column)} >= ? AND {quote(column)} < ?"


def delete_all(target: str) -> str:
    """DELETE of every row. TRUNCATE would commit the transaction."""
    return f"DELETE FROM {target}"


def any_row(table: str) -> str:
    """A row of a table that is not empty."""
    return f"SELECT 1 FROM {table} LIMIT 1"


def count_rows(table: str) -> str:
    """Number of rows."""
    return f"SELECT COUNT(*) FROM {table}"
