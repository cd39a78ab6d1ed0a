"""ALTER TABLE: one change per statement, and of types only the size of a VARCHAR."""

from __future__ import annotations

from mysql_s3_redshift.sandbox.redshift.errors import (
    SYNTAX_ERROR,
    RedshiftError,
    not_offered,
    not_supported,
    syntax_error,
)
from mysql_s3_redshift.sandbox.redshift.sql.create_table import (
    read_column,
    read_encoding,
    read_table_constraint,
    remember_encoding,
)
from mysql_s3_redshift.sandbox.redshift.sql.lexer import (
    Reader,
    quote_literal,
    quote_name,
    split_commas,
)
from mysql_s3_redshift.sandbox.redshift.sql.statement import Nothing, Statement, WidenColumn
from mysql_s3_redshift.sandbox.redshift.sql.types import read_type

_TAG = "ALTER TABLE"


def alter_table(reader: Reader) -> Statement:
    """Translate what follows ALTER TABLE (`r_ALTER_TABLE`)."""
    table = reader.qualified_name()
    if len(split_commas(rest := reader.rest())) > 1 and rest[0].upper != "ALTER":
        raise syntax_error(",")
    reader = Reader(rest)
    if reader.accept("APPEND"):
        raise not_offered("ALTER TABLE APPEND")
    if reader.accept("RENAME"):
        return _rename(reader, table)
    if reader.accept("OWNER", "TO"):
        owner = reader.identifier()
        reader.finish()
        return Statement(f"alter table {table} owner to {quote_name(owner)}", _TAG)
    if reader.accept("ADD"):
        return _add(reader, table)
    if reader.accept("DROP"):
        return _drop(reader, table)
    if reader.accept("ALTER"):
        return _alter(reader, table)
    raise syntax_error(reader.peek().text)


def _rename(reader: Reader, table: str) -> Statement:
    if reader.accept("TO"):
        name = quote_name(reader.identifier())
        reader.finish()
        return Statement(f"alter table {table} rename to {name}", _TAG)
    reader.expect("COLUMN")
    old = reader.identifier()
    reader.expect("TO")
    new = reader.identifier()
    reader.finish()
    arguments = ", ".join(quote_literal(text) for text in (table, old, new))
    sql = f"alter table {table} rename column {quote_name(old)} to {quote_name(new)}"
    return Statement(sql, _TAG, then=(f"select rs.rename_length_check({arguments})",))


def _add(reader: Reader, table: str) -> Statement:
    if read_table_constraint(reader, ()):
        reader.finish()
        return Statement(tag=_TAG, action=Nothing())
    reader.accept("COLUMN")
    if reader.peek().upper == "IF":
        raise syntax_error("NOT" if reader.peek(1).upper == "NOT" else reader.peek().text)
    column = read_column(reader)
    if column.distkey or column.sortkey or column.primary_key or column.unique:
        raise RedshiftError(SYNTAX_ERROR, "ADD COLUMN takes DEFAULT, ENCODE and NOT NULL only")
    not_null = "not null" in column.clauses
    if not_null and not any(clause.startswith("default") for clause in column.clauses):
        message = (
            "ALTER TABLE ADD COLUMN defined as NOT NULL must have a non-null default expression"
        )
        raise RedshiftError("0A000", message)
    sql = f"alter table {table} add column {column.render()}"
    then = (remember_encoding(table, column),) if column.encoding else ()
    return Statement(sql, _TAG, then=then)


def _drop(reader: Reader, table: str) -> Statement:
    if reader.accept("CONSTRAINT"):
        raise not_offered("ALTER TABLE DROP CONSTRAINT")
    reader.accept("COLUMN")
    if reader.peek().upper == "IF":
        raise syntax_error(reader.peek().text)
    column = quote_name(reader.identifier())
    mode = reader.accept_any("CASCADE", "RESTRICT")
    reader.finish()
    return Statement(f"alter table {table} drop column {column} {mode}".strip(), _TAG)


def _alter(reader: Reader, table: str) -> Statement:
    if reader.peek().upper in ("DISTKEY", "DISTSTYLE", "SORTKEY", "COMPOUND", "ENCODE"):
        # Nothing of this changes a result; the views keep telling what CREATE TABLE said.
        return Statement(tag=_TAG, action=Nothing())
    reader.accept("COLUMN")
    column = reader.identifier()
    if reader.accept("ENCODE"):
        read_encoding(reader)
        return Statement(tag=_TAG, action=Nothing())
    reader.expect("TYPE")
    data_type = read_type(reader, column)
    if reader.accept("USING"):
        raise not_supported("ALTER COLUMN .. TYPE .. USING")
    reader.finish()
    action = WidenColumn(table, column, data_type.postgres, data_type.length)
    return Statement(tag=_TAG, action=action, alone="ALTER TABLE ALTER COLUMN")
