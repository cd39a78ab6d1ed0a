"""TLS to MySQL in every mode and to Redshift, on servers that refuse anything else."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from mysql_s3_redshift.adapters.mysql.connection import MySqlConnection
from mysql_s3_redshift.adapters.redshift.connection import RedshiftConnection
from mysql_s3_redshift.adapters.ssh import Tunnel
from mysql_s3_redshift.config import TargetConfig, TlsMode
from mysql_s3_redshift.errors import ConfigError, SourceError, TargetError
from mysql_s3_redshift_tests.security.authority import Authority
from mysql_s3_redshift_tests.security.bastion import Bastion
from mysql_s3_redshift_tests.security.tls_clients import (
    Connect,
    mysql_config,
    redshift_config,
    tls_in_use,
)
from mysql_s3_redshift_tests.security.tls_servers import TlsServers

VERIFYING = (TlsMode.VERIFY_CA, TlsMode.VERIFY_IDENTITY)


@pytest.fixture
def connect(tls_servers: TlsServers, account: str) -> Iterator[Connect]:
    """Make connections by the `tls` section and what else is to differ."""
    with contextlib.ExitStack() as opened:

        def make(tls: dict[str, Any], **changes: Any) -> MySqlConnection:
            config = mysql_config(tls_servers, tls=tls, **{"user": account} | changes)
            connection = MySqlConnection("shop", config)
            opened.callback(connection.close)
            return connection

        yield make


# -- MySQL --------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [TlsMode.REQUIRED, *VERIFYING])
def test_every_mode_but_disabled_encrypts(connect, tls_servers, mode):
    ca = {"ca": str(tls_servers.authority.path)} if mode in VERIFYING else {}
    connection = connect({"mode": str(mode), **ca})
    assert tls_in_use(connection)
    assert connection.cipher.startswith("TLSv1.")


def test_a_server_that_demands_tls_refuses_the_mode_disabled(connect):
    with pytest.raises(SourceError, match=r"encrypted connections only|refused the lo") as refused:
        connect({"mode": "disabled"}).query("SELECT 1")
    assert not refused.value.retryable
    assert "tls.mode" in refused.value.remedy


@pytest.mark.parametrize("mode", VERIFYING)
def test_a_certificate_of_an_unknown_authority_is_refused(connect, tmp_path, mode):
    stranger = Authority(tmp_path)
    with pytest.raises(SourceError, match="certificate that is not trusted") as refused:
        connect({"mode": str(mode), "ca": str(stranger.path)}).query("SELECT 1")
    assert not refused.value.retryable
    assert "sources.shop.tls.ca" in refused.value.remedy


def test_only_verify_identity_asks_for_the_hosts_name(connect, tls_servers):
    ca = {"ca": str(tls_servers.authority.path)}
    assert tls_in_use(connect({"mode": "verify_ca", **ca}, host="127.0.0.1"))
    with pytest.raises(SourceError, match="certificate that is not trusted"):
        connect({"mode": "verify_identity", **ca}, host="127.0.0.1").query("SELECT 1")


def test_a_client_certificate_signs_in(connect, tls_servers):
    certificate, key = tls_servers.authority.issue("replication", server=False)
    tls = {"ca": str(tls_servers.authority.path)}
    mine = {"cert": str(certificate), "key": str(key)}
    assert tls_in_use(connect(tls | mine, user="certified"))
    with pytest.raises(SourceError, match="refused the login"):
        connect(tls, user="certified").query("SELECT 1")


@pytest.mark.parametrize("broken", ["ca", "cert", "key"])
def test_a_file_that_is_missing_or_no_certificate_is_named(connect, tls_servers, tmp_path, broken):
    certificate, key = tls_servers.authority.issue("client", server=False)
    files = {"ca": tls_servers.authority.path, "cert": certificate, "key": key}
    for content in (None, "no certificate"):
        path = tmp_path / f"broken-{content}"
        if content is not None:
            path.write_text(content)
        tls = {name: str(path if name == broken else file) for name, file in files.items()}
        with pytest.raises(ConfigError, match=r"sources\.shop\.tls"):
            connect(tls).query("SELECT 1")


def test_a_client_key_with_a_passphrase_is_refused_without_asking(connect, tls_servers, tmp_path):
    certificate, key = tls_servers.authority.issue("client", server=False)
    locked = tmp_path / "locked.key"
    locked.write_bytes(tls_servers.authority.encrypted(key))
    with pytest.raises(ConfigError, match="passphrase"):
        connect({"mode": "required", "cert": str(certificate), "key": str(locked)}).query(
            "SELECT 1"
        )


def test_the_server_is_known_by_its_own_name_through_a_tunnel(
    bastion: Bastion, tls_servers: TlsServers, account: str
) -> None:
    tls = {"mode": "verify_identity", "ca": str(tls_servers.authority.path)}
    for host, trusted in (("localhost", True), ("127.0.0.1", False)):
        config = mysql_config(tls_servers, host=host, user=account, tls=tls, ssh=bastion.section())
        tunnel = Tunnel("sources", "shop", config)
        connection = MySqlConnection("shop", config, tunnel)
        try:
            if trusted:
                assert tls_in_use(connection)
            else:
                with pytest.raises(SourceError, match="not trusted"):
                    connection.query("SELECT 1")
        finally:
            connection.close()
            tunnel.close()


# -- Redshift -----------------------------------------------------------------------------------


@pytest.fixture
def trusted_by_system(tls_servers: TlsServers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the system trust the tests' authority, as OpenSSL finds its certificates."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tls_servers.authority.path))


@pytest.mark.usefixtures("trusted_by_system")
@pytest.mark.parametrize("tunnelled", [False, True])
@pytest.mark.parametrize("mode", ["verify-ca", "verify-full"])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_redshift_is_known_by_its_own_name(
    tls_servers: TlsServers, warehouse_bastion: Bastion, tunnelled: bool, mode: str, host: str
) -> None:
    ssh = {"ssh": warehouse_bastion.section()} if tunnelled else {}
    config = redshift_config(tls_servers, host=host, sslmode=mode, **ssh)
    tunnel = Tunnel("targets", "warehouse", config) if tunnelled else None
    connection = RedshiftConnection("warehouse", config, tunnel)
    try:
        if mode == "verify-full" and host == "127.0.0.1":
            with pytest.raises(TargetError, match="cannot be trusted") as refused:
                connection.query("SELECT 1")
            assert not refused.value.retryable
        else:
            assert connection.query("SELECT 1") == [(1,)]
            assert str(connection.cipher).startswith("TLSv1.")
    finally:
        connection.close()
        if tunnel is not None:
            tunnel.close()


@pytest.mark.parametrize("mode", ["verify-ca", "verify-full"])
def test_an_unknown_authority_of_redshift_is_refused(tls_servers, mode):
    with pytest.raises(TargetError, match="cannot be trusted"):
        RedshiftConnection("warehouse", redshift_config(tls_servers, sslmode=mode)).query(
            "SELECT 1"
        )


@pytest.mark.usefixtures("trusted_by_system")
def test_a_redshift_without_tls_gets_no_password(sandbox):
    port = sandbox.settings.ports["redshift"]
    section = {"host": "localhost", "port": port, "database": "dev", "user": "awsuser"}
    config = TargetConfig.model_validate(section | {"password": "x", "sslmode": "verify-full"})
    with pytest.raises(TargetError, match="refuses SSL"):
        RedshiftConnection("warehouse", config).query("SELECT 1")
