"""The rows of a pair as its two ends tell them."""

from __future__ import annotations

import struct
from typing import Any

from mysql_s3_redshift_tests.exactness.edges import Edges
from mysql_s3_redshift_tests.exactness.pair import Pair


def as_text(value: Any) -> str | None:
    """A value as text; floats by their bits: -0.0 is not 0.0."""
    if isinstance(value, float):
        return struct.pack(">d", value).hex()
    return None if value is None else str(value)


def told_by_both(
    pair: Pair, columns: dict[str, Edges]
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """All rows as MySQL tells them and as Redshift tells them."""
    mysql = ", ".join(e.said_by_mysql.replace("{}", f"`{n}`") for n, e in columns.items())
    redshift = ", ".join(e.said_by_redshift.replace("{}", f'"{n}"') for n, e in columns.items())
    told = (
        pair.mysql_rows(f"SELECT id, {mysql} FROM {pair.table} ORDER BY id"),
        pair.redshift_rows(f"SELECT id, {redshift} FROM {pair.target} ORDER BY id"),
    )
    mysql_rows, redshift_rows = ([tuple(map(as_text, row)) for row in rows] for rows in told)
    return mysql_rows, redshift_rows


def differences(columns: dict[str, Edges], one: list[Any], other: list[Any]) -> list[str]:
    """What differs, short enough to be read."""
    assert [row[0] for row in one] == [row[0] for row in other], "not the same rows"
    return [
        f"{list(columns.values())[n].mysql}, row {left[0]}: {str(a)[:70]!r} and {str(b)[:70]!r}"
        for left, right in zip(one, other, strict=True)
        for n, (a, b) in enumerate(zip(left[1:], right[1:], strict=True))
        if a != b
    ]
