"""S3 as the cluster sees it: with the rights of its IAM role, or with the keys of a COPY."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from urllib.parse import urlparse

import boto3
from botocore.config import Config
from pyarrow.fs import S3FileSystem

from mysql_s3_redshift.sandbox.redshift.settings import S3Settings

Credentials = tuple[str, str, str | None]


class Storage:
    """Clients of the S3 server, one pair per set of credentials."""

    def __init__(self, settings: S3Settings) -> None:
        self._settings = settings
        self.region = settings.region
        self.client = lru_cache(maxsize=16)(self._client)
        self.filesystem = lru_cache(maxsize=16)(self._filesystem)

    def _keys(self, credentials: Credentials | None) -> Credentials:
        settings = self._settings
        return credentials or (settings.access_key_id, settings.secret_access_key, None)

    def _client(self, credentials: Credentials | None) -> Any:
        key, secret, token = self._keys(credentials)
        return boto3.client(
            "s3",
            endpoint_url=self._settings.endpoint_url,
            region_name=self.region,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=Config(retries={"max_attempts": 3}, connect_timeout=5, read_timeout=30),
        )

    def _filesystem(self, credentials: Credentials | None) -> S3FileSystem:
        key, secret, token = self._keys(credentials)
        url = urlparse(self._settings.endpoint_url)
        return S3FileSystem(
            access_key=key,
            secret_key=secret,
            session_token=token,
            endpoint_override=url.netloc,
            scheme=url.scheme,
            region=self.region,
        )
