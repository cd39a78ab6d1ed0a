"""Free loopback ports that stay the same from one start to the next."""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import socket
import tempfile
import time
from collections.abc import Collection, Iterator
from pathlib import Path

HOST = "127.0.0.1"

# SeaweedFS listens for gRPC at 10000 above each port. With both ranges below 32768, the first
# ephemeral port of Linux, no outgoing connection can take a port between two starts.
_GRPC_OFFSET = 10_000
_FIRST, _LAST = 20_000, 22_767


@contextlib.contextmanager
def choosing() -> Iterator[None]:
    """Let one sandbox at a time choose its ports, until its servers listen there.

    Two that start at once would find the same port free. The kernel frees the lock with its holder.
    """
    path = Path(tempfile.gettempdir()) / f"mysql-s3-redshift-ports-{os.getuid()}.lock"
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def is_free(port: int) -> bool:
    """Tell whether a server could listen on a port and on its gRPC companion."""
    return all(_can_listen(candidate) for candidate in (port, port + _GRPC_OFFSET))


def choose_port(remembered: int | None, taken: Collection[int], *, patience: float = 0.0) -> int:
    """Return the remembered port where it is still free, else a new one.

    Args:
        remembered: The port of the last start, if there was one.
        taken: Ports already given to other servers that may not listen yet.
        patience: Seconds to wait for the remembered port. The kernel frees the port of a killed
            server only when the last of its threads is gone, some milliseconds after it looks dead.
    """
    if remembered is not None and remembered not in taken:
        deadline = time.monotonic() + patience
        while not (free := is_free(remembered)) and time.monotonic() < deadline:
            time.sleep(0.01)
        if free:
            return remembered
    candidates = random.sample(range(_FIRST, _LAST + 1), _LAST + 1 - _FIRST)
    for port in candidates:
        if port not in taken and is_free(port):
            return port
    msg = f"No free port between {_FIRST} and {_LAST} on {HOST}."
    raise OSError(msg)


def _can_listen(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Servers set this option too: a port in TIME_WAIT is free for them.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
