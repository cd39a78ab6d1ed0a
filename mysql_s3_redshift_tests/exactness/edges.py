"""A column's literals at the edges of its type, and how each side tells a value as text.

Both texts come from the two servers themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edges:
    """One column.

    Attributes:
        mysql: Its type and attributes in MySQL.
        redshift: The type that it has to get in Redshift.
        literals: Its values as MySQL literals.
        said_by_mysql: A value as MySQL tells it; `{}` is the column.
        said_by_redshift: The same for Redshift.
        option: `columns.types` of the column.
        only: `mysql` or `mariadb`, for what the other does not have.
    """

    mysql: str
    redshift: str
    literals: Sequence[str]
    said_by_mysql: str = "CAST({} AS CHAR)"
    said_by_redshift: str = "{}"
    option: str | None = None
    only: str = ""


def text(value: str) -> str:
    """A text literal that no sql_mode and no escape changes."""
    return f"_utf8mb4 X'{value.encode().hex()}'"


def numbers(*values: int) -> list[str]:
    """Number literals."""
    return [str(value) for value in values]


def quoted(*values: str) -> list[str]:
    """Plain string literals."""
    return [f"'{value}'" for value in values]
