"""The boto3 clients of a process: one for each address and account, with deadlines.

Every request has a deadline (connect 10 s, read 60 s, five adaptive attempts).
"""

from __future__ import annotations

import functools
from typing import Any, Literal

import boto3
from botocore.config import Config as BotoConfig
from botocore.exceptions import BotoCoreError

from mysql_s3_redshift.config import StorageConfig
from mysql_s3_redshift.errors import StorageError

CONNECT_SECONDS = 10
READ_SECONDS = 60
ATTEMPTS = 5
MAX_CONNECTIONS = 64
"""Of one client, which all tables of a process share; only as many as are used are opened."""


def client_of(config: StorageConfig) -> Any:
    """The client of a configuration; those that differ in what requests tell share one."""
    told = {"bucket": "", "prefix": "", "kms_key_id": None, "expected_bucket_owner": None}
    return _make_client(config.model_copy(update=told))


@functools.lru_cache(maxsize=32)
def _make_client(config: StorageConfig) -> Any:
    """Make a client, once for each address and account of this process.

    It takes 0.1 to 0.2 s, which is more than an idle table needs for everything else, and one that
    exists keeps its connections open. boto3's clients may be shared among threads.
    """
    secret = {
        "aws_access_key_id": config.access_key_id,
        "aws_secret_access_key": config.secret_access_key,
        "aws_session_token": config.session_token,
    }
    keys: dict[str, Any] = {k: v.get_secret_value() for k, v in secret.items() if v is not None}
    session = boto3.Session(region_name=config.region, **keys)
    options = BotoConfig(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "adaptive", "total_max_attempts": ATTEMPTS},
        s3={"addressing_style": _addressing(config)},
        max_pool_connections=MAX_CONNECTIONS,
    )
    try:
        return session.client(
            "s3",
            endpoint_url=config.endpoint_url,
            region_name=session.region_name or "us-east-1",
            config=options,
        )
    except (BotoCoreError, ValueError) as error:
        raise StorageError(
            f"S3 cannot be used: {error}",
            kept="Nothing was changed.",
            remedy="Check region, endpoint_url and credentials of this storage.",
        ) from error


def _addressing(config: StorageConfig) -> Literal["path", "virtual", "auto"]:
    """Where the bucket goes in URLs; `auto` is botocore's rule, which knows AWS alone."""
    if config.path_style:
        return "path"
    return "virtual" if config.endpoint_url else "auto"
