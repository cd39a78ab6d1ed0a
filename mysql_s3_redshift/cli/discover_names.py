"""What `discover` calls things, so that its stanza loads whatever the tables are called.

`pipelines.yaml` refuses two names that become one in Dagster or in Redshift. A name that is as it
would be anyway keeps it; another one that would be the same gets a digest of what it stands for, so
the stanza says the same tomorrow, and with other tables beside it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from mysql_s3_redshift.config.table_names import step_name
from mysql_s3_redshift.core.names import (
    MAX_IDENTIFIER_BYTES,
    schema_identifier,
    table_identifier,
)

MAX_PIPELINE_CHARACTERS = 63
_SCHEMA_BYTES = 60
_JOINT = "__"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a table goes.

    Attributes:
        target_schema: Of the pipeline; None where it is what it would be anyway.
        target_name: None where it is what it would be anyway.
    """

    pipeline: str
    target_schema: str | None
    target_name: str | None


@dataclass(slots=True)
class _Taken:
    groups: set[str] = field(default_factory=set)
    schemas: set[str] = field(default_factory=set)
    steps: set[str] = field(default_factory=set)
    tables: set[str] = field(default_factory=set)


def place_tables(
    tables: Sequence[tuple[str, str]], *, target: str, ledger_schema: str
) -> dict[tuple[str, str], Place]:
    """Name pipeline and target of each table (schema, name) of one source."""
    taken = _Taken(schemas={ledger_schema.lower()})
    pipelines = {
        schema: (_pipeline(schema, (schema,), taken), _target_schema(schema, taken))
        for schema in sorted({schema for schema, _ in tables}, key=_names_kept)
    }
    places = {}
    for schema, table in sorted(tables, key=lambda t: (table_identifier(t[1]) != t[1], t)):
        pipeline, target_schema = pipelines[schema]
        if not _claim(taken.steps, step_name(("s3", pipeline, schema, table))):
            pipeline = _pipeline(schema, (schema, table), taken)
            taken.steps.add(step_name(("s3", pipeline, schema, table)))
        name = _target_name(table, (target, target_schema), taken)
        places[schema, table] = Place(
            pipeline,
            None if target_schema == schema_identifier(schema) else target_schema,
            None if name == table_identifier(table) else name,
        )
    return places


def _names_kept(schema: str) -> tuple[int, str]:
    """Sorts those first that can keep their names."""
    changed = [
        name for name in (_plain_pipeline(schema), schema_identifier(schema)) if name != schema
    ]
    return len(changed), schema


def _plain_pipeline(schema: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]|^-", "_", schema)


def _pipeline(schema: str, stands_for: tuple[str, ...], taken: _Taken) -> str:
    plain = _plain_pipeline(schema)
    return _first_free(
        plain,
        stands_for,
        most=MAX_PIPELINE_CHARACTERS,
        claim=lambda name: _claim(taken.groups, name.replace("-", "_")),
    )


def _target_schema(schema: str, taken: _Taken) -> str:
    return _first_free(
        schema_identifier(schema),
        (schema,),
        most=_SCHEMA_BYTES,
        claim=lambda name: _claim(taken.schemas, name),
    )


def _target_name(table: str, above: tuple[str, str], taken: _Taken) -> str:
    room = MAX_IDENTIFIER_BYTES - len((above[1] + _JOINT).encode())
    return _first_free(
        table_identifier(table),
        (*above, table),
        most=room,
        claim=lambda name: _claim(taken.tables, step_name(("redshift", *above, name)).lower()),
    )


def _claim(taken: set[str], name: str) -> bool:
    free = name not in taken
    taken.add(name)
    return free


def _first_free(
    plain: str, stands_for: tuple[str, ...], *, most: int, claim: Callable[[str], bool]
) -> str:
    """The plain name where it fits and is free, else one with a digest of what it stands for."""
    digest = hashlib.sha256("\0".join(stands_for).encode()).hexdigest()
    if len(plain.encode()) <= most and claim(plain):
        return plain
    suffixes = (f"_{digest[:n]}" for n in range(6, len(digest) + 1))
    names = (plain.encode()[: most - len(s)].decode(errors="ignore") + s for s in suffixes)
    return next(name for name in names if claim(name))
