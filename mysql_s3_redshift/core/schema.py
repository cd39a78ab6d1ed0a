"""Tables as MySQL describes them, and as a set of parquet files holds them.

`SourceTable` is what discovery reads from `information_schema`. `TableSchema` is what the type
table (`mysql_s3_redshift.core.types`) makes of it: one `Column` per column that is read, with its
parquet and its Redshift type. A `TableSchema` is stored with the files that have it, under its
fingerprint, so that a load never has to ask MySQL.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """One column as `information_schema.COLUMNS` has it.

    Attributes:
        data_type: Lower-case base type, `varchar`. MariaDB's JSON alias is told as `json`.
        column_type: Full type, `varchar(255)`, `int(10) unsigned`, `enum('a','b')`.
        charset: Character set of text columns, else None.
        max_bytes_per_char: Bytes of the charset's widest character in UTF-8, text columns only.
        length: Characters of text columns, bytes of binary columns.
        precision, scale: Of DECIMAL (and BIT: precision is its bits).
        fraction: Digits after the second of TIME, DATETIME and TIMESTAMP.
    """

    name: str
    data_type: str
    column_type: str
    nullable: bool = True
    charset: str | None = None
    max_bytes_per_char: int | None = None
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    fraction: int | None = None
    default: str | None = None
    comment: str = ""
    generated: bool = False
    invisible: bool = False
    auto_increment: bool = False

    @property
    def unsigned(self) -> bool:
        """Whether an integer column is UNSIGNED (ZEROFILL implies it)."""
        return "unsigned" in self.column_type or "zerofill" in self.column_type


@dataclass(frozen=True, slots=True)
class Index:
    """One index: its columns in order."""

    name: str
    columns: tuple[str, ...]
    unique: bool


@dataclass(frozen=True, slots=True)
class SourceTable:
    """One table (or the result of one `custom_sql` query) as MySQL describes it."""

    schema: str
    name: str
    columns: tuple[SourceColumn, ...]
    primary_key: tuple[str, ...] = ()
    indexes: tuple[Index, ...] = ()
    comment: str = ""
    engine: str | None = None
    row_estimate: int | None = None
    data_bytes: int | None = None
    created_at: str | None = None
    is_view: bool = False

    @property
    def qualified_name(self) -> str:
        """`schema.name`; of a query, which has no schema, its name."""
        return f"{self.schema}.{self.name}" if self.schema else self.name

    def column(self, name: str) -> SourceColumn | None:
        """The column of that name, letter case ignored as MySQL does; None when there is none."""
        return next((c for c in self.columns if c.name.lower() == name.lower()), None)


@dataclass(frozen=True, slots=True)
class Column:
    """One replicated column: MySQL's name and type, the parquet type, Redshift's name and type.

    Attributes:
        source: MySQL's name.
        source_type: MySQL's full type.
        name: Redshift's name.
        arrow: Arrow type in the parquet file, as `core.types` writes it (`int64`,
            `decimal128(20, 0)`, `timestamp[us]`, `string`, …).
        target_type: Redshift's type, `VARCHAR(1020)`.
        staging_type: Type of the column that COPY fills, where the target's type cannot be
            loaded from parquet (`VARCHAR(17)` for TIME); else equal to `target_type`.
        nullable: False for key columns alone, whatever MySQL says: see `core.types`.
        cast: SQL function that turns the staged value into the target's, with `{}` for the
            column; empty for none. Example: `JSON_PARSE({})`.
        rule: Name of the type rule that applied, e.g. `hash`.
    """

    source: str
    source_type: str
    name: str
    arrow: str
    target_type: str
    staging_type: str
    nullable: bool = True
    cast: str = ""
    rule: str = ""
    comment: str = ""
    encoding: str | None = None

    @property
    def renamed(self) -> bool:
        """Whether Redshift's name differs from MySQL's lower-cased name."""
        return self.name != self.source.lower()


@dataclass(frozen=True, slots=True)
class TableSchema:
    """The columns of a set of files, in file order, and the key in Redshift's names."""

    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    comment: str = ""

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that differ when files cannot be loaded by one COPY.

        Comments and encodings do not count.
        """
        shape = [
            [c.source, c.name, c.arrow, c.target_type, c.staging_type, c.cast, c.nullable, c.rule]
            for c in self.columns
        ]
        text = json.dumps([shape, self.primary_key], separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def column(self, name: str) -> Column | None:
        """The column of that Redshift name, None when there is none."""
        return next((c for c in self.columns if c.name == name), None)

    def by_source(self, source: str) -> Column | None:
        """The column of that MySQL name (letter case ignored), None when it is not read."""
        return next((c for c in self.columns if c.source.lower() == source.lower()), None)

    def to_json(self) -> dict[str, Any]:
        """The schema document that is stored beside the files."""
        return {
            "version": "1.0",
            "fingerprint": self.fingerprint,
            "columns": [asdict(c) for c in self.columns],
            "primary_key": list(self.primary_key),
            "comment": self.comment,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> TableSchema:
        """Read a schema document.

        Raises:
            KeyError, TypeError, ValueError: The document is not one that `to_json` wrote.
        """
        schema = cls(
            columns=tuple(Column(**c) for c in document["columns"]),
            primary_key=tuple(document["primary_key"]),
            comment=document["comment"],
        )
        if schema.fingerprint != document["fingerprint"]:
            message = f"fingerprint {document['fingerprint']} does not match the columns"
            raise ValueError(message)
        return schema
