"""Which columns of a MySQL table are a key, and which of them a keyset can go by."""

from __future__ import annotations

from mysql_s3_redshift.core.schema import SourceTable

UNORDERED = {"enum", "set", "json", "bit", "geometry", "float"}
"""Types whose order or equality in a comparison differs from their order in an index or whose
values a bound parameter may not hit exactly: never part of a keyset."""


def clustered_key(table: SourceTable, key: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The key by which the whole table is read: its clustered index, where that can be ordered.

    Args:
        table: The table, or a query.
        key: Columns that the file names as the key; believed for queries, which have no indexes.
    """
    for columns in (table.primary_key, *_unique_indexes(table)):
        if columns and not any(is_unordered(table, c) for c in columns):
            return columns
    is_query = not table.primary_key and not table.indexes
    return key if is_query and not any(is_unordered(table, c) for c in key) else ()


def is_unique(table: SourceTable, columns: tuple[str, ...], key: tuple[str, ...] = ()) -> bool:
    """Whether the columns contain a unique key.

    A key that only the file names is believed for queries, which have no indexes.
    """
    believed = [key] if key and not table.indexes and not table.primary_key else []
    keys = (table.primary_key, *_unique_indexes(table), *believed)
    return any(set(k) <= set(columns) for k in keys if k)


def is_indexed(table: SourceTable, name: str) -> bool:
    """Whether an index begins with a column."""
    firsts = [i.columns[0] for i in table.indexes] + list(table.primary_key[:1])
    return name in firsts


def is_unordered(table: SourceTable, name: str) -> bool:
    """Whether a column cannot be part of a keyset."""
    column = table.column(name)
    return column is None or column.data_type in UNORDERED


def are_never_null(table: SourceTable, names: tuple[str, ...]) -> bool:
    """Whether none of the columns may be NULL."""
    columns = [table.column(n) for n in names]
    return all(c is not None and not c.nullable for c in columns)


def _unique_indexes(table: SourceTable) -> list[tuple[str, ...]]:
    return [i.columns for i in table.indexes if i.unique and are_never_null(table, i.columns)]
