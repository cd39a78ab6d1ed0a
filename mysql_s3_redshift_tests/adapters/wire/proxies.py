"""A proxy between PyMySQL and the server, which misbehaves as a test tells it."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

CHUNK = 1 << 14


class Proxy:
    """Forwards one connection at a time, both ways.

    Attributes:
        cut_after: Bytes of the server's answers after which the connection is closed.
        stall_after: Bytes of the server's answers after which nothing more is forwarded.
        refuse_to_prepare: Whether the proxy itself answers COM_STMT_PREPARE, with error 1047.
    """

    def __init__(self, upstream: tuple[str, int]) -> None:
        self._upstream = upstream
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.cut_after: int | None = None
        self.stall_after: int | None = None
        self.refuse_to_prepare = False
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        """Where to connect to."""
        port: int = self._listener.getsockname()[1]
        return port

    def close(self) -> None:
        """Close all sockets, which ends the threads."""
        _close(self._listener, *self._open)

    def lead_to(self, upstream: tuple[str, int]) -> None:
        """Cut what is open, and lead new connections to another server."""
        self._upstream = upstream
        _close(*self._open)
        self._open.clear()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._upstream)
                self._open += [client, server]
                for end in (client, server):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for forward in (self._to_server, self._to_client):
                    threading.Thread(target=forward, args=(client, server), daemon=True).start()

    def _to_server(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(CHUNK):
                for packet in packets(data) if self.refuse_to_prepare else [data]:
                    if self.refuse_to_prepare and packet[3:5] == b"\x00\x16":
                        client.sendall(b"\x1a\x00\x00\x01\xff\x17\x04#08S01Unknown command??")
                    else:
                        server.sendall(packet)

    def _to_client(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(CHUNK):
                for limit in (self.cut_after, self.stall_after):
                    data = data if limit is None else data[:limit]
                if self.stall_after is not None:
                    self.stall_after -= len(data)
                client.sendall(data)
                if self.cut_after is not None:
                    self.cut_after -= len(data)
                    if self.cut_after == 0:
                        client.shutdown(socket.SHUT_RDWR)
                        return


def _close(*opened: socket.socket) -> None:
    for end in opened:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


def packets(data: bytes) -> Iterator[bytes]:
    """Take apart what was sent at once: a statement is closed and the next one prepared."""
    while data:
        end = int.from_bytes(data[:3], "little") + 4
        yield data[:end]
        data = data[end:]


@contextlib.contextmanager
def proxy_to(host: str, port: int) -> Iterator[Proxy]:
    """Run a proxy for the length of a test."""
    proxy = Proxy((host, port))
    try:
        yield proxy
    finally:
        proxy.close()
