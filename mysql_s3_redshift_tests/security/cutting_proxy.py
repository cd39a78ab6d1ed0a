"""A line to MySQL that breaks: by a reset, an end, a changed byte or silence, at chosen bytes."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum

_PIECE = 1 << 14


class Cut(StrEnum):
    """How a connection ends; in the last two the TCP connection itself stays as it is."""

    RESET = "the connection is reset"
    END = "the server's half is closed in the middle of a TLS record"
    DAMAGE = "a byte of a TLS record is another one"
    SILENCE = "nothing more arrives"


class CuttingProxy:
    """Forwards connections to a server; from `arm` on, cuts them one after the other.

    Attributes:
        done: How often each cut was made.
    """

    def __init__(self, port: int, cuts: list[Cut], *, within: int, seed: int) -> None:
        """Listen on a free port of loopback.

        Args:
            port: The server's.
            cuts: The cuts to make, in an order that the seed decides.
            within: A cut comes after fewer bytes of the server than that.
            seed: Decides order and places.
        """
        self._upstream, self._within = port, within
        self._random = random.Random(seed)
        self._cuts = self._random.sample(cuts, len(cuts))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.done: Counter[Cut] = Counter()
        self._armed = threading.Event()
        self._lock = threading.Lock()
        self._ends: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def arm(self) -> None:
        """Begin to cut, with the connections that are open now."""
        self._armed.set()

    def close(self) -> None:
        """Close every socket, which ends the threads."""
        for end in (self._listener, *self._ends):
            _shut(end, socket.SHUT_RDWR)
            end.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the listener was closed
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._upstream))
                self._ends += [client, server]
                for forward in (_pump, self._answer):
                    threading.Thread(target=forward, args=(client, server), daemon=True).start()

    def _answer(self, client: socket.socket, server: socket.socket) -> None:
        cut: Cut | None = None
        left = 0
        with contextlib.suppress(OSError):
            while piece := server.recv(_PIECE):
                if cut is None and self._armed.is_set():
                    cut, left = self._next()
                left -= len(piece)
                if cut is not None and left <= 0:
                    self._make(cut, client, piece[:left], piece[left:])
                    break
                client.sendall(piece)
            else:  # it ended by itself, so another one is cut
                self._cuts += [cut] if cut else []
                cut = None
        if cut is Cut.DAMAGE:
            _pump(server, client)
        elif cut is not Cut.SILENCE:
            _shut(server, socket.SHUT_RDWR)
            _shut(client, socket.SHUT_WR)

    def _make(self, cut: Cut, client: socket.socket, before: bytes, rest: bytes) -> None:
        self.done[cut] += 1
        client.sendall(before)
        if cut is Cut.DAMAGE:
            client.sendall(bytes([rest[0] ^ 0x55]) + rest[1:])
        elif cut is Cut.RESET:
            # https://man7.org/linux/man-pages/man7/socket.7.html, SO_LINGER
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.shutdown(socket.SHUT_RD)  # wakes the other thread, which holds it open
            client.close()

    def _next(self) -> tuple[Cut | None, int]:
        with self._lock:
            if not self._cuts:
                return None, 0
            return self._cuts.pop(), self._random.randrange(1, self._within)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(_PIECE):
            target.sendall(piece)
    _shut(target, socket.SHUT_WR)


def _shut(end: socket.socket, how: int) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(how)


@contextlib.contextmanager
def cutting_proxy(port: int, cuts: list[Cut], *, within: int, seed: int) -> Iterator[CuttingProxy]:
    """Run a proxy for the length of a test."""
    proxy = CuttingProxy(port, cuts, within=within, seed=seed)
    try:
        yield proxy
    finally:
        proxy.close()
