"""The commands of docs/operations.md, run as they stand there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from mysql_s3_redshift.cli.main import COMMANDS
from mysql_s3_redshift_tests.cli.conftest import Project
from mysql_s3_redshift_tests.cli.test_watermark import rows_of

DOCS = Path(__file__).parent.parent.parent / "docs"
BEFORE_THE_FIRST_SYNC = {"A fresh sync from a date", "Adopt an existing table"}
ROWS = {"A fresh sync from a date": 51, "Load only recent data": 51, "Adopt an existing table": 1}


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
    for command in commands:
        result = project.run(*(shlex.split(command.replace("shop.orders", table))))
        assert result.code == 0, f"{command}\n{result.err}"
    expected = ROWS.get(title, 190 if title == "Stop at S3, load later" else 100)
    assert rows_of(project, "orders") == expected


def test_every_command_is_documented():
    page = (DOCS / "cli.md").read_text()
    for name, (_, shown) in COMMANDS.items():
        if shown:
            assert f"`{name}" in page, name
