"""Sections `sources`, `storages` and `targets`: the three ends of every pipeline."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, Secret, SecretStr, model_validator

from mysql_s3_redshift.config.durations import PositiveDuration, parse_duration
from mysql_s3_redshift.config.fields import (
    Host,
    LocalPath,
    Login,
    Port,
    RedshiftName,
    Section,
    Text,
    is_loopback,
)

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+", re.ASCII)
_ACCOUNT = re.compile(r"\d{12}", re.ASCII)


class TlsMode(StrEnum):
    """How far TLS to MySQL goes: from none to a certificate that names the host."""

    DISABLED = "disabled"
    REQUIRED = "required"
    VERIFY_CA = "verify_ca"
    VERIFY_IDENTITY = "verify_identity"


class SslMode(StrEnum):
    """TLS to Redshift, in the words of redshift_connector."""

    DISABLE = "disable"
    VERIFY_CA = "verify-ca"
    VERIFY_FULL = "verify-full"


class TlsConfig(Section):
    """TLS to MySQL."""

    mode: TlsMode = TlsMode.VERIFY_IDENTITY
    """`disabled`, `required` (encrypted, certificate not checked), `verify_ca` or
    `verify_identity` (certificate checked, and that it names the host); default:
    `verify_identity` with `ca`, else as without `tls`."""
    ca: LocalPath | None = None
    """File of trusted certificates; default: those of the system."""
    cert: LocalPath | None = None
    """Client certificate."""
    key: LocalPath | None = None
    """Private key of the client certificate."""

    @model_validator(mode="after")
    def _agree(self) -> TlsConfig:
        if (self.cert is None) != (self.key is None):
            raise ValueError("`cert` and `key` belong together")
        if self.mode is TlsMode.DISABLED and (self.ca or self.cert):
            raise ValueError("certificates are given though `mode` is `disabled`")
        return self


class SshConfig(Section):
    """The bastion that a connection goes through."""

    host: Host
    """Name or address of the bastion."""
    port: Port = 22
    """Port of its SSH server."""
    user: Login
    """User on the bastion."""
    private_key: LocalPath | None = None
    """File of the private key; default: the SSH agent's keys."""
    private_key_passphrase: SecretStr | None = None
    """Passphrase of the private key."""
    known_hosts: LocalPath = Field(default=Path("~/.ssh/known_hosts"), validate_default=True)
    """File of known host keys; a bastion that is not in it is refused."""
    config_file: LocalPath | None = None
    """OpenSSH configuration to read besides, for `ProxyJump` and the like; default: none is
    read."""


