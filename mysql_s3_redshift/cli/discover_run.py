"""What `discover` does."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import click

from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.adapters.mysql.discovery import describe_tables, list_tables
from mysql_s3_redshift.cli import text
from mysql_s3_redshift.cli.app import App
from mysql_s3_redshift.cli.discover_names import Place, place_tables
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
    stanza = Stanza.of(app.config, source, [suggest(table) for table in tables])
    if app.as_json:
        shown = {s.table.qualified_name: stanza.document(s) for s in stanza.suggestions}
        app.print_json("discover", {"source": source, "tables": shown})
    else:
        click.echo("\n".join(stanza.lines()))


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


@dataclass(frozen=True, slots=True)
class Stanza:
    """What was found of a source, and where each table goes that a file can name.

    Attributes:
        places: By schema and table.
        left_out: Why a table is in no place.
    """

    source: str
    storage: str
    target: str
    suggestions: Sequence[Suggestion]
    places: Mapping[tuple[str, str], Place]
    left_out: Mapping[tuple[str, str], str]

    @classmethod
    def of(cls, config: Config, source: str, suggestions: Sequence[Suggestion]) -> Stanza:
        """Place the tables below the first storage and target of the configuration."""
        target = next(iter(config.target_names), "warehouse")
        storage = next(iter(config.storage_names), "lake")
        left_out, named = {}, []
        for suggestion in suggestions:
            try:
                _table_name(suggestion.table)
            except ValueError as error:
                left_out[_key(suggestion)] = str(error)
            else:
                named.append(_key(suggestion))
        ledger_schema = config.ledger_schemas.get(target, "mysql_s3_redshift")
        places = place_tables(named, target=target, ledger_schema=ledger_schema)
        return cls(source, storage, target, suggestions, places, left_out)

    def document(self, suggestion: Suggestion) -> dict[str, object]:
        """One table as JSON tells it; `pipeline` is null for a table that no file can name."""
        table, place = suggestion.table, self.places.get(_key(suggestion))
        return {
            "pipeline": place and place.pipeline,
            "target_schema": place and place.target_schema,
            "options": _options(suggestion, place),
            "why": suggestion.why,
            "warnings": list(suggestion.warnings),
            "estimated_rows": table.row_estimate,
            "estimated_bytes": table.data_bytes,
        }

    def lines(self) -> list[str]:
        """The section `pipelines`."""
        lines = ["pipelines:"]
        pipelines: dict[str, list[Suggestion]] = {}
        for suggestion in self.suggestions:
            place = self.places.get(_key(suggestion))
            if place is None:
                why = f"{suggestion.table.qualified_name}: {self.left_out[_key(suggestion)]}"
                about = (*_about(suggestion), f"left out: {why}")
                lines += [_comment(line) for line in about]
            else:
                pipelines.setdefault(place.pipeline, []).append(suggestion)
        for name, mine in pipelines.items():
            lines += self._pipeline(name, mine)
        return lines

    def _pipeline(self, name: str, suggestions: Sequence[Suggestion]) -> list[str]:
        schema = self.places[_key(suggestions[0])].target_schema
        lines = [
            f"  {_quoted(name)}:",
            f"    source: {_quoted(self.source)}",
            f"    storage: {_quoted(self.storage)}",
            f"    target: {_quoted(self.target)}",
            *([f"    target_schema: {_quoted(schema)}"] if schema else []),
            "    tables:",
        ]
        for suggestion in suggestions:
            lines += [_comment(line) for line in _about(suggestion)]
            lines.append(f"      {_quoted(_table_name(suggestion.table))}:")
            options = _options(suggestion, self.places[_key(suggestion)])
            lines += [f"        {k}: {_value(v)}" for k, v in options.items()]
        return lines


def _key(suggestion: Suggestion) -> tuple[str, str]:
    return suggestion.table.schema, suggestion.table.name


def _options(suggestion: Suggestion, place: Place | None) -> dict[str, object]:
    name = place.target_name if place else None
    return {**suggestion.options, **({"target_name": name} if name else {})}


def _about(suggestion: Suggestion) -> list[str]:
    """What a person should know of a table."""
    table = suggestion.table
    rows = "" if table.row_estimate is None else f"about {table.row_estimate:,} rows, "
    about = f"{rows}{text.size(table.data_bytes or 0)}; {suggestion.why}"
    return [about, *(f"warning: {warning}" for warning in suggestion.warnings)]


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
