"""What the translation of one statement yields."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Nothing:
    """A statement that is accepted and changes nothing here, such as ALTER DISTKEY."""


@dataclass(frozen=True, slots=True)
class CopyFrom:
    """COPY table FROM S3 in FORMAT PARQUET.

    Args:
        table: The quoted name of the table.
        columns: The column list, bare names, or None.
        source: The `s3://` URL of a prefix or of a manifest.
        credentials: Key, secret and session token when given; None for an IAM role.
        options: The other options, upper case.
    """

    table: str
    columns: tuple[str, ...] | None
    source: str
    credentials: tuple[str, str, str | None] | None
    options: frozenset[str]


@dataclass(frozen=True, slots=True)
class WidenColumn:
    """ALTER TABLE .. ALTER COLUMN .. TYPE VARCHAR(n)."""

    table: str
    column: str
    type_name: str
    length: int | None


Action = Nothing | CopyFrom | WidenColumn


@dataclass(frozen=True, slots=True)
class Statement:
    """A translated statement.

    Args:
        sql: What PostgreSQL runs; empty when the stand-in itself acts.
        tag: The first word of its command tag.
        action: What the stand-in does itself, if anything.
        locks: The table to lock before the statement, because writers wait for each other.
        then: Bookkeeping to run after it in the same transaction.
        commits: Whether the transaction around it ends with it, as with TRUNCATE.
        alone: The command's name when it refuses to run in a transaction block.
    """

    sql: str = ""
    tag: str = ""
    action: Action | None = None
    locks: str | None = None
    then: tuple[str, ...] = field(default=())
    commits: bool = False
    alone: str | None = None
