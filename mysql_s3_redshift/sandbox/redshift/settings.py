"""Settings of one running stand-in."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path


class Isolation(Enum):
    """The isolation levels of a Redshift database and PostgreSQL's level for each."""

    SNAPSHOT = "repeatable read"
    SERIALIZABLE = "serializable"


@dataclass(frozen=True, slots=True)
class S3Settings:
    """Where COPY reads, and what the cluster's IAM role amounts to.

    Args:
        endpoint_url: The S3 server.
        access_key_id: Used for `IAM_ROLE`.
        secret_access_key: Used for `IAM_ROLE`.
        region: Only shown in messages and used for signing.
    """

    endpoint_url: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    region: str = "us-east-1"


@dataclass(frozen=True, slots=True)
class Settings:
    """How to run.

    Args:
        data: Folder of the database; created when missing, kept on exit.
        port: Where clients connect; 0 picks a free port.
        user: The master user, a superuser.
        password: Its password; set anew on every start.
        database: The one database.
        s3: Where COPY reads.
        host: The address to listen on.
        isolation: As in `CREATE DATABASE .. ISOLATION LEVEL`.
        tls_cert: Certificate chain; without it connections are not encrypted.
        tls_key: Private key of the certificate.
        control_port: Where tests arm faults; None leaves that out.
    """

    data: Path
    port: int
    user: str
    password: str = field(repr=False)
    database: str
    s3: S3Settings
    host: str = "127.0.0.1"
    isolation: Isolation = Isolation.SNAPSHOT
    tls_cert: Path | None = None
    tls_key: Path | None = None
    control_port: int | None = None
