"""Somebody in a server's place: no password is told, and whatever answers is an error of ours."""

from __future__ import annotations

import contextlib
import random
import socket
import threading

import pytest
from pymysql.constants import CLIENT

from mysql_s3_redshift.adapters.mysql.connection import MySqlConnection
from mysql_s3_redshift.adapters.redshift.connection import RedshiftConnection
from mysql_s3_redshift.config import SourceConfig, TargetConfig
from mysql_s3_redshift.errors import SourceConnectionError, SourceError, TargetError
from mysql_s3_redshift_tests.adapters.wire.proxies import proxy_to
from mysql_s3_redshift_tests.security.bastion import Bastion
from mysql_s3_redshift_tests.security.tls_clients import mysql_config, tls_in_use


class _FalseServer:
    """Somebody in the server's place: no TLS, and `asks` for the password in a way of its own."""

    def __init__(self, asks: bytes | None = None) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.heard = b""
        self._asks = asks
        self._clients: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        client, _ = self._listener.accept()
        client.settimeout(60)
        self._clients.append(client)
        with contextlib.suppress(OSError), client:
            client.sendall(_greeting())
            self.heard += client.recv(4096)
            if self._asks is not None:
                body = b"\xfe" + self._asks + b"\0"
                client.sendall(len(body).to_bytes(3, "little") + b"\x02" + body)
                self.heard += client.recv(4096)

    def close(self) -> None:
        self._listener.close()
        for client in self._clients:  # whose way may lead through a proxy, which holds it open
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        self._thread.join(60)


def _greeting() -> bytes:
    flags = CLIENT.PROTOCOL_41 | CLIENT.SECURE_CONNECTION | CLIENT.PLUGIN_AUTH
    body = b"\x0a8.0.36\0" + (7).to_bytes(4, "little") + b"saltsalt\0"
    body += (flags & 0xFFFF).to_bytes(2, "little") + b"\xff\x02\x00"
    body += (flags >> 16).to_bytes(2, "little") + b"\x15" + bytes(10)
    body += b"saltsaltsalt\0mysql_native_password\0"
    return len(body).to_bytes(3, "little") + b"\0" + body


@pytest.mark.parametrize("mode", ["required", "disabled"])
@pytest.mark.parametrize("asks", [None, b"mysql_clear_password", b"dialog"])
def test_the_password_never_leaves_in_the_clear(mode, asks):
    if mode == "disabled" and asks is None:
        return
    server = _FalseServer(asks)
    section = {"host": "127.0.0.1", "port": server.port, "user": "u", "password": "canary-4711"}
    config = SourceConfig.model_validate(section | {"tls": {"mode": mode}})
    try:
        with pytest.raises(SourceError) as refused:
            MySqlConnection("shop", config).query("SELECT 1")
    finally:
        server.close()
    assert b"canary-4711" not in server.heard
    expected = "does not encrypt" if mode == "required" else "was not told the password"
    assert expected in str(refused.value)
    assert "canary-4711" not in str(refused.value)


def test_a_connection_that_is_made_again_after_a_loss_demands_tls_again(tls_servers, account):
    """P-10: somebody who cuts the connection and takes the server's place gets no password."""
    server = _FalseServer(b"mysql_clear_password")
    with proxy_to("localhost", tls_servers.mysql.port) as way:
        config = mysql_config(tls_servers, port=way.port, user=account, tls={"mode": "required"})
        connection = MySqlConnection("shop", config)
        try:
            assert connection.ask(lambda: tls_in_use(connection))
            way.lead_to(("127.0.0.1", server.port))
            with pytest.raises(SourceError, match="does not encrypt"):
                connection.ask(lambda: connection.query("SELECT 1"))
        finally:
            connection.close()
            server.close()
    assert server.heard == b""


def test_a_server_that_accepts_and_says_nothing_is_given_up(bastion: Bastion) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        section = {"host": "127.0.0.1", "port": silent.getsockname()[1], "user": "u"}
        config = SourceConfig.model_validate(section | {"connect_timeout": "1s"})
        with pytest.raises(SourceConnectionError):
            MySqlConnection("shop", config).query("SELECT 1")


class _Stranger:
    """Answers with the given bytes, one piece after each that it hears; then hangs up."""

    def __init__(self, *, greets: bool) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.says: tuple[bytes, ...] = ()
        self._greets = greets
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # the listener was closed
            while True:
                client, _ = self._listener.accept()
                with contextlib.suppress(OSError), client:
                    client.settimeout(0.05)
                    for number, said in enumerate(self.says):
                        if number or not self._greets:
                            client.recv(4096)
                        client.sendall(said)

    def close(self) -> None:
        self._listener.close()


def _damaged(chance: random.Random, good: bytes) -> bytes:
    changed = bytearray(good)
    for _ in range(chance.randint(1, 4)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    end = chance.choice([len(changed), len(changed), chance.randrange(len(changed))])
    return bytes(changed[:end])


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + (len(body) + 4).to_bytes(4, "big") + body


def test_whatever_answers_in_mysqls_place_is_an_error_of_this_project() -> None:
    chance, stranger = random.Random(5), _Stranger(greets=True)
    section = {"host": "127.0.0.1", "port": stranger.port, "user": "u", "password": "p"}
    config = SourceConfig.model_validate(section | {"tls": {"mode": "disabled"}})
    done = b"\x07\0\0\x02\0\0\0\x02\0\0\0"
    for number in range(80):
        rubbish = [b"HTTP/1.1 400 Bad Request", b"SSH-2.0-x", chance.randbytes(40)]
        greeting = chance.choice([*rubbish, *[_damaged(chance, _greeting())] * 4])
        stranger.says = greeting, _damaged(chance, done)
        with pytest.raises(SourceError):
            MySqlConnection("shop", config).query(f"SELECT {number}")
    stranger.close()


def test_whatever_answers_in_redshifts_place_is_an_error_of_this_project() -> None:
    chance, stranger = random.Random(5), _Stranger(greets=False)
    section = {"host": "127.0.0.1", "port": stranger.port, "user": "u", "password": "p"}
    section |= {"database": "dev", "sslmode": "disable"}
    config = TargetConfig.model_validate(section)
    signed_in = _message(b"R", bytes(4)) + _message(b"S", b"server_version\0008.0.2\0")
    signed_in += _message(b"K", bytes(8)) + _message(b"Z", b"I")
    done = _message(b"1", b"") + _message(b"2", b"") + _message(b"C", b"SET\0")
    for number in range(80):
        rubbish = chance.choice([b"HTTP/1.1 400 Bad Request", chance.randbytes(40)])
        answer = chance.choice([rubbish, *[_damaged(chance, signed_in)] * 4])
        stranger.says = answer, _damaged(chance, done)
        with pytest.raises(TargetError):
            RedshiftConnection("warehouse", config).query(f"SELECT {number}")
    stranger.close()
