"""Who runs a command, for the documents that it changes."""

from __future__ import annotations

import getpass
import os
import socket


def who() -> str:
    """User and machine; a container often gives its process a number that has no name."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = f"uid-{os.getuid()}"
    return f"{user}@{socket.gethostname()}"
