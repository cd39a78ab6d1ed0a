"""Reads `pipelines.yaml` into a `Config`.

The pipelines are checked as a whole when the file is loaded. Of the connections, what the file
alone can tell is checked then; their variables and secrets are looked up when a connection is asked
for, so that a definition of many pipelines loads where only one of them has its secrets.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mysql_s3_redshift.config.checks import Connections, check_pipelines
from mysql_s3_redshift.config.config import PIPELINE_SECRETS, Config
from mysql_s3_redshift.config.fields import redshift_identifier
from mysql_s3_redshift.config.pipelines import ConnectionsFile, PipelinesFile
from mysql_s3_redshift.config.problems import Problem, YamlPath, did_you_mean, listed
from mysql_s3_redshift.config.validation import validate
from mysql_s3_redshift.config.variables import Environment, Resolver, SecretReader, is_reference
from mysql_s3_redshift.config.yaml_reader import Document, read_document

_SECTIONS = tuple(PipelinesFile.model_fields)
_CONNECTION_SECTIONS = tuple(ConnectionsFile.model_fields)


def load(
    path: Path | str = "pipelines.yaml",
    *,
    environ: Mapping[str, str] | None = None,
    secret_reader: SecretReader | None = None,
) -> Config:
    """Load and check a configuration.

    Args:
        path: The YAML file.
        environ: Variables of the process; default: those of this one.
        secret_reader: Reads `secretsmanager:` references when a connection needs one.

    Raises:
        ConfigError: The file cannot be read, or something in it is wrong.
    """
    file = Path(path).absolute()
    document = read_document(file)
    environment = Environment(
        file.parent, os.environ if environ is None else environ, secret_reader
    )
    root, problems = _check_root(document)
    problems += _check_connections(root, document, file.parent)
    resolver = Resolver(environment)
    tree = resolver.resolve(root["pipelines"], ("pipelines",), PIPELINE_SECRETS)
    ledger_schemas = _resolve_ledger_schemas(root["targets"], resolver)
    value = {"pipelines": tree, "execution": root["execution"]}
    checked, found = validate(PipelinesFile, value, document=document, at=(), folder=file.parent)
    pipelines = checked.pipelines if checked else {}
    problems += [*resolver.problems, *_outside(found, resolver.problems)]
    if not problems:
        problems += check_pipelines(pipelines, _connections(root, ledger_schemas), document)
    if problems:
        raise document.error(problems)
    return Config(
        path=file,
        pipelines=pipelines,
        ledger_schemas=ledger_schemas,
        document=document,
        environment=environment,
        execution=checked.execution,
    )


def _check_root(document: Document) -> tuple[dict[str, dict[str, Any]], list[Problem]]:
    """Return the sections, empty where they are missing or no sections."""
    root = document.root if isinstance(document.root, dict) else None
    if root is None:
        raise document.error([Problem((), "must be a section of keys")])
    problems = []
    for key in root:
        if key not in _SECTIONS and not key.startswith("x-"):
            what = f"is not a known key; known: {listed(_SECTIONS)}"
            problems.append(Problem((key,), what, did_you_mean(key, _SECTIONS)))
    sections = {}
    for name in _SECTIONS:
        section = root.get(name)
        if section is not None and not isinstance(section, dict):
            problems.append(Problem((name,), "must be a section of names"))
        sections[name] = section if isinstance(section, dict) else {}
    return sections, problems


def _check_connections(root: Mapping[str, Any], document: Document, folder: Path) -> list[Problem]:
    """Check the connections as far as the file alone tells."""
    value = {section: root[section] for section in _CONNECTION_SECTIONS}
    _, problems = validate(ConnectionsFile, value, document=document, at=(), folder=folder)
    references = {path for section in value for path in _references(value[section], (section,))}
    return [p for p in problems if _is_certain(p, references)]


def _references(value: Any, path: YamlPath) -> Iterable[YamlPath]:
    """Find the places whose value is known only when the connection is asked for."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _references(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _references(item, (*path, index))
    elif isinstance(value, str) and is_reference(value):
        yield path


def _is_certain(problem: Problem, references: set[YamlPath]) -> bool:
    """Tell whether a problem remains whatever the references stand for."""
    if problem.structural:
        return True
    path = problem.path
    return not any(path[: len(ref)] == ref or ref[: len(path)] == path for ref in references)


def _resolve_ledger_schemas(targets: Mapping[str, Any], resolver: Resolver) -> dict[str, str]:
    """Plans need this one setting of a target, so it cannot wait for the connection."""
    default = "mysql_s3_redshift"
    schemas = {}
    for name, section in targets.items():
        written = section.get("ledger_schema") if isinstance(section, dict) else None
        path = ("targets", name, "ledger_schema")
        text = str(resolver.resolve(default if written is None else written, path))
        try:
            schemas[name] = redshift_identifier(text)
        except ValueError as error:
            # What stands in the file itself was checked with the rest of the connection.
            if isinstance(written, str) and is_reference(written):
                resolver.problems.append(Problem(path, f"is not valid: {error}"))
    return schemas


def _outside(problems: list[Problem], unresolved: list[Problem]) -> list[Problem]:
    """Drop what follows from a variable that is missing, which is told already."""
    paths = {problem.path for problem in unresolved}
    return [problem for problem in problems if problem.path not in paths]


def _connections(root: Mapping[str, Any], ledger_schemas: Mapping[str, str]) -> Connections:
    return Connections(
        names={section: tuple(root[section]) for section in _CONNECTION_SECTIONS},
        ledger_schemas=ledger_schemas,
        databases={name: _database_of(name, target) for name, target in root["targets"].items()},
    )


def _database_of(name: str, section: Any) -> str:
    """Tell databases apart by what the file says; two names of one database count as one."""
    if not isinstance(section, dict):  # a reference, which stands for no section: told elsewhere
        return name
    host, port, database = (section.get(key) for key in ("host", "port", "database"))
    if not host or not database or is_reference(f"{port}"):
        return name
    return f"{str(host).lower()}:{port or 5439}/{database}"
