"""Tables of a project whose rows and states the tests look at."""

from __future__ import annotations

from mysql_s3_redshift_tests.cli.conftest import Project

APPEND = "{cdc_strategy: id_only, cdc_id_column: id, load_mode: append}"


def rows_of(project: Project, table: str) -> int:
    """Rows of a table in Redshift."""
    return int(project.redshift(f"SELECT COUNT(*) FROM {{s}}.{table}")[0][0])


def put_state(project: Project, table: str, body: bytes) -> None:
    """Overwrite the extract state."""
    project.put(project.states(table).extract.key, body)
