"""AWS Secrets Manager: what `secretsmanager:name#key` in `pipelines.yaml` stands for."""

from __future__ import annotations

import threading
import time
from typing import Any

from mysql_s3_redshift.errors import ConfigError

REMEMBERED_SECONDS = 20.0
"""A connection names two keys of one secret: both must come from the same version of it."""

_CONNECT_SECONDS = 10
_READ_SECONDS = 20
_ATTEMPTS = 4
_ABSENT = "ResourceNotFoundException"
_DENIED = frozenset({"AccessDeniedException", "UnrecognizedClientException", "DecryptionFailure"})


class SecretsManagerReader:
    """Reads secrets with the AWS credentials of the process (see `config.SecretReader`)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, str]] = {}

    def read(self, name: str) -> str:
        """Return the text of the secret with this name or ARN.

        Raises:
            ConfigError: It cannot be read.
        """
        with self._lock:
            read_at, text = self._known.get(name, (0.0, ""))
            if name not in self._known or time.monotonic() - read_at > REMEMBERED_SECONDS:
                text = _read(name)
                self._known[name] = time.monotonic(), text
            return text


def _read(name: str) -> str:
    # boto3 takes a while to import, and most configurations name no secret.
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    options = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
    )
    try:
        client = boto3.Session(region_name=_region_of(name)).client(
            "secretsmanager", config=options
        )
        answer: dict[str, Any] = client.get_secret_value(SecretId=name)
        # A binary secret may hold a text as well.
        return str(answer["SecretString"]) if "SecretString" in answer else _decoded(answer)
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        raise _unreadable(name, code, _remedy(code, name)) from error
    except (BotoCoreError, ValueError) as error:
        remedy = "Check the AWS region and credentials of this process, and the network."
        raise _unreadable(name, str(error), remedy) from error


def _region_of(name: str) -> str | None:
    """The region that an ARN tells; else that of the AWS configuration."""
    parts = name.split(":")
    return parts[3] if name.startswith("arn:") and len(parts) > 6 else None


def _decoded(answer: dict[str, Any]) -> str:
    try:
        return bytes(answer["SecretBinary"]).decode("utf-8")
    except UnicodeDecodeError:
        # Its text would quote the secret's bytes.
        raise ValueError("it holds bytes that are not UTF-8 text") from None


def _remedy(code: str, name: str) -> str:
    if code == _ABSENT:
        return "Check the secret's name and the AWS region of this process."
    if code in _DENIED:
        return f"Allow this process secretsmanager:GetSecretValue on {name} (and kms:Decrypt)."
    return "Run again; when it repeats, look at the secret in the AWS console."


def _unreadable(name: str, why: str, remedy: str) -> ConfigError:
    return ConfigError(
        f"The secret {name} of AWS Secrets Manager cannot be read: {why}.",
        kept="Nothing was read or changed.",
        remedy=remedy,
    )
