"""The commands of docs/operations.md, run as they stand there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from mysql_s3_redshift.cli.frame import COMMANDS
from mysql_s3_redshift_tests.cli.conftest import Project
from mysql_s3_redshift_tests.cli.tables import rows_of
from mysql_s3_redshift_tests.cli.test_import import put, put_file, v2

DOCS = Path(__file__).parent.parent.parent / "docs"
TAKE_OVER = "Take over from the tool before"
BEFORE_THE_FIRST_SYNC = {"A fresh sync from a date", "Adopt an existing table", TAKE_OVER}
ROWS = {
    "A fresh sync from a date": 51,
    "Load only recent data": 51,
    "Adopt an existing table": 1,
    TAKE_OVER: 20,
}


def sections() -> Iterator[tuple[str, list[str]]]:
    """Title and commands of every section that has some."""
    for section in (DOCS / "operations.md").read_text().split("\n## ")[1:]:
        title, _, body = section.partition("\n")
        commands = re.findall(r"^\$ mysql-s3-redshift (.+)$", body, re.MULTILINE)
        if commands:
            yield title, commands


@pytest.mark.parametrize(("title", "commands"), list(sections()))
def test_the_commands_of_every_situation_work(project: Project, title: str, commands: list[str]):
    table = project.create("orders", rows=100)
    if title not in BEFORE_THE_FIRST_SYNC:
        project.replicate("orders")
    if title == "Stop at S3, load later":
        project.insert("orders", 101, 90)
    if title == "Move to another environment":
        forget_the_cluster(project)
        staging = write_staging(project)
        commands = [command.replace("staging.yaml", staging) for command in commands]
    if title == TAKE_OVER:
        prefix = leave_as_the_tool(project)
        commands = [command.replace(" tool", f" {prefix}") for command in commands]
    for command in commands:
        result = project.run(*(shlex.split(command.replace("shop.orders", table))))
        assert result.code == 0, f"{command}\n{result.err}"
    expected = ROWS.get(title, 190 if title == "Stop at S3, load later" else 100)
    assert rows_of(project, "orders") == expected


def forget_the_cluster(project: Project) -> None:
    """Another cluster has neither the table nor its ledger."""
    project.redshift("DROP TABLE {s}.orders")
    project.redshift(f'DROP SCHEMA "{project.schema}_ledger" CASCADE')


def leave_as_the_tool(project: Project) -> str:
    """A document, a loaded file and one that was not; returns the prefix."""
    loaded = put_file(project, "orders", "20250101_000010", range(1, 11))
    put_file(project, "orders", "20250101_000020", range(81, 91))
    body = v2(
        f"{project.database}.orders", [loaded], last_timestamp="2025-01-01T00:01:30", last_id=90
    )
    put(project, f"watermarks/v2/{project.database}_orders.json", body)
    return f"{project.facts['prefix']}/old"


def write_staging(project: Project) -> str:
    """The same table with another prefix and another schema; returns the file's name."""
    text = project.config_path.read_text()
    prefix, schema = project.facts["prefix"], project.schema
    text = text.replace(f"prefix: {prefix}", f"prefix: {prefix}/staging")
    text = text.replace(f"target_schema: {schema}", f"target_schema: {schema}_staging")
    path = project.folder / "staging.yaml"
    path.write_text(text)
    return str(path)


def test_every_command_is_documented():
    page = (DOCS / "cli.md").read_text()
    for name, (_, shown) in COMMANDS.items():
        if shown:
            assert f"`{name}" in page, name
