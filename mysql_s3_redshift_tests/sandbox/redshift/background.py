"""Statements that wait or run for long."""

from __future__ import annotations

import threading
from typing import Any

from redshift_connector.error import Error

from mysql_s3_redshift_tests.sandbox.redshift.conftest import run

PATIENCE_SECONDS = 60.0


class Background(threading.Thread):
    """Runs statements that may wait, and keeps the error."""

    def __init__(self, connection: Any, *statements: str) -> None:
        super().__init__(daemon=True)
        self.connection, self.statements = connection, statements
        self.error: dict[str, str] | None = None
        self.start()

    def run(self) -> None:
        try:
            for sql in self.statements:
                run(self.connection, sql)
        except Error as error:
            self.error = error.args[0]


ENDLESS = "select count(*) from pg_attribute a, pg_attribute b, pg_attribute c, pg_attribute d"
