"""Keyset queries as SQL. Every identifier is quoted by one function, every value is bound.

The hybrid predicate is written out, `(ts > ? OR (ts = ? AND id > ?)) AND ts < ?`: MariaDB and MySQL
seek with the whole key then. The row constructor `(ts, id) > (?, ?)` reads every entry up to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from mysql_s3_redshift.core.cursors import ChunkQuery, Position
from mysql_s3_redshift.core.model import TablePlan, Value
from mysql_s3_redshift.core.names import quote_mysql
from mysql_s3_redshift.core.plan import ResolvedTable
from mysql_s3_redshift.core.schema import TableSchema
from mysql_s3_redshift.core.types import HASH_RULE, select_expression

MARK = "/* mysql-s3-redshift */"
"""Begins every reading statement, so that one run's reads do not hold another run's ceiling."""

EARLIEST = datetime(1, 1, 1)  # noqa: DTZ001
"""Below it lie only zero dates, which stand in no order that a cursor could follow."""

FLOATS = {"float32", "float64"}

_DIALECT = mysql.dialect(paramstyle="qmark")


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with `?` for each parameter."""

    sql: str
    parameters: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """What a chunk query selects.

    Attributes:
        expressions: One per column of the schema, then those keyset columns that are not read as
            they are.
        positions: For each keyset column, the index of the expression that gives its value.
    """

    expressions: tuple[str, ...]
    positions: tuple[int, ...]


def select_columns(
    schema: TableSchema, order_by: Sequence[str], *, prepared: bool = True
) -> Selection:
    """Choose what to read: the schema's columns, and the keyset where a policy hides it.

    Args:
        schema: The schema of the files.
        order_by: The keyset.
        prepared: Whether the server prepares statements. The text protocol shows a FLOAT with six
            digits; as the DOUBLE that `* 1E0` makes of it, it is exact (`+ 0` would lose -0.0).
    """
    expressions = [select_expression(c) for c in schema.columns]
    if not prepared:
        for i, column in enumerate(schema.columns):
            if column.arrow in FLOATS and expressions[i] == quote_mysql(column.source):
                expressions[i] += " * 1E0"
    plain = {
        c.source: i
        for i, c in enumerate(schema.columns)
        if c.rule != HASH_RULE.name and expressions[i] == quote_mysql(c.source)
    }
    positions = []
    for name in order_by:
        if name not in plain:
            plain[name] = len(expressions)
            expressions.append(quote_mysql(name))
        positions.append(plain[name])
    return Selection(tuple(expressions), tuple(positions))


def chunk(table: ResolvedTable, selection: Selection, query: ChunkQuery) -> Statement:
    """The query of one chunk."""
    columns: list[sa.ColumnClause[Any]] = [sa.literal_column(e) for e in selection.expressions]
    statement: sa.Select[Any] = sa.select(*columns).select_from(_source(table.plan))
    statement = statement.where(*_conditions(table, query)).order_by(*map(_column, query.order_by))
    return _compile(statement.limit(query.limit) if query.limit is not None else statement)


def boundary(table: ResolvedTable, query: ChunkQuery, rows: int) -> Statement:
    """First keyset column of the row that comes after the next `rows` rows."""
    statement: sa.Select[Any] = sa.select(_column(query.order_by[0])).select_from(
        _source(table.plan)
    )
    statement = statement.where(*_conditions(table, query)).order_by(*map(_column, query.order_by))
    return _compile(statement.limit(1).offset(rows))


def exists(table: ResolvedTable, query: ChunkQuery) -> Statement:
    """One row if the query would return any."""
    statement: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(_source(table.plan))
    return _compile(statement.where(*_conditions(table, query)).limit(1))


def count(table: ResolvedTable, query: ChunkQuery) -> Statement:
    """Number of rows that the query would return, at most `query.limit`."""
    rows: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(_source(table.plan))
    rows = rows.where(*_conditions(table, query))
    if query.limit is not None:
        rows = rows.limit(query.limit)
    return _compile(sa.select(sa.func.count()).select_from(rows.subquery("counted")))


def keys(table: ResolvedTable, query: ChunkQuery, *, last: bool = False) -> Statement:
    """The keyset of the rows of a range, in order; `last`: from its end on."""
    columns = [_column(name) for name in query.order_by]
    statement: sa.Select[Any] = sa.select(*columns).select_from(_source(table.plan))
    statement = statement.where(*_conditions(table, query)).limit(query.limit)
    return _compile(statement.order_by(*(c.desc() if last else c for c in columns)))


def in_order(
    table: ResolvedTable, columns: Sequence[str], positions: Sequence[Position]
) -> Statement:
    """Those of some keys that exist, in the server's order."""
    wanted = [
        sa.and_(*(_equal(name, value) for name, value in zip(columns, position, strict=True)))
        for position in positions
    ]
    key = [_column(name) for name in columns]
    statement: sa.Select[Any] = sa.select(*key).select_from(_source(table.plan))
    return _compile(statement.where(sa.or_(*wanted)).order_by(*key))


FRESH_STATISTICS = (
    "SET /*!80003 SESSION information_schema_stats_expiry = 0, */ @statistics = 'fresh'"
)
"""MySQL tells AUTO_INCREMENT as it was up to a day ago, unless it is asked not to
(https://dev.mysql.com/doc/refman/8.4/en/information-schema-optimization.html). Servers that do not
know the variable, and MariaDB, take it for a comment
(https://mariadb.com/kb/en/comment-syntax/#executable-comment-syntax)."""

