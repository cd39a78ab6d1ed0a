"""What `discover` does."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import click

from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.adapters.mysql.discovery import describe_tables, list_tables
from mysql_s3_redshift.cli import text
from mysql_s3_redshift.cli.app import App
from mysql_s3_redshift.config import Config
from mysql_s3_redshift.config.table_names import split_table_name
from mysql_s3_redshift.core.discover import Suggestion, suggest
from mysql_s3_redshift.core.names import quote_mysql
from mysql_s3_redshift.core.schema import SourceTable
from mysql_s3_redshift.errors import ConfigError

PLAIN = re.compile(r"[A-Za-z_][\w.$-]*", re.ASCII)
WORDS = {"null", "true", "false", "yes", "no", "on", "off"}


def print_stanza(app: App, source: str, schemas: Sequence[str]) -> None:
    """Describe the tables and print what fits them.

    Raises:
        ConfigError: The source or a schema is unknown, or has no tables.
    """
    with Connections(app.config) as connections:
        tables = _describe(connections, source, schemas)
    suggestions = [suggest(table) for table in tables]
    if app.as_json:
        shown = {f"{s.table.schema}.{s.table.name}": _document(s) for s in suggestions}
        app.print_json("discover", {"source": source, "tables": shown})
    else:
        click.echo("\n".join(_stanza(app.config, source, suggestions)))


def _describe(connections: Connections, source: str, schemas: Sequence[str]) -> list[SourceTable]:
    connection = connections.source(source).connection.raw
    names = list(schemas) or sorted({schema for schema, _ in list_tables(connection)})
    tables = [table for schema in names for table in describe_tables(connection, schema)]
    if not tables:
        raise ConfigError(
            f"MySQL source {source} has no tables in {', '.join(names) or 'any schema'} that this "
            "user may read.",
            kept="Nothing was changed.",
            remedy="Correct --schema, or GRANT SELECT on the tables.",
        )
    return tables


def _document(suggestion: Suggestion) -> dict[str, object]:
    table = suggestion.table
    return {
        "options": suggestion.options,
        "why": suggestion.why,
        "warnings": list(suggestion.warnings),
        "estimated_rows": table.row_estimate,
        "estimated_bytes": table.data_bytes,
    }


def _stanza(config: Config, source: str, suggestions: Sequence[Suggestion]) -> list[str]:
    storage = next(iter(config.storage_names), "lake")
    target = next(iter(config.target_names), "warehouse")
    lines = ["pipelines:"]
    for schema in dict.fromkeys(s.table.schema for s in suggestions):
        lines += [
            f"  {_name(schema)}:",
            f"    source: {source}",
            f"    storage: {storage}",
            f"    target: {target}",
            "    tables:",
        ]
        for suggestion in suggestions:
            if suggestion.table.schema == schema:
                lines += _table(suggestion)
    return lines


def _table(suggestion: Suggestion) -> list[str]:
    table = suggestion.table
    size = f"{text.size(table.data_bytes or 0)}"
    rows = "" if table.row_estimate is None else f"about {table.row_estimate:,} rows, "
    lines = [f"{rows}{size}; {suggestion.why}"]
    lines += [f"warning: {warning}" for warning in suggestion.warnings]
    try:
        name = _table_name(table)
    except ValueError as error:
        lines.append(f"left out: {table.qualified_name}: {error}")
        return [_comment(line) for line in lines]
    options = (f"        {k}: {_value(v)}" for k, v in suggestion.options.items())
    return [*map(_comment, lines), f"      {_quoted(name)}:", *options]


def _table_name(table: SourceTable) -> str:
    """The name as pipelines.yaml takes it, quoted as in MySQL where it has to be.

    Raises:
        ValueError: No file can name this table.
    """
    parts = (table.schema, table.name)
    plain, quoted = ".".join(parts), ".".join(map(quote_mysql, parts))
    is_plain = "`" not in plain and "." not in table.schema
    split_table_name(quoted)
    return plain if is_plain else quoted


def _comment(line: str) -> str:
    """A line of comment, whatever characters a name in it has."""
    return f"      # {''.join(c if c.isprintable() else ' ' for c in line)}"


def _value(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_quoted(str(v)) for v in value)}]"
    return _quoted(str(value))


def _quoted(name: str) -> str:
    plain = PLAIN.fullmatch(name) and name.lower() not in WORDS
    return name if plain else json.dumps(name, ensure_ascii=False)


def _name(schema: str) -> str:
    """A pipeline's name: plain characters alone."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", schema)
