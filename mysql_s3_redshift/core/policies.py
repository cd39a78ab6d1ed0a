"""The choices of a table's `columns:` section: whether they fit the table, and which one applies.

Columns of the key are never changed by a policy: two rows whose keys were cut or replaced would
become one. There the default policies do not apply, and naming one is an error.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from mysql_s3_redshift.core.model import (
    ColumnPolicies,
    InvalidTextPolicy,
    OverlongPolicy,
    ZeroDatePolicy,
)
from mysql_s3_redshift.core.schema import Column, SourceTable
from mysql_s3_redshift.errors import ConfigError

ANY = "*"
"""The name that stands for all columns in `zero_dates`, `overlong` and `invalid_text`."""

ENCODINGS = frozenset(
    {
        "raw", "az64", "bytedict", "delta", "delta32k", "lzo", "mostly8", "mostly16", "mostly32",
        "runlength", "text255", "text32k", "zstd",
    }
)  # fmt: skip
"""https://docs.aws.amazon.com/redshift/latest/dg/c_Compression_encodings.html"""

WHOLE_RULES = frozenset({"super", "geometry", "geometry_hex"})
"""Type rules whose values cannot be cut."""

_V = TypeVar("_V")


@dataclass(frozen=True, slots=True)
class ValuePolicies:
    """What happens to the values of one column that cannot be kept exactly."""

    zero_dates: ZeroDatePolicy
    overlong: OverlongPolicy
    invalid_text: InvalidTextPolicy


def lookup(mapping: Mapping[str, _V], name: str) -> _V | None:
    """Return the entry of a column, letter case ignored as MySQL does."""
    return next((v for k, v in mapping.items() if k.lower() == name.lower()), None)


def value_policies(policies: ColumnPolicies, column: Column) -> ValuePolicies:
    """Return the policies of one column; a part of a document or a geometry is worth nothing."""
    if not column.nullable:
        return ValuePolicies(ZeroDatePolicy.ERROR, OverlongPolicy.ERROR, InvalidTextPolicy.ERROR)
    overlong = _policy(policies.overlong, column.source) or OverlongPolicy.ERROR
    if overlong is OverlongPolicy.TRUNCATE and column.rule in WHOLE_RULES:
        overlong = OverlongPolicy.ERROR
    return ValuePolicies(
        _policy(policies.zero_dates, column.source) or ZeroDatePolicy.NULL,
        overlong,
        _policy(policies.invalid_text, column.source) or InvalidTextPolicy.ERROR,
    )


def _policy(mapping: Mapping[str, _V], column: str) -> _V | None:
    own = lookup(mapping, column)
    return mapping.get(ANY) if own is None else own


def encoding_of(where: str, column: str, policies: ColumnPolicies) -> str | None:
    """Return the ENCODE of a column in lower case.

    Raises:
        ConfigError: Redshift has no such encoding.
    """
    encoding = lookup(policies.encodings, column)
    if encoding is not None and encoding.lower() not in ENCODINGS:
        raise ConfigError(
            f"`columns.encodings`: `{encoding}` of `{where}.{column}` is no encoding of Redshift.",
            remedy=f"Use one of: {', '.join(sorted(ENCODINGS))}.",
        )
    return encoding.lower() if encoding else None


def check_policies(
    table: SourceTable, policies: ColumnPolicies, primary_key: Sequence[str]
) -> tuple[str, ...]:
    """Check that the policies fit the table, and return the names of its key columns.

    Args:
        table: The table as MySQL describes it.
        policies: Its `columns:` section.
        primary_key: The configured key. Empty means MySQL's, or none where it is not read.

    Raises:
        ConfigError: A policy names an unknown column, or two choices contradict each other.
    """
    for option, names in _names(policies):
        for name in names:
            if table.column(name) is None:
                raise _unknown(table, f"columns.{option}", name)
    for name in primary_key:
        if table.column(name) is None:
            raise _unknown(table, "primary_key", name)
    excluded = {name.lower() for name in policies.exclude}
    key = tuple(primary_key) or table.primary_key
    missing = [name for name in key if name.lower() in excluded]
    if missing and primary_key:
        raise _contradiction(table, missing[0], "is in `primary_key` and in `columns.exclude`")
    _check_pairs(table, policies, excluded)
    if missing:
        return ()
    _check_key(table, policies, key)
    return key


def _names(policies: ColumnPolicies) -> Iterable[tuple[str, Iterable[str]]]:
    for option in ("exclude", "rename", "types", "hash", "encodings"):
        yield option, getattr(policies, option)
    for option in ("zero_dates", "overlong", "invalid_text"):
        yield option, (name for name in getattr(policies, option) if name != ANY)


def _check_pairs(table: SourceTable, policies: ColumnPolicies, excluded: set[str]) -> None:
    for name in policies.hash:
        if lookup(policies.types, name) is not None:
            raise _contradiction(table, name, "is in `columns.hash` and in `columns.types`")
    for name in (*policies.hash, *policies.types, *policies.rename):
        if name.lower() in excluded:
            raise _contradiction(table, name, "is in `columns.exclude` and in another option")
    for name, policy in policies.overlong.items():
        whole = (lookup(policies.types, name) or "").strip().lower() in {"super", "geometry"}
        if whole and policy is OverlongPolicy.TRUNCATE:
            raise _contradiction(table, name, "is of a type that cannot be cut: see `overlong`")


def _check_key(table: SourceTable, policies: ColumnPolicies, key: Iterable[str]) -> None:
    for name in key:
        chosen: tuple[StrEnum | None, ...] = (
            lookup(policies.zero_dates, name),
            lookup(policies.overlong, name),
            lookup(policies.invalid_text, name),
        )
        if any(policy is not None and policy.value != "error" for policy in chosen):
            raise _contradiction(table, name, "is part of the key, so no policy may change it")


def _contradiction(table: SourceTable, column: str, what: str) -> ConfigError:
    return ConfigError(
        f"Column `{table.qualified_name}.{column}` {what}.",
        remedy="Remove one of the two from the table's options in pipelines.yaml.",
    )


def _unknown(table: SourceTable, option: str, name: str) -> ConfigError:
    by_lower = {column.name.lower(): column.name for column in table.columns}
    near = [by_lower[n] for n in difflib.get_close_matches(name.lower(), by_lower)]
    hint = f"Did you mean {', '.join(f'`{n}`' for n in near)}? " if near else ""
    return ConfigError(
        f"`{option}` names column `{name}`, which `{table.qualified_name}` does not have.",
        remedy=f"{hint}Columns: {', '.join(column.name for column in table.columns)}.",
    )
