"""The two sides of a comparison: each computes checksums of its own rows in its own server.

The values in these statements are bounds of ranges, which `key_order` writes, and hexadecimal
digits; everything else is quoted names.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from mysql_s3_redshift.adapters.key_order import OrderedColumn, above, in_range, range_number
from mysql_s3_redshift.core.key_ranges import HASH_DIGITS, Bound, Checksum, HashedRow, Region
from mysql_s3_redshift.core.schema import Column
from mysql_s3_redshift.core.types import HASH_RULE

MASK = "***"
CONTENT_DIGITS = 32
SHOWN_DIGITS = 8


@dataclass(frozen=True, slots=True)
class ToldColumn:
    """A column whose value the server tells as it is, and how this program writes it."""

    column: Column
    expression: str
    write: Callable[[Any], str]

    def shown(self, value: Any) -> str | None:
        """The value for people; of a hash so much that two can be told apart."""
        text = None if value is None else self.write(value)
        is_hash = self.column.rule == HASH_RULE.name
        return f"{MASK}{text[:SHOWN_DIGITS]}" if is_hash and text is not None else text


@dataclass(frozen=True, slots=True)
class SqlSide:
    """One of the databases (see `core.key_ranges.Side`).

    Attributes:
        table: What rows are read from.
        condition: What restricts the rows; empty for all.
        key: Hash of a row's key.
        content: Hash of all that is compared.
        number: The first digits of that hash as a number.
        version: The cursor's value.
        order: The columns that ranges are made of.
        columns: The columns of a row, quoted, as people see them.
        query: Runs a statement.
        told: Columns whose values this program writes, as a part of a row's content.
    """

    table: str
    condition: str
    key: str
    content: str
    number: str
    version: str
    order: Sequence[OrderedColumn]
    columns: Sequence[tuple[Column, str]]
    query: Callable[[str], list[tuple[Any, ...]]]
    told: Sequence[ToldColumn] = ()

    def checksums(self, region: Region, bounds: Sequence[Bound]) -> dict[int, Checksum]:
        """Checksums of the ranges between bounds, by index."""
        if not bounds:
            statement = f"SELECT {self._sums} FROM {self.table}{self._where(region)}"
            ((count, total),) = self.query(statement)
            return {0: Checksum(int(count), int(total or 0))}
        found = self._checksums(range_number(self.order, bounds), region)
        return {int(index): checksum for index, checksum in found.items()}

    def bucket_checksums(self, region: Region) -> dict[str, Checksum]:
        """Checksums by a prefix that is one digit longer."""
        found = self._checksums(f"LEFT({self.key}, {len(region.prefix) + 1})", region)
        return {str(prefix): checksum for prefix, checksum in found.items()}

    @property
    def _sums(self) -> str:
        return f"COUNT(*), SUM({self.number})"

    def _checksums(self, part: str, region: Region) -> dict[Any, Checksum]:
        rows = self.query(
            f"SELECT {part}, {self._sums} FROM {self.table}{self._where(region)} GROUP BY 1"
        )
        return {name: Checksum(int(count), int(total)) for name, count, total in rows}

    def next_bound(self, region: Region, rows: int) -> Bound | None:
        """The key after the next `rows` rows; one that begins the region is passed by."""
        bound = self._key_at(self._where(region), rows)
        if bound is None or bound != region.low:
            return bound
        beyond = above(self.order, bound)
        return self._key_at(self._where(region, beyond), 0)

    def _key_at(self, where: str, offset: int) -> Bound | None:
        shown = ", ".join(column.shown for column in self.order)
        names = ", ".join(column.name for column in self.order)
        found = self.query(
            f"SELECT {shown} FROM {self.table}{where} ORDER BY {names} LIMIT 1 OFFSET {offset}"
        )
        return found[0] if found else None

    def rows(self, region: Region) -> Counter[HashedRow]:
        """All rows of a region, and how often each is there."""
        if self.told:
            return self._rows_with_values(region)
        return self._counted(self._where(region))

    def find(self, keys: Collection[str]) -> Counter[HashedRow]:
        """All rows of some keys, told by their hashes, wherever they stand."""
        hashes = ", ".join(f"'{key}'" for key in sorted(keys))
        return self._counted(self._where(Region(), f"{self.key} IN ({hashes})"))

    def _counted(self, where: str) -> Counter[HashedRow]:
        rows = self.query(
            f"SELECT {self.key}, {self.content}, {self.version}, COUNT(*) FROM {self.table}"
            f"{where} GROUP BY 1, 2, 3"
        )
        counted: Counter[HashedRow] = Counter()
        for key, content, version, count in rows:
            counted[HashedRow(str(key), str(content), version)] += int(count)
        return counted

    def _rows_with_values(self, region: Region) -> Counter[HashedRow]:
        names = ", ".join(column.expression for column in self.told)
        rows = self.query(
            f"SELECT {self.key}, {self.content}, {self.version}, {names} FROM {self.table}"
            f"{self._where(region)}"
        )
        return Counter(
            HashedRow(str(key), f"{content}{self._digest(values)}", version)
            for key, content, version, *values in rows
        )

    def _digest(self, values: Sequence[Any]) -> str:
        digest = hashlib.sha256()
        for column, value in zip(self.told, values, strict=True):
            text = b"" if value is None else column.write(value).encode()
            digest.update(b"%d %d " % (value is not None, len(text)) + text)
        return digest.hexdigest()

    def shown(self, region: Region, row: HashedRow) -> dict[str, Any] | None:
        """A row for people, values of hashed columns masked; None if it is gone by now."""
        names = ", ".join([n for _, n in self.columns] + [c.expression for c in self.told])
        content = row.content[:CONTENT_DIGITS]
        own = f"{self.key} = '{row.key}' AND {self.content} = '{content}'"
        found = self.query(f"SELECT {names} FROM {self.table}{self._where(region, own)} LIMIT 1")
        if not found:
            return None
        plain, told = found[0][: len(self.columns)], found[0][len(self.columns) :]
        values = {
            column.name: _readable(column, value)
            for (column, _), value in zip(self.columns, plain, strict=True)
        }
        return values | {c.column.name: c.shown(v) for c, v in zip(self.told, told, strict=True)}

    def _where(self, region: Region, *more: str) -> str:
        conditions = [self.condition] if self.condition else []
        conditions += in_range(self.order, region) if self.order else []
        if region.prefix:
            conditions.append(f"{self.key} LIKE '{region.prefix}%'")
        conditions += more
        return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def _readable(column: Column, value: Any) -> Any:
    if column.rule == HASH_RULE.name:
        return MASK
    if isinstance(value, bytes):
        return value.decode(errors="replace") if column.arrow == "string" else value.hex()
    return value


def mysql_number(content: str) -> str:
    """The first digits of a hash as a number, in MySQL."""
    return f"CAST(CONV(LEFT({content}, {HASH_DIGITS}), 16, 10) AS UNSIGNED)"


def redshift_number(content: str) -> str:
    """The first digits of a hash as a number, in Redshift (see STRTOL)."""
    return f"STRTOL(LEFT({content}, {HASH_DIGITS}), 16)"
