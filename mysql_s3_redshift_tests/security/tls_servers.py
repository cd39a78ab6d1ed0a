"""MySQL and the Redshift stand-in as companies run them: connections without TLS are refused."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql

from mysql_s3_redshift.sandbox import s3_server
from mysql_s3_redshift.sandbox.mysql_server import find_binary
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.security.authority import Authority
from mysql_s3_redshift_tests.servers import free_port

PASSWORD = "Sandbox-1234"


@dataclass(frozen=True)
class MysqlTlsServer:
    """A server that answers as root without a password on its socket, and by TLS elsewhere.

    Attributes:
        flavor: `mysql` or `mariadb`, the name of its block of grants in docs/security.md.
    """

    port: int
    socket: Path
    flavor: str

    def run(self, *statements: str) -> None:
        with contextlib.closing(self._connect()) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(self._connect()) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return [tuple(row) for row in cursor.fetchall()]

    def _connect(self) -> Any:
        return pymysql.connect(unix_socket=str(self.socket), user="root", autocommit=True)


@dataclass(frozen=True)
class TlsServers:
    """Both servers, and who signed their certificates."""

    mysql: MysqlTlsServer
    redshift_port: int
    authority: Authority


@contextlib.contextmanager
def running_mysql(
    folder: Path, authority: Path, certificate: Path, key: Path
) -> Iterator[MysqlTlsServer]:
    folder.mkdir()
    binary = find_binary()
    server = MysqlTlsServer(free_port(), folder / "s", "mariadb" if binary.mariadb else "mysql")
    data, log = folder / "data", folder / "log"
    user = [f"--user={os.environ.get('USER', 'root')}"] if os.geteuid() == 0 else []
    if binary.mariadb:
        create = ["mariadb-install-db", "--no-defaults", "--skip-test-db", *user]
        create += [f"--datadir={data}", "--auth-root-authentication-method=normal"]
        more = []
    else:
        create = [binary.path, "--no-defaults", "--initialize-insecure", f"--datadir={data}", *user]
        more = ["--mysqlx=0", "--secure-file-priv=NULL", f"--pid-file={folder / 'pid'}"]
    with log.open("wb") as output:
        subprocess.run(create, stdout=output, stderr=output, check=True)
        process = subprocess.Popen(
            [binary.path, "--no-defaults", *user, f"--datadir={data}", f"--port={server.port}",
             "--bind-address=127.0.0.1", f"--socket={server.socket}", f"--ssl-ca={authority}",
             f"--ssl-cert={certificate}", f"--ssl-key={key}", "--require-secure-transport=ON",
             "--skip-log-bin", "--innodb-buffer-pool-size=256M", "--skip-name-resolve",
             "--innodb-flush-log-at-trx-commit=2", *more],
            stdout=output, stderr=output,
        )  # fmt: skip
    try:
        _wait_for(server, log)
        yield server
    finally:
        process.terminate()
        process.wait(60)


@contextlib.contextmanager
def running_redshift(
    folder: Path, s3: SandboxStatus, certificate: Path, key: Path
) -> Iterator[int]:
    port = free_port()
    secrets = s3.settings.secrets
    environment = os.environ | {
        "REDSHIFT_PASSWORD": PASSWORD,
        "AWS_ACCESS_KEY_ID": secrets.s3_access_key_id,
        "AWS_SECRET_ACCESS_KEY": secrets.s3_secret_access_key,
    }
    command = [sys.executable, "-m", "mysql_s3_redshift.sandbox.redshift", "--data", str(folder)]
    command += ["--port", str(port), "--s3-endpoint", s3_server.endpoint_url(s3.settings)]
    command += ["--tls-cert", str(certificate), "--tls-key", str(key)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == f"ready on 127.0.0.1:{port}\n"
        yield port
    finally:
        process.terminate()
        process.wait(60)


def _wait_for(server: MysqlTlsServer, log: Path) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            server.rows("SELECT 1")
        except pymysql.OperationalError:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        else:
            return
