"""Names of MySQL tables: `schema.table`, and the name that Dagster makes of an asset."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator

_QUOTED = r"`(?:[^`]|``)+`"
_TABLE_NAME = re.compile(
    rf"(?P<schema>{_QUOTED}|[^.`]+)\.(?P<table>{_QUOTED}|[^`]+)",
    re.DOTALL,
)
_MAX_CHARACTERS = 64
_RULE = "a table is `schema.table`"


def split_table_name(name: str) -> tuple[str, str]:
    """Split a name into schema and table.

    The first dot separates them, so a table may have dots and a schema may not. Backticks quote
    either as in MySQL: `` `my.schema`.`odd``name` `` is the table ``odd`name`` of `my.schema`.

    Raises:
        ValueError: The name has no such parts, or one of them cannot be part of an S3 key.
    """
    match = _TABLE_NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"{_RULE}; backticks quote either part")
    schema, table = _part(match["schema"]), _part(match["table"])
    # The two stand joined in S3 keys and messages.
    if ".." in f"{schema}.{table}":
        raise ValueError(f"{_RULE}, without `..`")
    return schema, table


def _part(written: str) -> str:
    name = written[1:-1].replace("``", "`") if written.startswith("`") else written
    if not name.isprintable() or "/" in name or "\\" in name:
        raise ValueError(f"{_RULE}, without `/`, `\\` and control characters")
    if name != name.strip() or not name:
        raise ValueError(f"{_RULE}, without spaces around either")
    if len(name) > _MAX_CHARACTERS:
        raise ValueError(f"{_RULE}, each of at most {_MAX_CHARACTERS} characters")
    return name


def _checked(name: str) -> str:
    split_table_name(name)
    return name


TableName = Annotated[str, AfterValidator(_checked)]


def step_name(asset_key: Sequence[str]) -> str:
    """Return the name that Dagster's step of an asset gets: parts joined by `__`, others `_`."""
    return re.sub(r"[^A-Za-z0-9_]", "_", "__".join(asset_key))
