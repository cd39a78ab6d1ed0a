"""How a MySQL login is made: TLS first, then a password or an IAM token, never in the clear.

PyMySQL answers whatever the server asks for. `mysql_clear_password` asks for the password as it is,
so a server that somebody put in the place of the real one could have it for the asking; that is why
a connection that is not encrypted refuses to answer, and one that must be encrypted does not go on
with a server that offers no TLS.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pymysql
from pymysql.constants import CLIENT, CR

from mysql_s3_redshift.config import SourceConfig, TlsConfig, TlsMode
from mysql_s3_redshift.errors import ConfigError, SourceError

REFUSED_LOGIN = frozenset({1044, 1045, 1698})
SECURE_TRANSPORT_REQUIRED = 3159
"""ER_SECURE_TRANSPORT_REQUIRED, of MySQL and MariaDB alike."""

_CLEAR_TEXT = (b"mysql_clear_password", b"dialog")
_KEPT = "Nothing was read or written."


if TYPE_CHECKING:
    _Connection = pymysql.Connection[Any]
else:
    _Connection = pymysql.Connection  # generic in its stubs alone


class GuardedConnection(_Connection):
    """A connection that keeps the password to itself until the server may have it."""

    server_capabilities: int
    _read_timeout: int
    _secure: bool

    def _request_authentication(self) -> None:
        if self.ssl and not self.server_capabilities & CLIENT.SSL:
            raise pymysql.OperationalError(
                CR.CR_SSL_CONNECTION_ERROR, "the server does not offer TLS"
            )
        super()._request_authentication()  # type: ignore[misc]

    def _process_auth(self, plugin_name: bytes, auth_packet: Any, *more: Any) -> Any:
        if plugin_name in _CLEAR_TEXT and not self._secure:
            raise pymysql.OperationalError(
                CR.CR_AUTH_PLUGIN_ERR, "the server asked for the password in the clear"
            )
        return super()._process_auth(plugin_name, auth_packet, *more)  # type: ignore[misc]

    def let_go(self) -> None:
        """Close the socket, whatever the server still waits for."""
        self._force_close()  # type: ignore[attr-defined]

    def allow_read_seconds(self, seconds: int) -> None:
        """Change how long the next bytes of the server may take."""
        self._read_timeout = seconds


def password_of(name: str, config: SourceConfig) -> str:
    """Return the password, or an IAM token made for this one login.

    Raises:
        SourceError: No token can be made.
    """
    if config.iam:
        return _iam_token(name, config)
    return config.password.get_secret_value() if config.password else ""


def tls_options(name: str, tls: TlsConfig) -> dict[str, Any]:
    """Return what PyMySQL has to know of TLS.

    Raises:
        ConfigError: A certificate or key cannot be used.
    """
    if tls.mode is TlsMode.DISABLED:
        return {"ssl_disabled": True}
    try:
        context = ssl.create_default_context(cafile=_existing(tls.ca))
        if tls.cert is not None:
            context.load_cert_chain(str(_existing(tls.cert)), _existing(tls.key), _no_passphrase)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"sources.{name}.tls: {error}.",
            kept=_KEPT,
            remedy="Check that `ca`, `cert` and `key` name PEM files, the key without passphrase, "
            "and that `key` belongs to `cert`.",
        ) from error
    # Python 3.13 would refuse the certificates that MySQL servers make for themselves.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.check_hostname = tls.mode is TlsMode.VERIFY_IDENTITY
    if tls.mode is TlsMode.REQUIRED:
        context.verify_mode = ssl.CERT_NONE
    return {"ssl": context}


def _existing(path: Path | None) -> str | None:
    """Open the file once: the error of `ssl` would not name it."""
    if path is not None:
        with path.open("rb"):
            return str(path)
    return None


def _no_passphrase() -> str:
    """Keep OpenSSL from asking for a passphrase at the terminal."""
    message = "the client's key is protected by a passphrase"
    raise ValueError(message)


def _iam_token(name: str, config: SourceConfig) -> str:
    """Make a token for one login; it is valid for 15 minutes, the connection for longer.

    RDS User Guide, "Connecting to your DB instance using IAM authentication".
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client = boto3.Session(region_name=config.region).client("rds")
        token: str = client.generate_db_auth_token(
            DBHostname=config.host, Port=config.port, DBUsername=config.user
        )
    except (BotoCoreError, ClientError, ValueError) as error:
        raise SourceError(
            f"MySQL source {name}: no IAM token can be made: {error}",
            kept=_KEPT,
            remedy=f"Set sources.{name}.region, and give this process AWS credentials that may "
            "rds-db:connect.",
        ) from error
    return token
