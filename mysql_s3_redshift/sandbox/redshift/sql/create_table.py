"""CREATE TABLE: column types, distribution and sort keys, constraints that are informational."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from mysql_s3_redshift.sandbox.redshift.errors import (
    LENGTH_CHECK_PREFIX,
    RedshiftError,
    not_supported,
    syntax_error,
)
from mysql_s3_redshift.sandbox.redshift.sql.expressions import rewrite
from mysql_s3_redshift.sandbox.redshift.sql.lexer import (
    END,
    Reader,
    Token,
    fold,
    integer_value,
    quote_literal,
    quote_name,
    render,
    split_commas,
)
from mysql_s3_redshift.sandbox.redshift.sql.reserved import SYSTEM_COLUMNS
from mysql_s3_redshift.sandbox.redshift.sql.statement import Statement
from mysql_s3_redshift.sandbox.redshift.sql.types import DataType, read_type
from mysql_s3_redshift.sandbox.redshift.sql.words import word_set

MAX_COLUMNS = 1600
ENCODINGS = word_set(
    """
    raw az64 bytedict delta delta32k lzo mostly8 mostly16 mostly32 runlength text255 text32k
    zstd
    """
)
_ATTRIBUTE_WORDS = word_set(
    """
    ENCODE DISTKEY SORTKEY NOT NULL PRIMARY UNIQUE REFERENCES COLLATE DEFAULT IDENTITY
    GENERATED
    """
)


@dataclass(slots=True)
class Column:
    """A column definition: what PostgreSQL gets and what is only remembered."""

    name: str
    data_type: DataType
    clauses: list[str] = field(default_factory=list)
    encoding: str | None = None
    distkey: bool = False
    sortkey: bool = False
    primary_key: bool = False
    unique: bool = False

    def render(self) -> str:
        """Return the definition for PostgreSQL, the limit in bytes as a CHECK."""
        parts = [quote_name(self.name), self.data_type.postgres, *self.clauses]
        if self.data_type.length is not None:
            check = self.data_type.length_check(quote_name(self.name))
            parts.append(f"constraint {quote_name(length_constraint(self.name))} check ({check})")
        return " ".join(parts)


@dataclass(slots=True)
class TableAttributes:
    """What follows the column list."""

    diststyle: str | None = None
    distkey: str | None = None
    sortkey: list[str] = field(default_factory=list)


def length_constraint(column: str) -> str:
    """Name the CHECK of a column; `rs.rename_length_check` builds the same name."""
    digest = hashlib.md5(column.encode(), usedforsecurity=False).hexdigest()
    return f"{LENGTH_CHECK_PREFIX}{digest[:24]}"


def create_table(reader: Reader, *, temporary: bool) -> Statement:
    """Translate what follows CREATE [TEMP] TABLE."""
    head = "create temp table" if temporary else "create table"
    if reader.accept("IF", "NOT", "EXISTS"):
        head += " if not exists"
    name = reader.qualified_name()
    if reader.peek().text == "(" and reader.peek(1).upper == "LIKE":
        return _create_like(reader, head, name)
    if reader.peek().text != "(":
        return _create_as(reader, head, name)
    return _create_columns(reader, head, name)


def _create_like(reader: Reader, head: str, name: str) -> Statement:
    inside = Reader(reader.group())
    inside.expect("LIKE")
    source = inside.qualified_name()
    defaults = ""
    if mode := inside.accept_any("INCLUDING", "EXCLUDING"):
        inside.expect("DEFAULTS")
        defaults = f" {mode} defaults"
    inside.finish()
    read_table_attributes(reader)
    reader.finish()
    copy = f"select rs.copy_attributes({quote_literal(name)}, {quote_literal(source)})"
    sql = f"{head} {name} (like {source} including constraints{defaults})"
    return Statement(sql, "CREATE TABLE", then=(copy,))


def _create_as(reader: Reader, head: str, name: str) -> Statement:
    attributes = read_table_attributes(reader)
    reader.expect("AS")
    query = render(rewrite(reader.rest()))
    sql = f"{head} {name} as {query}"
    return Statement(sql, "SELECT", then=(remember(name, [], attributes),))


def _create_columns(reader: Reader, head: str, name: str) -> Statement:
    columns: list[Column] = []
    for part in split_commas(reader.group()):
        definition = Reader(part)
        if not read_table_constraint(definition, columns):
            columns.append(read_column(definition))
        definition.finish()
    if not 1 <= len(columns) <= MAX_COLUMNS:
        raise RedshiftError("54011", f"tables can have at most {MAX_COLUMNS} columns")
    attributes = read_table_attributes(reader)
    reader.finish()
    body = ", ".join(column.render() for column in columns)
    sql = f"{head} {name} ({body})"
    return Statement(sql, "CREATE TABLE", then=(remember(name, columns, attributes),))


def read_table_constraint(reader: Reader, columns: Sequence[Column]) -> bool:
    """Read a PRIMARY KEY, UNIQUE or FOREIGN KEY; none is enforced (`t_Defining_constraints`)."""
    if reader.accept("CONSTRAINT"):
        reader.identifier()
    if reader.accept("PRIMARY", "KEY"):
        names = reader.names()
        for column in columns:
            if column.name in names:
                column.primary_key = True
                column.clauses.append("not null")
        return True
    if reader.accept("UNIQUE"):
        names = reader.names()
        for column in columns:
            column.unique |= column.name in names
        return True
    if reader.accept("FOREIGN", "KEY"):
        reader.names()
        reader.expect("REFERENCES")
        reader.qualified_name()
        if reader.peek().text == "(":
            reader.names()
        return True
    if reader.peek().upper in ("CHECK", "EXCLUDE"):
        raise not_supported(f"A {reader.peek().upper} constraint")
    return False


def read_column(reader: Reader) -> Column:
    """Read a column's name, type and attributes."""
    name = reader.identifier()
    if name in SYSTEM_COLUMNS:
        raise RedshiftError("42701", f'column name "{name}" conflicts with a system column name')
    column = Column(name, read_type(reader, name))
    while reader.peek() is not END:
        _read_column_attribute(reader, column)
    return column


