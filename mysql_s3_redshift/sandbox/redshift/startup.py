"""From the first byte of a client to a session: TLS, the startup packet, the password."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import ssl
from collections.abc import Awaitable, Callable

from mysql_s3_redshift.sandbox.redshift import wire
from mysql_s3_redshift.sandbox.redshift.errors import RedshiftError
from mysql_s3_redshift.sandbox.redshift.upstream import send_cancel

_MAX_STARTUP_SIZE = 10_000
_MD5_CHALLENGE = 5


class ClientReader(asyncio.StreamReader):
    """A reader that tells at once when the client is gone, even while nobody is reading."""

    def __init__(self) -> None:
        super().__init__(limit=1 << 20)
        self.gone = asyncio.Event()

    def feed_eof(self) -> None:
        """Note the end of the stream."""
        super().feed_eof()
        self.gone.set()

    def set_exception(self, exc: Exception) -> None:
        """Note a broken connection."""
        super().set_exception(exc)
        self.gone.set()


async def read_startup(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    *,
    tls: ssl.SSLContext | None,
    postgres: str,
) -> dict[str, str] | None:
    """Return the parameters of the startup packet; None when the client only sent a cancel."""
    while True:
        size = wire.read_int32(await reader.readexactly(4))
        if not 8 <= size <= _MAX_STARTUP_SIZE:
            raise ConnectionError("not a startup packet")
        body = await reader.readexactly(size - 4)
        code = wire.read_int32(body)
        if code == wire.SSL_REQUEST:
            writer.write(b"N" if tls is None else b"S")
            await writer.drain()
            if tls is not None:
                await writer.start_tls(tls)
        elif code == wire.CANCEL_REQUEST:
            # Clients get PostgreSQL's own key, so their cancel can go straight through.
            await send_cancel(postgres, body[4:])
            return None
        elif code == wire.PROTOCOL_3:
            return wire.startup_parameters(body[4:])
        else:
            raise ConnectionError(f"protocol {code} is not supported")


async def check_password(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    user: str,
    stored_password: Callable[[str], Awaitable[str | None]],
) -> None:
    """Ask for the password by MD5 challenge and compare it.

    Raises:
        RedshiftError: When the user is unknown or the password is wrong.
    """
    salt = os.urandom(4)
    writer.write(wire.message(b"R", _MD5_CHALLENGE.to_bytes(4, "big") + salt))
    await writer.drain()
    head = await reader.readexactly(5)
    body = await reader.readexactly(wire.read_int32(head, 1) - 4)
    stored = await stored_password(user)
    digest = hashlib.md5((stored or "md5").removeprefix("md5").encode() + salt)  # noqa: S324
    expected = f"md5{digest.hexdigest()}".encode()
    if stored is None or not hmac.compare_digest(expected, body.rstrip(b"\0")):
        raise RedshiftError("28000", f'password authentication failed for user "{user}"')
