"""Bastions, servers that demand TLS, and an authority that signs their certificates."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mysql_s3_redshift.adapters.mysql.connection import MySqlConnection
from mysql_s3_redshift.adapters.ssh import Tunnel
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.security.authority import Authority
from mysql_s3_redshift_tests.security.bastion import Bastion, make_key
from mysql_s3_redshift_tests.security.deployment import Deployment, new_deployment
from mysql_s3_redshift_tests.security.tls_servers import (
    PASSWORD,
    TlsServers,
    running_mysql,
    running_redshift,
)
from mysql_s3_redshift_tests.security.tunnels import OpenTunnel, source


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """A folder whose path is short enough for sockets, and which servers may enter."""
    path = Path(tempfile.mkdtemp(prefix="security-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(autouse=True)
def own_temporary_folder(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """Temporary files of this test alone: whatever lies there, this test has left behind.

    Other tests, and other runs, have tunnels on the same machine. The path is short: it is that of
    a socket.
    """
    tmp_path_factory.getbasetemp()  # pytest's own folder must not come to lie in this one
    path = Path(tempfile.mkdtemp(prefix="own-"))
    monkeypatch.setattr(tempfile, "tempdir", str(path))
    monkeypatch.setenv("TMPDIR", str(path))
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def shared_bastion(folder: Path) -> Iterator[Bastion]:
    """One bastion for the whole session."""
    created = Bastion(folder / "bastion")
    created.create()
    yield created
    created.stop()


@pytest.fixture
def bastion(shared_bastion: Bastion) -> Iterator[Bastion]:
    """The bastion; it is up, and serves nobody, when the next test begins."""
    yield shared_bastion
    shared_bastion.drop_connections()
    if not shared_bastion.runs:
        shared_bastion.start()


@pytest.fixture
def tunnel_to_mysql(bastion: Bastion, mysql_server: SandboxStatus) -> Iterator[OpenTunnel]:
    """Make tunnels to MySQL; keywords change their `ssh` section."""
    made = []

    def make(**changes: Any) -> Tunnel:
        made.append(Tunnel("sources", "shop", source(mysql_server, bastion.section(**changes))))
        return made[-1]

    yield make
    for tunnel in made:
        tunnel.close()


@pytest.fixture
def connection(
    bastion: Bastion, mysql_server: SandboxStatus, tunnel_to_mysql: OpenTunnel
) -> Iterator[MySqlConnection]:
    """A MySQL connection through a tunnel."""
    config = source(mysql_server, bastion.section())
    opened = MySqlConnection("shop", config, tunnel_to_mysql())
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def warehouse_bastion(folder: Path) -> Iterator[Bastion]:
    """Another bastion, with another key and host key."""
    created = Bastion(folder / "warehouse")
    created.create()
    yield created
    created.stop()


PASSPHRASE = f"Canary1 passphrase of the warehouse {secrets.token_hex(6)}"


@pytest.fixture(scope="session")
def authority(folder: Path) -> Authority:
    """Who signs the certificates."""
    home = folder / "authority"
    home.mkdir()
    return Authority(home)


@pytest.fixture(scope="session")
def tls_servers(
    folder: Path, authority: Authority, s3_server: SandboxStatus
) -> Iterator[TlsServers]:
    """MySQL and Redshift that demand TLS; their certificates name `localhost` and nothing else."""
    certificate, key = authority.issue("localhost")
    with (
        running_mysql(folder / "mysql", authority.path, certificate, key) as mysql,
        running_redshift(folder / "redshift", s3_server, certificate, key) as redshift,
    ):
        yield TlsServers(mysql, redshift, authority)


@pytest.fixture(scope="session")
def account(tls_servers: TlsServers) -> str:
    """A user who needs TLS alone, and one who needs a certificate."""
    tls_servers.mysql.run(
        f"CREATE USER plain@'%' IDENTIFIED BY '{PASSWORD}'",
        f"CREATE USER certified@'%' IDENTIFIED BY '{PASSWORD}' REQUIRE X509",
        "GRANT SELECT ON mysql.* TO plain@'%'",
    )
    return "plain"


@pytest.fixture(scope="session")
def locked_key(folder: Path, warehouse_bastion: Bastion) -> Path:
    """A key under PASSPHRASE that opens the warehouse's bastion."""
    key = make_key(folder / "locked_key", PASSPHRASE)
    warehouse_bastion.admit(key)
    return key


@pytest.fixture
def deployment(
    tls_servers: TlsServers,
    s3_server: SandboxStatus,
    bastion: Bastion,
    warehouse_bastion: Bastion,
    locked_key: Path,
    s3_prefix: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Deployment]:
    """A deployment with a bastion for each end, and the system trusting the tests' authority."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tls_servers.authority.path))
    ssh = {
        "source": bastion.section(),
        "target": warehouse_bastion.section(
            private_key=str(locked_key), private_key_passphrase=PASSPHRASE
        ),
    }
    with new_deployment(tmp_path, tls_servers, s3_server, prefix=s3_prefix, ssh=ssh) as created:
        yield created
