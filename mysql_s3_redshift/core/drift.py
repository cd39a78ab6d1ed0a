"""Schema drift: what changed between two schemas, and what a target needs to take a file.

Old files load into newer tables and new files into older ones. A file is staged in its own types,
and the INSERT that follows widens them where that is exact. What Redshift can change in place is
done: columns are added, VARCHARs widened. The rest is refused with the way out, never cast.

MySQL's NOT NULL may come and go: in Redshift only key columns have it (see `core.types`).

ALTER COLUMN TYPE changes nothing but the size of a VARCHAR, and not of one in a primary key or with
a default (https://docs.aws.amazon.com/redshift/latest/dg/r_ALTER_TABLE.html). A number that became
wider is copied to a new column, which then takes the old one's name, in one transaction: that is
done in tables that we made ourselves, and never to key columns, which Redshift would have to drop.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mysql_s3_redshift.core.schema import Column, TableSchema
from mysql_s3_redshift.core.target_types import TargetType, fits, parse_target_type
from mysql_s3_redshift.errors import TargetError


class ChangeKind(StrEnum):
    """What can change between two schemas of a table."""

    ADDED = "added"
    DROPPED = "dropped"
    RENAMED = "renamed"
    REORDERED = "reordered"
    WIDENED = "widened"
    NARROWED = "narrowed"
    RETYPED = "retyped"
    KEY_CHANGED = "key_changed"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two schemas. `column` is MySQL's name, empty for the whole table."""

    kind: ChangeKind
    column: str
    sentence: str


def compare(before: TableSchema, after: TableSchema) -> tuple[Change, ...]:
    """Tell what changed from one schema of a table to the next. Columns are matched by source."""
    return tuple(_changes(before, after))


def _changes(before: TableSchema, after: TableSchema) -> Iterator[Change]:
    for old in before.columns:
        if after.by_source(old.source) is None:
            yield Change(
                ChangeKind.DROPPED,
                old.source,
                f"Column `{old.source}` is no longer read; `{old.name}` stays in Redshift and is "
                "NULL in new rows.",
            )
    for new in after.columns:
        former = before.by_source(new.source)
        if former is None:
            yield Change(
                ChangeKind.ADDED,
                new.source,
                f"Column `{new.source}` is new: `{new.name}` {new.target_type}, NULL in rows that "
                "were read before.",
            )
        else:
            yield from _column_changes(former, new)
    if before.primary_key != after.primary_key:
        yield Change(
            ChangeKind.KEY_CHANGED,
            "",
            f"The key was {_list(before.primary_key)} and is {_list(after.primary_key)}.",
        )
    order = [c.source.lower() for c in before.columns if after.by_source(c.source)]
    if order != [c.source.lower() for c in after.columns if before.by_source(c.source)]:
        yield Change(ChangeKind.REORDERED, "", "Columns changed places; they are matched by name.")


def _column_changes(before: Column, after: Column) -> Iterator[Change]:
    source = after.source
    if before.name != after.name:
        yield Change(
            ChangeKind.RENAMED,
            source,
            f"Column `{source}` was `{before.name}` in Redshift and is `{after.name}`; rows that "
            "were loaded before keep their values in the old column.",
        )
    if (before.target_type, before.rule) != (after.target_type, after.rule):
        kind = _type_change(before, after)
        yield Change(
            kind,
            source,
            f"Column `{source}` was {before.source_type} ({before.target_type}) and is "
            f"{after.source_type} ({after.target_type}): {kind.value}.",
        )


def _type_change(before: Column, after: Column) -> ChangeKind:
    old, new = parse_target_type(before.target_type), parse_target_type(after.target_type)
    if old == new:
        return ChangeKind.RETYPED
    if fits(old, new):
        return ChangeKind.WIDENED
    return ChangeKind.NARROWED if fits(new, old) else ChangeKind.RETYPED


@dataclass(frozen=True, slots=True)
class TargetColumn:
    """A column of the Redshift table as the catalog tells it.

    Attributes:
        name: Its name.
        type: Its type, in any spelling that Redshift uses.
        nullable: Whether it takes NULL.
        has_default: Whether it has a default or is an identity column.
        in_key: Whether it is in a primary, unique or foreign key.
    """

    name: str
    type: str
    nullable: bool = True
    has_default: bool = False
    in_key: bool = False


