"""A way through to a server that counts the bytes that pass."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self

HOST = "127.0.0.1"
_PIECE = 1 << 16


class Relay:
    """Forwards connections on a port of its own to a server's.

    Attributes:
        port: Where it listens.
        asked: Bytes that went to the server.
        answered: Bytes that came back.
    """

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._listener = socket.create_server((HOST, 0))
        self.port = int(self._listener.getsockname()[1])
        self._lock = threading.Lock()
        self.asked = self.answered = 0

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Closing alone would leave the thread that waits in accept.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def take(self) -> int:
        """All bytes since the last call."""
        with self._lock:
            passed, self.asked, self.answered = self.asked + self.answered, 0, 0
        return passed

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._server)
            for source, sink, asks in ((client, server, True), (server, client, False)):
                threading.Thread(
                    target=self._forward, args=(source, sink), kwargs={"asks": asks}, daemon=True
                ).start()

    def _forward(self, source: socket.socket, sink: socket.socket, *, asks: bool) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(_PIECE):
                with self._lock:
                    if asks:
                        self.asked += len(piece)
                    else:
                        self.answered += len(piece)
                sink.sendall(piece)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
