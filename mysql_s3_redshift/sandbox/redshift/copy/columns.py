"""The target columns of a COPY, as the catalogue describes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mysql_s3_redshift.sandbox.redshift.errors import SYNTAX_ERROR, RedshiftError
from mysql_s3_redshift.sandbox.redshift.sql.lexer import quote_literal
from mysql_s3_redshift.sandbox.redshift.upstream import Row


@dataclass(frozen=True, slots=True)
class TargetColumn:
    """One column of a table.

    Args:
        name: Its name inside PostgreSQL.
        type: PostgreSQL's name of its type.
        not_null: Whether it refuses NULL.
        identity: `a` for always, `d` for by default, empty otherwise.
        has_default: Whether it has a DEFAULT.
        length: The limit in bytes of character and byte types.
        precision: Of a DECIMAL.
        scale: Of a DECIMAL.
    """

    name: str
    type: str
    not_null: bool
    identity: str
    has_default: bool
    length: int
    precision: int
    scale: int


def columns_query(table: str) -> str:
    """Return the query that `parse_columns` reads."""
    return f"""
        select a.attname, t.typname, a.attnotnull, a.attidentity, a.atthasdef,
          coalesce(case when t.typname in ('varchar', 'bpchar') then a.atttypmod - 4
            else substring(pg_get_constraintdef(k.oid) from '<= ([0-9]+)')::int end, 0),
          case t.typname when 'numeric' then (a.atttypmod - 4) >> 16 else 0 end,
          case t.typname when 'numeric' then (a.atttypmod - 4) & 65535 else 0 end,
          a.attrelid::int, c.relname
        from pg_attribute a join pg_type t on t.oid = a.atttypid
          join pg_class c on c.oid = a.attrelid
          left join pg_constraint k on k.conrelid = a.attrelid
            and k.conname = 'rsb_' || left(md5(a.attname), 24)
        where a.attrelid = {quote_literal(table)}::regclass and a.attnum > 0
          and not a.attisdropped
        order by a.attnum"""


def parse_columns(rows: Sequence[Row]) -> list[TargetColumn]:
    """Build the columns from the rows of `columns_query`."""
    return [
        TargetColumn(
            name=str(name),
            type=str(kind),
            not_null=not_null == "t",
            identity=identity or "",
            has_default=default == "t",
            length=int(length or 0),
            precision=int(precision or 0),
            scale=int(scale or 0),
        )
        for name, kind, not_null, identity, default, length, precision, scale, *_ in rows
    ]


def chosen_columns(
    columns: Sequence[TargetColumn], wanted: Sequence[str] | None, *, explicit_ids: bool
) -> list[TargetColumn]:
    """Return the columns that a file fills, in the order of the file.

    Args:
        columns: All columns of the table.
        wanted: The column list of the COPY, if it has one.
        explicit_ids: Whether EXPLICIT_IDS lets the file fill IDENTITY columns.

    Raises:
        RedshiftError: When the list names an unknown column or leaves out one that must be there.
    """
    if wanted is None:
        return [column for column in columns if column.identity != "a" or explicit_ids]
    by_name = {column.name: column for column in columns}
    for name in wanted:
        if name not in by_name:
            raise RedshiftError("42703", f'column "{name}" of the target table does not exist')
        if wanted.count(name) > 1:
            raise RedshiftError("42701", f'column "{name}" specified more than once')
        if by_name[name].identity == "a" and not explicit_ids:
            raise RedshiftError("0A000", f'cannot set an identity column "{name}" to a value')
    for column in columns:
        optional = column.has_default or column.identity or not column.not_null
        if column.name not in wanted and not optional:
            # aws-sdk-pandas#2871
            message = "NOT NULL column without DEFAULT must be included in column list"
            raise RedshiftError(SYNTAX_ERROR, message)
    return [by_name[name] for name in wanted]