NEXT_ID = (
    "SELECT AUTO_INCREMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s "
    "AND TABLE_NAME = %s AND CAST(TABLE_NAME AS BINARY) = CAST(%s AS BINARY)"
)


def newest(table: ResolvedTable) -> Statement:
    """Largest value of the cursor's first column."""
    column = _column(table.cursor.first_column)
    return _compile(sa.select(sa.func.max(column)).select_from(_source(table.plan)))


def _source(plan: TablePlan) -> sa.TextClause | Any:
    if plan.query is not None:
        return sa.text(f"({_escaped(plan.query.strip().rstrip(';'))}\n) AS source_query")
    return sa.text(_escaped(f"{quote_mysql(plan.schema)}.{quote_mysql(plan.table)}"))


def _escaped(sql: str) -> str:
    """SQLAlchemy takes `:name` in a text for a parameter; a backslash before it keeps it."""
    return sql.replace(":", "\\:")


def _column(name: str) -> sa.ColumnClause[Any]:
    return sa.literal_column(quote_mysql(name))


def _value(value: Value) -> Any:
    return sa.bindparam(None, value, type_=sa.types.NullType(), unique=True)


def _conditions(table: ResolvedTable, query: ChunkQuery) -> list[Any]:
    conditions = []
    if query.after:
        conditions.append(_after(query.order_by, query.after))
    if query.not_beyond is not None:
        # Not NOT: a comparison with NULL tells nothing, and such a row is not beyond anything.
        conditions.append(_after(*query.not_beyond).is_not(sa.true()))
    if query.through:
        conditions.append(_through(table, query.order_by, query.through))
    if query.within is not None and query.within.after:
        conditions.append(_after(query.within.columns, query.within.after))
    if query.within is not None and query.within.through:
        conditions.append(_through(table, query.within.columns, query.within.through))
    bound = _bound(query)
    if bound is not None:
        conditions.append(bound)
    if query.before is not None:
        conditions.append(_column(query.order_by[0]) < _value(query.before))
    if table.plan.additional_where:
        # The line break ends a comment that the condition may end with.
        conditions.append(sa.literal_column(f"({table.plan.additional_where}\n)"))
    return conditions


def _after(columns: Sequence[str], position: Position) -> Any:
    """Beyond a position: `a > ? OR (a = ? AND b > ?)`; a shorter position is inclusive."""
    inclusive = len(position) < len(columns)
    condition: Any = None
    for name, value in reversed(list(zip(columns, position, strict=False))):
        if condition is not None:
            condition = sa.or_(_greater(name, value), sa.and_(_equal(name, value), condition))
        elif inclusive and value is not None:
            condition = _column(name) >= _value(value)
        elif inclusive:
            condition = sa.true()
        else:
            condition = _greater(name, value)
    return condition


def _through(table: ResolvedTable, columns: Sequence[str], position: Position) -> Any:
    """Up to a position: exactly the rows that `_after` leaves out for it."""
    inclusive = len(position) == len(columns)
    condition: Any = None
    for name, value in reversed(list(zip(columns, position, strict=False))):
        if condition is None:
            condition = _less(table, name, value, or_equal=inclusive)
        else:
            here = sa.and_(_equal(name, value), condition)
            condition = sa.or_(_less(table, name, value), here)
    return condition


def _less(table: ResolvedTable, name: str, value: Value, *, or_equal: bool = False) -> Any:
    """Before a value. NULL sorts first, so it is before everything else."""
    if value is None:
        return _equal(name, value) if or_equal else sa.false()
    column, known = _column(name), table.table.column(name)
    less = column <= _value(value) if or_equal else column < _value(value)
    return sa.or_(less, column.is_(None)) if known is None or known.nullable else less


def _greater(name: str, value: Value) -> Any:
    """Beyond a value. NULL sorts first, so everything else is beyond it."""
    column = _column(name)
    return column.is_not(None) if value is None else column > _value(value)


def _equal(name: str, value: Value) -> Any:
    column = _column(name)
    return column.is_(None) if value is None else column == _value(value)


def _bound(query: ChunkQuery) -> Any:
    if query.bound_column is None:
        return None
    column = _column(query.bound_column)
    clock = isinstance(query.below, date)
    if query.nulls == "only":
        zero = [column < _value(EARLIEST)] if clock else []
        return sa.or_(column.is_(None), *zero)
    bounds = []
    if query.below is not None:
        bounds.append(column < _value(query.below))
    if query.at_most is not None:
        bounds.append(column <= _value(query.at_most))
    if query.at_least is not None:
        bounds.append(column >= _value(query.at_least))
    if query.nulls == "keep":
        return sa.or_(sa.and_(*bounds), column.is_(None)) if bounds else None
    if clock and not query.after:
        bounds.append(column >= _value(EARLIEST))
    return sa.and_(*bounds) if bounds else column.is_not(None)


def _compile(statement: sa.Select[Any]) -> Statement:
    compiled = statement.prefix_with(MARK).compile(
        dialect=_DIALECT, compile_kwargs={"render_postcompile": True}
    )
    values = compiled.params
    order = compiled.positiontup or ()
    text = str(compiled).replace(f"SELECT {MARK}", f"{MARK} SELECT", 1)
    return Statement(text, tuple(values[name] for name in order))
