"""Who is told: a webhook, a command's standard input, or both."""

import json
import subprocess
import urllib.error
import urllib.request
from typing import Any

from mysql_s3_redshift.config import AlertConfig
from mysql_s3_redshift.errors import ReplicationError

SECONDS = 20
_TRY_AGAIN = {408, 425, 429}
"""Statuses that refuse a request for its moment, not for what it says (RFC 9110, 8470, 6585)."""


class AlertFailedError(ReplicationError):
    """Nobody could be told."""


class AlertRefusedError(AlertFailedError):
    """Somebody is there, and does not take this document; another one may be taken."""


def ui_link(alerts: AlertConfig | None, page: str) -> str | None:
    """Address of a page of the web UI; None where nobody said where the UI is."""
    return f"{alerts.web_ui}/{page}" if alerts is not None and alerts.web_ui else None


def send(alerts: AlertConfig, document: dict[str, Any], took: list[str] | None = None) -> None:
    """Hand the document to whoever is configured.

    Args:
        alerts: Who is told.
        document: What is told.
        took: Who took it at an earlier attempt and is left out; who takes it now is added.

    Raises:
        AlertFailedError: The address or the command did not take it.
    """
    took = [] if took is None else took
    body = json.dumps(document, ensure_ascii=False).encode()
    try:
        if alerts.webhook is not None and "webhook" not in took:
            _post(alerts.webhook.get_secret_value(), body)
            took.append("webhook")
        if alerts.command and "command" not in took:
            line = body + b"\n"  # so that what commands append to a file stays one document a line
            subprocess.run(list(alerts.command), input=line, timeout=SECONDS, check=True)  # noqa: S603
            took.append("command")
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        # The cause is left out: its text may quote the address, which may hold a token.
        kind = AlertRefusedError if _refuses(error) else AlertFailedError
        raise kind(
            f"An alert of pipeline {document['pipeline']} was not delivered: {_told(error)}.",
            kept="The runs and their logs are unchanged; it is sent again.",
            remedy=f"Check pipelines.{document['pipeline']}.alerts.",
        ) from None


def _post(address: str, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(address, data=body, headers=headers)  # noqa: S310  http(s) only
    with urllib.request.urlopen(request, timeout=SECONDS):  # noqa: S310
        return


def _refuses(error: Exception) -> bool:
    if isinstance(error, urllib.error.HTTPError):
        return 400 <= error.code < 500 and error.code not in _TRY_AGAIN
    return isinstance(error, subprocess.CalledProcessError)


def _told(error: Exception) -> str:
    """What may be told of an error: its kind and the number that goes with it."""
    match error:
        case urllib.error.HTTPError():
            return f"HTTP status {error.code}"
        case urllib.error.URLError(reason=Exception() as reason):
            return type(reason).__name__
        case subprocess.CalledProcessError():
            return f"the command ended with code {error.returncode}"
    return type(error).__name__
