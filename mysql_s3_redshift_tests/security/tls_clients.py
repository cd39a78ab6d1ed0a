"""Connections of the product to servers that demand TLS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mysql_s3_redshift.adapters.mysql.connection import MySqlConnection
from mysql_s3_redshift.config import SourceConfig, TargetConfig
from mysql_s3_redshift_tests.security.tls_servers import PASSWORD, TlsServers

Connect = Callable[..., MySqlConnection]


def mysql_config(servers: TlsServers, **changes: Any) -> SourceConfig:
    section = {"host": "localhost", "port": servers.mysql.port, "password": PASSWORD}
    return SourceConfig.model_validate(section | changes)


def redshift_config(servers: TlsServers, **changes: Any) -> TargetConfig:
    section = {
        "host": "localhost",
        "port": servers.redshift_port,
        "database": "dev",
        "user": "awsuser",
        "password": PASSWORD,
        "sslmode": "verify-full",
    }
    return TargetConfig.model_validate(section | changes)


def tls_in_use(connection: MySqlConnection) -> bool:
    cipher = connection.query("SHOW SESSION STATUS LIKE 'Ssl_cipher'")[0][1]
    assert bool(cipher) == (connection.cipher is not None)
    return bool(cipher)
