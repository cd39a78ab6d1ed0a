"""The Redshift stand-in as a process of the sandbox."""

from __future__ import annotations

import sys
from pathlib import Path

import redshift_connector
from redshift_connector.core import Connection
from redshift_connector.error import Error

from mysql_s3_redshift.errors import TargetError
from mysql_s3_redshift.sandbox.ports import HOST
from mysql_s3_redshift.sandbox.processes import Server
from mysql_s3_redshift.sandbox.s3_server import endpoint_url
from mysql_s3_redshift.sandbox.settings import Settings

USER = "awsuser"
DATABASE = "dev"
PORTS = ("redshift",)


def redshift_server(folder: Path, settings: Settings) -> Server:
    """Describe the Redshift stand-in of a sandbox."""
    data = folder / "redshift"
    return Server(
        name="redshift",
        command=(
            *(sys.executable, "-m", "mysql_s3_redshift.sandbox.redshift"),
            *("--data", str(data), "--port", str(settings.ports["redshift"])),
            *("--user", USER, "--database", DATABASE),
            *("--s3-endpoint", endpoint_url(settings)),
        ),
        environment={
            "REDSHIFT_PASSWORD": settings.secrets.redshift,
            "AWS_ACCESS_KEY_ID": settings.secrets.s3_access_key_id,
            "AWS_SECRET_ACCESS_KEY": settings.secrets.s3_secret_access_key,
        },
        log=folder / "redshift.log",
        prepare=lambda: data.mkdir(exist_ok=True),
        probe=lambda: _probe(settings),
        not_ready=(Error, OSError),
        failure=TargetError,
    )


def redshift_connection(settings: Settings) -> Connection:
    """Open a connection to the stand-in."""
    return redshift_connector.connect(
        host=HOST,
        port=settings.ports["redshift"],
        database=DATABASE,
        user=USER,
        password=settings.secrets.redshift,
        ssl=False,
        # Else the driver looks through the stack and all modules for its caller's name.
        application_name="mysql-s3-redshift sandbox",
    )


def _probe(settings: Settings) -> None:
    with redshift_connection(settings) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1")
