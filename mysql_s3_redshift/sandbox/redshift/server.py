"""The stand-in as a whole: PostgreSQL, the listening socket, what all sessions share."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from importlib import resources

from mysql_s3_redshift.errors import TargetError
from mysql_s3_redshift.sandbox.redshift import wire
from mysql_s3_redshift.sandbox.redshift.control import Faults, serve_control
from mysql_s3_redshift.sandbox.redshift.errors import RedshiftError
from mysql_s3_redshift.sandbox.redshift.names import LongNames
from mysql_s3_redshift.sandbox.redshift.postgres import SUPERUSER, EmbeddedPostgres
from mysql_s3_redshift.sandbox.redshift.session import Session
from mysql_s3_redshift.sandbox.redshift.settings import Settings
from mysql_s3_redshift.sandbox.redshift.sql.lexer import quote_literal, quote_name
from mysql_s3_redshift.sandbox.redshift.sql.users import md5_password
from mysql_s3_redshift.sandbox.redshift.startup import ClientReader, check_password, read_startup
from mysql_s3_redshift.sandbox.redshift.storage import Storage
from mysql_s3_redshift.sandbox.redshift.upstream import Row, Upstream

SERVER_VERSION = "8.0.2"
"""Redshift's; the driver parses it as a Python version and knows its row counts by it."""

_REDSHIFT_OIDS = {
    "super": wire.OID_SUPER,
    "varbyte": wire.OID_VARBYTE,
    "geometry": wire.OID_GEOMETRY,
}
_CLIENT_PARAMETERS = ("application_name", "client_encoding", "datestyle", "timezone")
_SESSION_SETTINGS = {
    "standard_conforming_strings": "off",
    "escape_string_warning": "off",
    "backslash_quote": "on",
    "extra_float_digits": "2",
}

_log = logging.getLogger(__name__)


