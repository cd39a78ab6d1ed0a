"""Two MySQL users of a new database: one who may write and one who may only read."""

import contextlib
import secrets
from collections.abc import Iterator
from typing import Any, TypeAlias

import pymysql
import pytest

from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.servers import mysql_admin_connection

Connection: TypeAlias = "pymysql.Connection[Any]"


@pytest.fixture
def admin(mysql_server: SandboxStatus, mysql_database: str) -> Iterator[Connection]:
    with contextlib.closing(mysql_admin_connection(mysql_server, mysql_database)) as connection:
        yield connection


@pytest.fixture
def reader(
    admin: Connection, mysql_server: SandboxStatus, mysql_database: str
) -> Iterator[Connection]:
    """A user who may SELECT from the test's database and nothing else."""
    account = mysql_server.mysql_admin
    name, password = f"reader_{secrets.token_hex(4)}", secrets.token_hex(16)
    run(
        admin,
        f"CREATE USER {name}@'%' IDENTIFIED BY '{password}'",
        f"GRANT SELECT ON `{mysql_database}`.* TO {name}@'%'",
    )
    connection = pymysql.connect(
        host=account.host,
        port=account.port,
        user=name,
        password=password,
        charset="utf8mb4",
        init_command="SET time_zone = '+00:00'",
        ssl_disabled=account.own,
    )
    with contextlib.closing(connection):
        yield connection
    run(admin, f"DROP USER {name}@'%'")


def run(connection: Connection, *statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    connection.commit()