class TargetChangeKind(StrEnum):
    """What can be changed in a target, by ALTER TABLE or by copying a column to a wider one."""

    ADD_COLUMN = "add_column"
    WIDEN_VARCHAR = "widen_varchar"
    REBUILD_COLUMN = "rebuild_column"


@dataclass(frozen=True, slots=True)
class TargetChange:
    """One change that the target needs before a file can be loaded.

    Attributes:
        kind: What to do.
        column: Redshift's name.
        type: The type that the column shall have.
        sentence: For people.
        encoding: ENCODE of an added column.
        comment: Comment of an added column.
    """

    kind: TargetChangeKind
    column: str
    type: str
    sentence: str
    encoding: str | None = None
    comment: str = ""


def plan_target_changes(
    target_columns: Sequence[TargetColumn],
    schema: TableSchema,
    *,
    table: str = "the target",
    may_rebuild: bool = False,
) -> tuple[TargetChange, ...]:
    """Tell what must be altered so that files of a schema can be inserted without loss.

    Args:
        target_columns: Columns of the existing Redshift table.
        schema: The schema of the files.
        table: The target's name, for errors.
        may_rebuild: Whether columns may be copied to wider ones: only in a table that we made.

    Raises:
        TargetError: The files cannot be taken by altering the table.
    """
    existing = {column.name.lower(): column for column in target_columns}
    changes, problems = [], []
    for column in schema.columns:
        found = existing.get(column.name)
        change = _add(column) if found is None else _adapt(column, found, may_rebuild=may_rebuild)
        if isinstance(change, TargetChange):
            changes.append(change)
        elif change:
            problems.append(change)
    names = {column.name for column in schema.columns}
    for left_out in target_columns:
        required = not left_out.nullable and not left_out.has_default
        if left_out.name.lower() not in names and required:
            problems.append(f"`{left_out.name}` is NOT NULL and the files do not have it")
    if problems:
        raise TargetError(
            f"{table} cannot take these files: {'; '.join(problems)}.",
            kept="Nothing was loaded or altered; the files stay pending.",
            remedy="Undo the change in MySQL, or drop or rename the Redshift table and run "
            "`watermark reset`: the next sync rebuilds it with the new columns.",
        )
    return tuple(changes)


def _add(column: Column) -> TargetChange | str:
    if not column.nullable:
        return f"`{column.name}` is part of the key and the rows that are there do not have it"
    return TargetChange(
        TargetChangeKind.ADD_COLUMN,
        column.name,
        column.target_type,
        f"Added column `{column.name}` {column.target_type}.",
        encoding=column.encoding,
        comment=column.comment,
    )


def _adapt(
    column: Column, existing: TargetColumn, *, may_rebuild: bool
) -> TargetChange | str | None:
    """Return the change that lets a column in, the reason why none can, or None for no need."""
    wanted, there = parse_target_type(column.target_type), parse_target_type(existing.type)
    if fits(wanted, there):
        return None
    plain = existing.nullable and not existing.in_key and not existing.has_default
    if may_rebuild and plain and wanted.name != "varchar" and fits(there, wanted):
        return TargetChange(
            TargetChangeKind.REBUILD_COLUMN,
            column.name,
            column.target_type,
            f"Copied column `{column.name}` from {there} to {wanted}.",
            encoding=column.encoding,
            comment=column.comment,
        )
    if not _can_widen(wanted, there):
        return f"`{column.name}` is {there} there and {wanted} in the files"
    if existing.in_key or existing.has_default:
        reason = "a key" if existing.in_key else "a default"
        return f"`{column.name}` would become {wanted}, and Redshift widens no column with {reason}"
    return TargetChange(
        TargetChangeKind.WIDEN_VARCHAR,
        column.name,
        str(wanted),
        f"Widened column `{column.name}` from {there} to {wanted}.",
    )


def _can_widen(wanted: TargetType, there: TargetType) -> bool:
    return wanted.name == there.name == "varchar" and wanted.size > there.size


def _list(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"
