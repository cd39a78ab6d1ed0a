"""The type table: what each MySQL type becomes in parquet and in Redshift, and why.

One line of `RULES` is one row of the table (`docs/types.md` shows it as a page). The rule that
leads it: a value arrives exactly as MySQL holds it, or the run stops and names it, or somebody
chose a policy for the column and every value it changes is counted.

Why the parquet types are what they are:

* COPY converts nothing. A 64-bit integer in the file does not fit an INTEGER column, a DECIMAL
  must have the column's own precision and scale, so each file type is exactly its column's type.
* COPY cannot read unsigned integers, TIME, SUPER or GEOMETRY from parquet. Unsigned integers take
  the next larger signed type; the others are staged as text and cast by the INSERT that follows.
* MySQL's unsigned BIGINT reaches 2^64-1, above Redshift's BIGINT: it needs DECIMAL(20,0).
* VARCHAR counts bytes, not characters. A column gets the bytes that its widest characters need in
  UTF-8, at least twice its characters, at most 65,535.
* Only key columns are NOT NULL in Redshift. Redshift cannot drop a NOT NULL later, and it must
  accept NULL for a column that MySQL drops, and for values that a policy replaces by NULL (a zero
  date in a NOT NULL column). Keys never hold NULL: a NULL in a key is an error.

Limits: https://docs.aws.amazon.com/redshift/latest/dg/r_Character_types.html (VARCHAR),
r_Numeric_types201.html (DECIMAL), r_VARBYTE_type.html and copy-parameters-data-source.html (a row
of COPY has at most 4 MB, so the larger VARBYTE of newer releases cannot be filled by it).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mysql_s3_redshift.core.model import ColumnPolicies
from mysql_s3_redshift.core.names import column_identifiers, quote_mysql
from mysql_s3_redshift.core.policies import check_policies, encoding_of, lookup
from mysql_s3_redshift.core.schema import Column, SourceColumn, SourceTable, TableSchema
from mysql_s3_redshift.core.type_rules import (
    BYTES,
    GEOMETRIES,
    INTEGERS,
    LONG_TEXTS,
    MAX_VARBYTE_BYTES,
    MAX_VARCHAR_BYTES,
    NETWORK,
    TEXTS,
    WIDE_DECIMAL,
    TypeRule,
    column_bytes,
    kind_of,
)
from mysql_s3_redshift.errors import ConfigError

RULES: tuple[TypeRule, ...] = (
    TypeRule(
        "smallint", ("tinyint", "tinyint unsigned", "smallint", "year"),
        "int8, uint8, int16", "int16", "SMALLINT",
        "Redshift has no smaller integer. TINYINT(1) too: 5 is a value of it, and 5 is not true.",
    ),
    TypeRule(
        "integer", ("smallint unsigned", "mediumint", "mediumint unsigned", "int"),
        "uint16, int32, uint32", "int32", "INTEGER",
        "SMALLINT UNSIGNED reaches 65,535, above SMALLINT.",
    ),
    TypeRule(
        "bigint", ("int unsigned", "bigint"), "uint32, int64", "int64", "BIGINT",
        "INT UNSIGNED reaches 4,294,967,295, above INTEGER.",
    ),
    TypeRule(
        "unsigned_bigint", ("bigint unsigned",), "uint64", "decimal128(20, 0)", "DECIMAL(20,0)",
        "It reaches 18,446,744,073,709,551,615, above BIGINT.",
    ),
    TypeRule(
        "decimal", ("decimal",), "decimal128(p, s)", "decimal128({p}, {s})", "DECIMAL({p},{s})",
        "The same precision and scale: nothing is rounded.",
    ),
    TypeRule(
        "wide_decimal", (WIDE_DECIMAL,),
        "binary", "string", "VARCHAR({bytes})",
        "Redshift's DECIMAL ends at 38 digits and scale 37; MySQL's own text is kept.",
        select="CAST({} AS CHAR)",
    ),
    TypeRule(
        "float", ("float",), "float32", "float32", "REAL",
        "The same 32 bits. MySQL's own text shows six digits of them.",
    ),
    TypeRule("double", ("double",), "float64", "float64", "DOUBLE PRECISION", "The same 64 bits."),
    TypeRule(
        "bit_bool", ("bit(1)",), "uint64", "bool", "BOOLEAN", "It holds 0 or 1 and nothing else."
    ),
    TypeRule(
        "bit_bigint", ("bit(2) to bit(63)",), "uint64", "int64", "BIGINT",
        "The bits as an unsigned number, which has at most 63 of them.",
    ),
    TypeRule(
        "bit_decimal", ("bit(64)",), "uint64", "decimal128(20, 0)", "DECIMAL(20,0)",
        "The bits as an unsigned number, which may be above BIGINT.",
    ),
    TypeRule(
        "date", ("date",), "date32", "date32", "DATE",
        "Zero and partial dates (0000-00-00, 2024-02-00) are no days: policy `zero_dates`.",
    ),
    TypeRule(
        "timestamp", ("datetime", "timestamp"), "timestamp[us]", "timestamp[us]", "TIMESTAMP",
        "DATETIME as MySQL holds it, TIMESTAMP in UTC; microseconds kept. Zero dates as for DATE.",
    ),
    TypeRule(
        "time", ("time",), "duration[us]", "string", "VARCHAR(17)",
        "MySQL's TIME is a duration up to ±838:59:59.999999; Redshift's TIME ends at 24 hours.",
    ),
    TypeRule(
        "text", TEXTS, "binary", "string", "VARCHAR({bytes})",
        "Characters times the bytes of the widest one in UTF-8, at least doubled. Longer values "
        "(after the cap of 65,535): policy `overlong`. Invalid UTF-8 and NUL: `invalid_text`.",
    ),
    TypeRule(
        "long_text", LONG_TEXTS, "binary", "string", f"VARCHAR({MAX_VARCHAR_BYTES})",
        "Redshift has no longer text. Longer values: policy `overlong`, by default an error.",
    ),
    TypeRule(
        "json", ("json",), "binary", "string", f"VARCHAR({MAX_VARCHAR_BYTES})",
        "MySQL's own text of the document, so no number in it changes.",
    ),
    TypeRule(
        "network", NETWORK, "binary", "string", "VARCHAR({bytes})",
        "MariaDB's own text of the address or UUID.",
    ),
    TypeRule(
        "bytes", BYTES, "binary", "binary", "VARBYTE({bytes})",
        "The same bytes. Values over 1,024,000 bytes: policy `overlong`.",
    ),
    TypeRule(
        "geometry", GEOMETRIES, "binary", "binary", f"VARBYTE({MAX_VARBYTE_BYTES})",
        "Extended well-known binary (EWKB) as Redshift and PostGIS write it: the SRID is in it, "
        "and x is the longitude, as MySQL stores it.",
    ),
    TypeRule(
        "bool", INTEGERS, "as above", "bool", "BOOLEAN",
        "For columns that mean true and false; any value but 0 and 1 is an error.", option="bool",
    ),
    TypeRule(
        "time_of_day", ("time",), "duration[us]", "string", "TIME",
        "For columns that mean a time of day; negative times and 24:00:00 on are an error.",
        option="time", staging="VARCHAR(17)", cast="CAST({} AS TIME)",
    ),
    TypeRule(
        "timestamptz", ("timestamp",), "timestamp[us]", "timestamp[us]", "TIMESTAMPTZ",
        "A TIMESTAMP is an instant, read in UTC. A DATETIME has no zone, so it cannot be one.",
        option="timestamptz", staging="TIMESTAMP", cast="({} AT TIME ZONE 'UTC')",
    ),
    TypeRule(
        "super", ("json", *TEXTS, *LONG_TEXTS), "binary", "string", "SUPER",
        "For queries into documents. Text columns are checked to be JSON, value by value.",
        option="super", staging=f"VARCHAR({MAX_VARCHAR_BYTES})", cast="JSON_PARSE({})",
    ),
    TypeRule(
        "varchar", ("json", *TEXTS, *LONG_TEXTS, *NETWORK), "binary", "string",
        "VARCHAR({bytes})", "A chosen size in bytes; longer values: policy `overlong`.",
        option="varchar(n)",
    ),
    TypeRule(
        "geometry_hex", GEOMETRIES, "binary", "string", "GEOMETRY",
        "ST_GeomFromEWKB takes hexadecimal text, so up to 32,767 bytes of EWKB. The SRID is kept.",
        option="geometry", staging=f"VARCHAR({MAX_VARCHAR_BYTES})", cast="ST_GeomFromEWKB({})",
    ),
)  # fmt: skip

HASH_RULE = TypeRule(
    "hash", ("every type",), "binary", "string", "VARCHAR(64)",
    "SHA-256 of the salt and MySQL's own text (the bytes of binary columns), in hexadecimal. "
    "Equal values stay equal, so keys and joins work. NULL stays NULL.",
)  # fmt: skip

MAX_COLUMNS = 1_600
"""Of one Redshift table (r_CREATE_TABLE_NEW.html)."""

_DEFAULT = {kind: rule for rule in RULES if not rule.option for kind in rule.mysql}
_SELECT = {rule.name: rule.select for rule in RULES}


def map_table(
    table: SourceTable,
    policies: ColumnPolicies,
    *,
    primary_key: Sequence[str] = (),
    previous: TableSchema | None = None,
) -> TableSchema:
    """Give every column that is read its parquet and its Redshift type and name.

    Generated and invisible columns are read like all others; in Redshift they are plain columns.

    Args:
        table: The table as MySQL describes it.
        policies: The table's choices.
        primary_key: MySQL names of the key columns; empty means MySQL's primary key.
        previous: The table's last schema, whose names are kept.

    Raises:
        ConfigError: A type is not supported, or a policy does not fit the table.
    """
    key = check_policies(table, policies, primary_key)
    excluded = {name.lower() for name in policies.exclude}
    read = [c for c in table.columns if c.name.lower() not in excluded]
    where = table.qualified_name
    if not 1 <= len(read) <= MAX_COLUMNS:
        raise ConfigError(
            f"Table `{where}` has {len(read)} columns to read; Redshift takes 1 to {MAX_COLUMNS}.",
            remedy="Change the list `columns.exclude` of the table.",
        )
    known = {c.source: c.name for c in previous.columns} if previous else None
    names = column_identifiers([c.name for c in read], policies.rename, known=known)
    keys = {k.lower() for k in key}
    columns = tuple(
        _column(where, column, name=name, policies=policies, key=column.name.lower() in keys)
        for column, name in zip(read, names, strict=True)
    )
    by_source = {c.source.lower(): c.name for c in columns}
    return TableSchema(columns, tuple(by_source[k.lower()] for k in key), table.comment)


def _column(
    where: str, column: SourceColumn, *, name: str, policies: ColumnPolicies, key: bool
) -> Column:
    rule, size = _rule(where, column, policies)
    facts = {"p": column.precision or 10, "s": column.scale or 0, "bytes": size}
    target = rule.target.format(**facts)
    return Column(
        source=column.name,
        source_type=column.column_type,
        name=name,
        arrow=rule.arrow.format(**facts),
        target_type=target,
        staging_type=rule.staging or target,
        nullable=not key,
        cast=rule.cast,
        rule=rule.name,
        comment=column.comment,
        encoding=encoding_of(where, column.name, policies),
    )


def _rule(where: str, column: SourceColumn, policies: ColumnPolicies) -> tuple[TypeRule, int]:
    """Return the rule of a column, and its size in bytes where the size varies."""
    kind = kind_of(column)
    default = _DEFAULT.get(kind)
    if default is None:
        raise ConfigError(
            f"Column `{where}.{column.name}`: type {column.column_type} is not supported.",
            kept="Nothing was read.",
            remedy=f"Leave it out: `columns: {{exclude: [{column.name}]}}`.",
        )
    if column.name.lower() in {name.lower() for name in policies.hash}:
        return HASH_RULE, 64
    option = lookup(policies.types, column.name)
    if option is None:
        return default, column_bytes(column)
    choices = {rule.option: rule for rule in RULES if rule.option and kind in rule.mysql}
    sized = re.fullmatch(r"varchar\((\d+)\)", option.strip().lower())
    size = int(sized[1]) if sized else column_bytes(column)
    chosen = choices.get("varchar(n)" if sized else option.strip().lower())
    if chosen is None or (sized and not 1 <= size <= MAX_VARCHAR_BYTES):
        valid = ", ".join(choices) or "none"
        raise ConfigError(
            f"`columns.types`: `{option}` does not fit `{where}.{column.name}`, "
            f"a {column.column_type}.",
            remedy=f"Options for this column: {valid} (n from 1 to {MAX_VARCHAR_BYTES}).",
        )
    return chosen, size


def select_expression(column: Column) -> str:
    """Return what the source is asked for to read a column: its quoted name, or an expression.

    A hashed column is read as MySQL's own text, so that the hash does not depend on this program's
    formatting.
    """
    name = quote_mysql(column.source)
    if column.rule != HASH_RULE.name:
        return _SELECT[column.rule].format(name)
    kind = _base_type(column)
    if kind in {*TEXTS, *LONG_TEXTS, "json"} or holds_bytes(column):
        return name
    return f"CAST({name}+0 AS CHAR)" if kind == "bit" else f"CAST({name} AS CHAR)"


def holds_bytes(column: Column) -> bool:
    """Whether MySQL sends a column's values as they are, in no character set."""
    return _base_type(column) in {*BYTES, *GEOMETRIES, "geomcollection"}


def _base_type(column: Column) -> str:
    found = re.match(r"\w*", column.source_type)
    return found[0] if found else ""
