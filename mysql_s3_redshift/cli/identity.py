"""Who runs a command, for the documents that it changes."""

from __future__ import annotations

import getpass
import socket


def who() -> str:
    """User and machine."""
    return f"{getpass.getuser()}@{socket.gethostname()}"