class Server:
    """What all sessions share."""

    def __init__(self, settings: Settings, socket_path: str) -> None:
        self.settings, self._socket_path = settings, socket_path
        self.storage = Storage(settings.s3)
        self.faults = Faults()
        self.names = LongNames()
        self.type_oids: dict[int, int] = {}
        self.postgres_oids: dict[int, int] = {}
        self._admin_lock = asyncio.Lock()
        self._tls = _tls_context(settings)

    async def open(self) -> None:
        """Create what a new data folder lacks and read what an old one has."""
        await self._create_database()
        self._admin = await self._connect({"user": SUPERUSER, "application_name": "stand-in"})
        await self._create_catalog()
        await self._set_master_user()
        known = await self.admin_query("select short, full_name from rs.long_name")
        self.names = LongNames({str(short): str(full) for short, full in known})
        types = await self.admin_query(
            "select oid::bigint, typname from pg_type where typname in "
            "('super', 'varbyte', 'geometry') and typnamespace = 'pg_catalog'::regnamespace"
        )
        self.type_oids = {int(oid or 0): _REDSHIFT_OIDS[str(name)] for oid, name in types}
        self.postgres_oids = {redshift: own for own, redshift in self.type_oids.items()}

    async def admin_query(self, sql: str) -> list[Row]:
        """Run SQL as superuser, outside of every client's transaction."""
        async with self._admin_lock:
            return await self._admin.query(sql)

    async def save_names(self) -> dict[str, str]:
        """Store the long identifiers that a statement has brought; return them."""
        unsaved = self.names.take_unsaved()
        for short, full in unsaved.items():
            await self.admin_query(
                f"insert into rs.long_name values ({quote_literal(short)}, {quote_literal(full)}) "
                "on conflict do nothing"
            )
        return unsaved

    async def next_query_id(self) -> int:
        """Return a new query id."""
        return int((await self.admin_query("select nextval('rs.query_id')"))[0][0] or 0)

    def protocol(self) -> asyncio.StreamReaderProtocol:
        """Return the protocol of one client connection."""
        reader = ClientReader()

        async def converse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._serve_client(reader, writer)

        return asyncio.StreamReaderProtocol(reader, converse)

    async def _serve_client(self, reader: ClientReader, writer: asyncio.StreamWriter) -> None:
        upstream: Upstream | None = None
        try:
            parameters = await read_startup(
                reader, writer, tls=self._tls, postgres=self._socket_path
            )
            if parameters is None:
                return
            user = parameters.get("user", "")
            try:
                await check_password(reader, writer, user, self._stored_password)
                upstream = await self._log_in(writer, parameters)
            except RedshiftError as error:
                writer.write(wire.report(b"E", error.fields("FATAL")))
                await writer.drain()
                return
            await Session(self, reader, writer, upstream=upstream, user=user).run()
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError) as end:
            _log.debug("connection ended: %s", end)
        finally:
            if upstream is not None:
                upstream.close()
            writer.transport.abort() if reader.gone.is_set() else writer.close()

    async def _log_in(self, writer: asyncio.StreamWriter, parameters: dict[str, str]) -> Upstream:
        """Open the client's backend as superuser and put the client's user on.

        So the stand-in can take locks in its own right; clients cannot change their user.
        """
        database = parameters.get("database", parameters["user"])
        if database != self.settings.database:
            raise RedshiftError("3D000", f'database "{database}" does not exist')
        own = {name: parameters[name] for name in _CLIENT_PARAMETERS if name in parameters}
        own |= _SESSION_SETTINGS
        own["default_transaction_isolation"] = self.settings.isolation.value
        upstream = await self._connect({"user": SUPERUSER, **own})
        await upstream.query(f"set session authorization {quote_name(parameters['user'])}")
        writer.write(wire.message(b"R", b"\0\0\0\0"))
        for kind, body in upstream.announced:
            if body.startswith(b"server_version\0"):
                body = wire.cstring("server_version") + wire.cstring(SERVER_VERSION)
            writer.write(wire.message(kind, body))
        writer.write(wire.message(b"Z", b"I"))
        return upstream

    async def _connect(self, parameters: dict[str, str]) -> Upstream:
        database = {"database": self.settings.database}
        return await Upstream.connect(self._socket_path, {**parameters, **database})

    async def _stored_password(self, user: str) -> str | None:
        rows = await self.admin_query(
            "select password from rs.login join pg_roles on rolname = username "
            f"where username = {quote_literal(user)}"
        )
        return rows[0][0] if rows else None

    async def _create_database(self) -> None:
        setup = await Upstream.connect(
            self._socket_path, {"user": SUPERUSER, "database": "postgres"}
        )
        name = self.settings.database
        if not await setup.query(
            f"select 1 from pg_database where datname = {quote_literal(name)}"
        ):
            await setup.query(f"create database {quote_name(name)}")
        setup.close()

    async def _create_catalog(self) -> None:
        """Set up a new database; refuse one that another version of the catalogue has set up."""
        catalog = catalog_sql()
        version = hashlib.sha256(catalog.encode()).hexdigest()
        found = await self.admin_query(
            "select obj_description(oid, 'pg_namespace') from pg_namespace where nspname = 'rs'"
        )
        if not found:
            await self.admin_query(f"{catalog}; comment on schema rs is '{version}'")
        elif found[0][0] != version:
            raise TargetError(
                f"{self.settings.data} was made by another version of the Redshift stand-in.",
                kept="Nothing in it was changed.",
                remedy="Delete the folder, or choose another one, and start again.",
            )

    async def _set_master_user(self) -> None:
        user, password = self.settings.user, self.settings.password
        if not await self.admin_query(
            f"select 1 from pg_roles where rolname = {quote_literal(user)}"
        ):
            await self.admin_query(f"create role {quote_name(user)} login superuser")
        stored = quote_literal(md5_password(password, user))
        await self.admin_query(f"select rs.set_password({quote_literal(user)}, {stored})")


def catalog_sql() -> str:
    """Return what a new database needs, one transaction in all."""
    folder = resources.files("mysql_s3_redshift.sandbox.redshift").joinpath("catalog")
    files = sorted(folder.iterdir(), key=lambda file: file.name)
    return "\n".join(file.read_text() for file in files if file.name.endswith(".sql"))


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[int]:
    """Run a stand-in; yields the port that it listens on."""
    postgres = EmbeddedPostgres(settings.data)
    await asyncio.to_thread(postgres.start)
    listeners: list[asyncio.Server] = []
    try:
        server = Server(settings, postgres.socket_path)
        await server.open()
        loop = asyncio.get_running_loop()
        listeners.append(await loop.create_server(server.protocol, settings.host, settings.port))
        if settings.control_port is not None:
            control = await serve_control(server.faults, settings.host, settings.control_port)
            listeners.append(control)
        yield listeners[0].sockets[0].getsockname()[1]
    finally:
        for listener in listeners:
            listener.close()
        await asyncio.to_thread(postgres.stop)


async def serve(
    settings: Settings, stop: asyncio.Event, ready: Callable[[int], None] = lambda port: None
) -> None:
    """Run a stand-in until `stop` is set; `ready` is called with its port."""
    async with running(settings) as port:
        ready(port)
        await stop.wait()


def _tls_context(settings: Settings) -> ssl.SSLContext | None:
    if settings.tls_cert is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(settings.tls_cert, settings.tls_key)
    return context