class SourceConfig(Section):
    """A MySQL connection."""

    host: Host
    """Name or address of the server, as the bastion sees it where there is one."""
    port: Port = 3306
    """Port of the server."""
    user: Text
    """MySQL user."""
    password: SecretStr | None = None
    """Its password."""
    iam: bool = False
    """Whether to sign in by IAM tokens of RDS instead of a password; needs TLS."""
    region: Text | None = None
    """AWS region of the server, for `iam`; default: the one of the AWS configuration."""
    tls: TlsConfig = TlsConfig(mode=TlsMode.REQUIRED)
    """Encryption; default: `mode: required`, or `disabled` where the host is this machine."""
    ssh: SshConfig | None = None
    """Bastion; default: connect directly."""
    max_connections: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Most connections that runs may hold at once, over all workers: the limit of the connection's
    pool; default: what `dagster.yaml` allows."""
    connect_timeout: PositiveDuration = parse_duration("10s")
    """How long to wait for a connection."""
    read_timeout: PositiveDuration = parse_duration("10m")
    """How long to wait for the server's next bytes."""

    @model_validator(mode="before")
    @classmethod
    def _choose_tls(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        tls = value.get("tls")
        if tls is None or (isinstance(tls, dict) and not {"mode", "ca"} & tls.keys()):
            mode = TlsMode.DISABLED if is_loopback(value.get("host")) else TlsMode.REQUIRED
            return {**value, "tls": {"mode": mode} | (tls or {})}
        return value

    @model_validator(mode="after")
    def _agree(self) -> SourceConfig:
        if self.iam and self.password is not None:
            raise ValueError("`iam` and `password` exclude each other")
        if self.iam and self.tls.mode is TlsMode.DISABLED:
            raise ValueError("`iam` sends a token, which needs `tls`")
        return self


def _bucket(name: str) -> str:
    if not _BUCKET.fullmatch(name) or ".." in name:
        raise ValueError("a bucket name has 3 to 63 lower-case letters, digits, `-` and `.`")
    return name


def _prefix(text: str) -> str:
    prefix = text.strip("/")
    parts = prefix.split("/")
    if prefix and (not prefix.isprintable() or {"", ".", ".."} & set(parts)):
        raise ValueError("a prefix is names joined by single `/`, without `.` and `..`")
    return prefix


def _endpoint(url: str) -> str:
    try:
        parts = urlsplit(url)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and url.isprintable()
        plain = parts.username is None and not parts.query and (parts.port or 1) > 0
    except ValueError:
        valid = plain = False
    if not (valid and plain):
        raise ValueError("an endpoint is `http(s)://host[:port]`, without user or query")
    return url.rstrip("/")


def _account(text: str) -> str:
    if not _ACCOUNT.fullmatch(text):
        raise ValueError("an AWS account id has 12 digits")
    return text


class StorageConfig(Section):
    """A place in S3. Without keys the AWS credential chain of the process counts."""

    bucket: Annotated[str, AfterValidator(_bucket)]
    """Name of the bucket."""
    prefix: Annotated[str, AfterValidator(_prefix)] = ""
    """What every key begins with; default: the bucket's root."""
    region: Text | None = None
    """AWS region; default: the one of the AWS configuration."""
    endpoint_url: Annotated[str, AfterValidator(_endpoint)] | None = None
    """Address of an S3-compatible store; default: AWS."""
    path_style: bool = False
    """Whether the bucket goes into the path of URLs; default: `true` where `endpoint_url`
    is set."""
    access_key_id: SecretStr | None = None
    """Access key; together with `secret_access_key`."""
    secret_access_key: SecretStr | None = None
    """Secret of the access key."""
    session_token: SecretStr | None = None
    """Token of temporary keys."""
    kms_key_id: Text | None = None
    """KMS key that encrypts the objects; default: the bucket's own encryption."""
    expected_bucket_owner: Annotated[str, AfterValidator(_account)] | None = None
    """AWS account that must own the bucket."""

    @model_validator(mode="before")
    @classmethod
    def _choose_addressing(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.get("path_style") is None:
            return {**value, "path_style": value.get("endpoint_url") is not None}
        return value

    @model_validator(mode="after")
    def _agree(self) -> StorageConfig:
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise ValueError("`access_key_id` and `secret_access_key` belong together")
        if self.session_token is not None and self.access_key_id is None:
            raise ValueError("`session_token` needs `access_key_id` and `secret_access_key`")
        return self


def _role(text: str) -> str:
    if text != "default" and not all(_ROLE.fullmatch(arn) for arn in text.split(",")):
        raise ValueError("a role is `default`, or its ARN; chained ARNs are joined by `,`")
    return text


class TargetConfig(Section):
    """A Redshift connection."""

    host: Host
    """Endpoint of the cluster or workgroup."""
    port: Port = 5439
    """Port of the endpoint."""
    database: Text
    """Database."""
    user: Text | None = None
    """Redshift user; together with `password`."""
    password: SecretStr | None = None
    """Its password."""
    iam: Secret[dict[str, str | int | bool]] | None = None
    """Sign in by IAM instead: options for `redshift_connector.connect`, as they are."""
    copy_role: Annotated[str, AfterValidator(_role)] | None = None
    """Role that COPY reads S3 with, an ARN or `default`; default: the keys of the storage."""
    sslmode: SslMode = SslMode.VERIFY_FULL
    """`verify-full`, `verify-ca` or `disable`; default: `verify-full`, or `disable` where the
    host is this machine."""
    ssh: SshConfig | None = None
    """Bastion; default: connect directly."""
    ledger_schema: RedshiftName = "mysql_s3_redshift"
    """Schema of the ledger tables."""
    max_connections: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Most connections that runs may hold at once, over all workers: the limit of the connection's
    pool; default: what `dagster.yaml` allows."""
    connect_timeout: PositiveDuration = parse_duration("30s")
    """How long to wait for a connection."""
    statement_timeout: PositiveDuration = parse_duration("1h")
    """How long one statement may run, COPY of all files of a load for example."""

    @model_validator(mode="before")
    @classmethod
    def _choose_sslmode(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.get("sslmode") is None:
            mode = SslMode.DISABLE if is_loopback(value.get("host")) else SslMode.VERIFY_FULL
            return {**value, "sslmode": mode}
        return value

    @model_validator(mode="after")
    def _agree(self) -> TargetConfig:
        if self.iam is not None and self.password is not None:
            raise ValueError("`iam` and `password` exclude each other")
        if self.iam is None and (self.user is None or self.password is None):
            raise ValueError("it needs `user` and `password`, or `iam`")
        return self
