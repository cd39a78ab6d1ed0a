"""Whatever an operator does, in whatever order: after the next sync every row is there once.

The orders are drawn from fixed seeds. In append mode the commands are those that empty the target
where they must; the others double rows, and say so.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable

import pytest

from mysql_s3_redshift_tests.cli.conftest import Project
from mysql_s3_redshift_tests.cli.tables import APPEND
from mysql_s3_redshift_tests.servers import mysql_admin_connection

STEPS = 12
MODES = {
    "append": APPEND,
    "upsert": "{}",
    "replace": "{cdc_strategy: full_sync, load_mode: replace}",
    "replace by cursor": "{cdc_strategy: hybrid, cdc_timestamp_column: update_at, "
    "cdc_id_column: id, load_mode: replace}",
}
ALWAYS = (
    "watermark reset -t {t} --truncate-target --yes",
    "watermark reset -t {t} --redshift-only --truncate-target --yes",
    "watermark-count set-count -t {t} --count 0 --mode additive --yes",
    "s3clean clean-all -t {t} --yes",
)
REPEATABLE = (
    "watermark reset -t {t} --yes",
    "watermark reset -t {t} --mysql-only --yes",
    "watermark reset -t {t} --redshift-only --yes",
    "watermark force-reset -t {t} --yes",
)
OF_MODE = {
    "append": (),
    "upsert": (*REPEATABLE, "watermark set -t {t} --timestamp 2024-06-01 --yes"),
    "replace": (
        *REPEATABLE,
        "watermark restore -t {t} --yes",
        "s3clean clean -t {t} --pattern *2.parquet --force --yes",
    ),
    "replace by cursor": (
        *REPEATABLE,
        "watermark set -t {t} --timestamp 2024-06-01 --yes",
        "s3clean clean -t {t} --pattern *2.parquet --force --yes",
    ),
}


class Story:
    """One table, and what happens to it."""

    def __init__(self, project: Project, mode: str) -> None:
        self.project = project
        self.stamped = mode != "append"
        self.table = project.create("t", rows=100, options=MODES[mode], stamped=self.stamped)
        self.rows = 100
        commands = [self._command(line) for line in (*ALWAYS, *OF_MODE[mode])]
        runs = [self._sync, self._sync, self._extract, self._begin, self._insert]
        self.steps: list[Callable[[], object]] = [*commands, *runs]

    def _command(self, line: str) -> Callable[[], object]:
        def run() -> None:
            result = self.project.run(*line.format(t=self.table).split())
            assert result.code in {0, 2}, result.err  # 2: nothing to reset, files are gone

        return run

    def _sync(self) -> None:
        self.project.replicate("t")

    def _extract(self) -> None:
        self.project.replicate("t", loads=False)

    def _begin(self) -> None:
        self.project.replicate("t", limit=60)

    def _insert(self) -> None:
        self.project.insert("t", self.rows + 1, 7, stamped=self.stamped)
        self.rows += 7

    def source(self) -> list[list[object]]:
        """What MySQL has."""
        admin = mysql_admin_connection(self.project.sandbox, self.project.database)
        with contextlib.closing(admin) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT id, v FROM t ORDER BY id")
            return [list(row) for row in cursor.fetchall()]


@pytest.mark.parametrize("mode", MODES)
def test_after_any_order_of_commands_a_sync_has_every_row_once(project: Project, mode: str):
    """I-01, I-05, I-16, I-39, H-25."""
    story, draw = Story(project, mode), random.Random(f"{mode} 1")
    for _ in range(STEPS):
        draw.choice(story.steps)()
    for _ in range(2):  # the first may end a snapshot that a limit left
        project.replicate("t")
    assert project.redshift("SELECT id, v FROM {s}.t ORDER BY id, v") == story.source()
    assert project.run("watermark-count", "validate-counts", "-t", story.table).code == 0