def _read_column_attribute(reader: Reader, column: Column) -> None:
    if reader.accept("ENCODE"):
        column.encoding = read_encoding(reader)
    elif reader.accept("DISTKEY"):
        column.distkey = True
    elif reader.accept("SORTKEY"):
        column.sortkey = True
    elif reader.accept("NOT", "NULL"):
        column.clauses.append("not null")
    elif reader.accept("NULL"):
        column.clauses.append("null")
    elif reader.accept("PRIMARY", "KEY"):
        column.primary_key = True
        column.clauses.append("not null")
    elif reader.accept("UNIQUE"):
        column.unique = True
    elif reader.accept("REFERENCES"):
        reader.qualified_name()
        if reader.peek().text == "(":
            reader.names()
    elif reader.accept("DEFAULT"):
        column.clauses.append(f"default {render(rewrite(_default_expression(reader)))}")
    elif reader.accept("IDENTITY"):
        column.clauses.append(_identity(reader, "always"))
    elif reader.accept("GENERATED", "BY", "DEFAULT", "AS", "IDENTITY"):
        column.clauses.append(_identity(reader, "by default"))
    elif reader.peek().upper == "CHECK":
        raise not_supported("A CHECK constraint")
    else:
        raise syntax_error(reader.peek().text)


def read_encoding(reader: Reader) -> str:
    """Read the name of a compression encoding."""
    encoding = fold(reader.take().name)
    if encoding not in ENCODINGS:
        raise RedshiftError("42704", f'unknown encoding "{encoding}"')
    return encoding


def _default_expression(reader: Reader) -> list[Token]:
    tokens, depth = [reader.take()], 0
    depth += tokens[0].text == "("
    while reader.peek() is not END:
        token = reader.peek()
        if depth == 0 and token.upper in _ATTRIBUTE_WORDS:
            break
        depth += (token.text == "(") - (token.text == ")")
        tokens.append(reader.take())
    return tokens


def _identity(reader: Reader, kind: str) -> str:
    seed, step = (integer_value(part[0]) for part in split_commas(reader.group()))
    return (
        f"generated {kind} as identity (start with {seed} increment by {step} "
        f"minvalue {min(seed, 0)})"
    )


def read_table_attributes(reader: Reader) -> TableAttributes:
    """Read BACKUP, DISTSTYLE, DISTKEY, SORTKEY and ENCODE AUTO."""
    attributes = TableAttributes()
    while True:
        if reader.accept("BACKUP"):
            if not reader.accept_any("YES", "NO"):
                raise syntax_error(reader.peek().text)
        elif reader.accept("DISTSTYLE"):
            attributes.diststyle = reader.accept_any("AUTO", "EVEN", "KEY", "ALL")
            if not attributes.diststyle:
                raise syntax_error(reader.peek().text)
        elif reader.accept("DISTKEY"):
            (attributes.distkey,) = reader.names()
        elif reader.accept("ENCODE", "AUTO") or reader.accept("SORTKEY", "AUTO"):
            continue
        elif reader.peek().upper in ("COMPOUND", "INTERLEAVED", "SORTKEY"):
            reader.accept_any("COMPOUND", "INTERLEAVED")
            reader.expect("SORTKEY")
            attributes.sortkey = reader.names()
        else:
            return attributes


def remember(name: str, columns: Sequence[Column], attributes: TableAttributes) -> str:
    """Return the call that stores what PostgreSQL has no place for."""
    distkey = attributes.distkey or next((c.name for c in columns if c.distkey), None)
    sortkey = attributes.sortkey or [column.name for column in columns if column.sortkey]
    _check_keys(columns, [*sortkey, *([distkey] if distkey else [])])
    facts = {
        "diststyle": "KEY" if distkey else attributes.diststyle,
        "distkey": distkey,
        "sortkey": sortkey,
        "encoding": {column.name: column.encoding for column in columns if column.encoding},
        "primary_key": [column.name for column in columns if column.primary_key],
        "unique": [column.name for column in columns if column.unique],
    }
    return f"select rs.set_attributes({quote_literal(name)}, {quote_literal(json.dumps(facts))})"


def remember_encoding(table: str, column: Column) -> str:
    """Return the call that stores the encoding of an added column."""
    arguments = (table, column.name, column.encoding or "")
    return f"select rs.set_encoding({', '.join(quote_literal(text) for text in arguments)})"


def _check_keys(columns: Sequence[Column], keys: Sequence[str]) -> None:
    """Refuse keys on columns that do not exist or cannot be keys (`r_VARBYTE_type`)."""
    types = {column.name: column.data_type.postgres for column in columns}
    for key in keys if columns else ():
        if key not in types:
            raise RedshiftError("42703", f'column "{key}" named in key does not exist')
        if types[key].startswith("pg_catalog."):
            kind = types[key].removeprefix("pg_catalog.").upper()
            raise not_supported(f"A {kind} column as DISTKEY or SORTKEY")
