"""Preconditions of all three systems, each tried on the real one, each failure with its remedy."""

from __future__ import annotations

import io
import os
import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.adapters.pair import describe
from mysql_s3_redshift.adapters.redshift import sql
from mysql_s3_redshift.adapters.redshift.target import copy_authorization
from mysql_s3_redshift.adapters.s3.bucket import Bucket
from mysql_s3_redshift.adapters.s3.preconditions import require_conditional_writes
from mysql_s3_redshift.adapters.ssh.command import check_files
from mysql_s3_redshift.config import SshConfig, SslMode, TlsMode
from mysql_s3_redshift.config.fields import is_loopback
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.core.names import quote_redshift
from mysql_s3_redshift.errors import ExitCode, ReplicationError

OK, WARNING, FAILED = "ok", "warning", "failed"
PROBE_ROWS = 3
_TEMPORARY = "SELECT current_user, has_database_privilege(current_database(), 'temp')"
_CREATE = "SELECT current_user, has_database_privilege(current_database(), 'create')"
_SCHEMA = (
    "SELECT has_schema_privilege(nspname, 'usage') AND has_schema_privilege(nspname, 'create') "
    "FROM pg_namespace WHERE nspname = ?"
)

FOLDER = ".doctor"
"""No pipeline's: their names begin with a letter, a digit or `_`."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One precondition.

    Attributes:
        subject: The connection or table.
        what: The precondition, or what is wrong with it.
        code: Exit code that its failure means.
    """

    status: str
    subject: str
    what: str
    remedy: str = ""
    code: ExitCode = ExitCode.DONE


def probe_source(name: str, connections: Connections) -> Iterator[Finding]:
    """A MySQL connection: reachable, encrypted, privileges, replica."""
    subject, config = f"source {name}", connections.config.source(name)
    yield from _bastion(subject, f"sources.{name}.ssh", config.ssh)
    source = connections.source(name)
    facts = source.facts
    yield Finding(OK, subject, f"connected: {facts.version}, time zone {facts.time_zone}")
    place, cipher = f"sources.{name}.tls.mode", source.connection.cipher
    yield _encryption(subject, place, str(config.tls.mode), cipher=cipher, host=config.host)
    grants = privilege_words(str(row[0]) for row in source.connection.query("SHOW GRANTS"))
    user = f"'{config.user}'@'%'"
    whole = re.search(r"GRANT ALL PRIVILEGES ON \*\.\*", grants) is not None
    if whole or re.search(r"\bPROCESS\b", grants):
        yield Finding(OK, subject, "PROCESS: open transactions can be seen")
    else:
        what = "no PROCESS privilege: open transactions cannot be seen, so a lag of 60 s is kept"
        yield Finding(WARNING, subject, what, f"GRANT PROCESS ON *.* TO {user}")
    if facts.is_replica is None:
        what = "nothing tells whether this is a replica"
        right = "SLAVE MONITOR" if facts.flavor == "mariadb" else "REPLICATION CLIENT"
        yield Finding(WARNING, subject, what, f"GRANT {right} ON *.* TO {user}")
    elif facts.is_replica:
        what = "a replica: its primary's transactions cannot be seen, so a lag of 5 m is kept"
        yield Finding(WARNING, subject, what, "Set lag to more than the replica's delay.")
    if whole or re.search(r"\b(INSERT|UPDATE|DELETE|DROP)\b", grants):
        what = "the user may write, which is not needed"
        remedy = f"Use a user of its own: GRANT SELECT, PROCESS ON *.* TO {user}"
        yield Finding(WARNING, subject, what, remedy)


def privilege_words(grants: Iterable[str]) -> str:
    """The words of grants: a table may be called `process`, a column `update`."""
    return re.sub(r"`(?:[^`]|``)*`|'[^']*'", "``", " ".join(grants)).upper()


def probe_table(plan: TablePlan, connections: Connections) -> Iterator[Finding]:
    """A table: readable, with a cursor that has an index."""
    subject = f"table {plan.display_name}"
    resolved = describe(plan, connections).resolved
    cursor = resolved.cursor
    what = f"{cursor.strategy}, {resolved.load_mode}"
    if cursor.columns:
        what += f", by {', '.join(cursor.columns)}"
    yield Finding(OK, subject, what)
    if not resolved.cursor_indexed and plan.query is None:
        columns = ", ".join(f"`{c}`" for c in cursor.columns)
        remedy = f"CREATE INDEX idx_cursor ON `{plan.schema}`.`{plan.table}` ({columns})"
        what = f"no index begins with {cursor.first_column}: every run reads the whole table"
        yield Finding(WARNING, subject, what, remedy)
    first = resolved.table.column(cursor.first_column) if cursor.columns else None
    if first is not None and first.nullable and plan.query is None:
        what = f"{first.name} can be NULL: such rows are read once, at first"
        yield Finding(WARNING, subject, what, f"Make {first.name} NOT NULL.")


def probe_storage(name: str, connections: Connections) -> Iterator[Finding]:
    """A bucket: read, write, list, delete, and conditional writes that really are."""
    subject, bucket = f"storage {name}", connections.bucket(name)
    key = _key(bucket, "txt")
    bucket.put(key, b"1")
    try:
        yield Finding(OK, subject, f"{bucket.uri(bucket.prefix)} can be written")
        if bucket.get(key) is not None and [o.key for o in bucket.list(key)] == [key]:
            yield Finding(OK, subject, "objects can be read and listed")
        yield from guarded(subject, lambda: _probe_conditions(subject, bucket, key))
    finally:
        bucket.delete([key])
    yield Finding(OK, subject, "objects can be deleted")


def _probe_conditions(subject: str, bucket: Bucket, key: str) -> Iterator[Finding]:
    require_conditional_writes(bucket, key)
    yield Finding(OK, subject, "conditional writes are kept")


def probe_target(plan: TablePlan, connections: Connections) -> Iterator[Finding]:
    """A Redshift connection: reachable, privileges, and COPY from the pipeline's bucket."""
    subject, config = f"target {plan.target}", connections.config.target(plan.target)
    yield from _bastion(subject, f"targets.{plan.target}.ssh", config.ssh)
    connection = connections.target(plan).connection
    version = str(connection.query("SELECT version()")[0][0])
    found = re.search(r"Redshift [\d.]+", version)
    yield Finding(OK, subject, f"connected: {found[0] if found else version[:60]}")
    place, cipher = f"targets.{plan.target}.sslmode", connection.cipher
    yield _encryption(subject, place, str(config.sslmode), cipher=cipher, host=config.host)
    ((user, temporary),) = connection.query(_TEMPORARY)
    if temporary:
        yield Finding(OK, subject, "TEMP on the database")
    else:
        remedy = (
            f"GRANT TEMP ON DATABASE {quote_redshift(config.database)} TO {quote_redshift(user)}"
        )
        what = "no TEMP privilege on the database"
        yield Finding(FAILED, subject, what, remedy, ExitCode.REDSHIFT)
    connection.rollback()
    yield from _probe_copy(subject, plan, connections)


def probe_schemas(plan: TablePlan, connections: Connections) -> Iterator[Finding]:
    """The schemas of a pipeline's tables and ledgers: there, or free to be created."""
    subject, connection = f"target {plan.target}", connections.target(plan).connection
    database = connections.config.target(plan.target).database
    ((user, may_create),) = connection.query(_CREATE)
    for schema in dict.fromkeys((plan.target_schema, plan.ledger_schema)):
        found = connection.query(_SCHEMA, [schema])
        name, to = quote_redshift(schema), quote_redshift(user)
        if found and found[0][0]:
            yield Finding(OK, subject, f"tables can be created in schema {schema}")
        elif found:
            what = f"no USAGE and CREATE on schema {schema}"
            remedy = f"GRANT USAGE, CREATE ON SCHEMA {name} TO {to}"
            yield Finding(FAILED, subject, what, remedy, ExitCode.REDSHIFT)
        elif may_create:
            yield Finding(OK, subject, f"schema {schema} is not there yet, and can be created")
        else:
            what = f"schema {schema} is not there, and cannot be created without CREATE"
            remedy = f"CREATE SCHEMA {name}; GRANT USAGE, CREATE ON SCHEMA {name} TO {to}; or "
            remedy += f"GRANT CREATE ON DATABASE {quote_redshift(database)} TO {to}"
            yield Finding(FAILED, subject, what, remedy, ExitCode.REDSHIFT)
    connection.rollback()


def _probe_copy(subject: str, plan: TablePlan, connections: Connections) -> Iterator[Finding]:
    """COPY a tiny file into a temporary table, and roll back."""
    bucket, connection = connections.bucket(plan.storage), connections.target(plan).connection
    key, body = _key(bucket, "parquet"), io.BytesIO()
    pq.write_table(pa.table({"n": pa.array(range(PROBE_ROWS), pa.int64())}), body)
    config = connections.config
    auth = copy_authorization(config.target(plan.target), config.storage(plan.storage))
    bucket.put(key, body.getvalue())
    try:
        connection.execute('CREATE TEMP TABLE "mysql_s3_redshift_doctor" ("n" BIGINT)')
        connection.execute(
            f'COPY "mysql_s3_redshift_doctor" ("n") FROM {sql.literal(bucket.uri(key))} {auth} '
            "FORMAT AS PARQUET"
        )
        copied = int(connection.query(sql.LAST_COPY_COUNT)[0][0])
    finally:
        connection.rollback()
        bucket.delete([key])
    if copied == PROBE_ROWS:
        yield Finding(OK, subject, f"COPY reads storage {plan.storage}")
    else:
        what = f"COPY loaded {copied} of {PROBE_ROWS} rows"
        yield Finding(FAILED, subject, what, "Report this.", ExitCode.REDSHIFT)


def guarded(subject: str, probe: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Run a probe; what it raises is its last finding, with the error's own remedy."""
    try:
        yield from probe()
    except ReplicationError as error:
        remedy = f"{error.remedy} {_policy(error)}".strip()
        yield Finding(FAILED, subject, error.happened, remedy, ExitCode(error.exit_code))


def _policy(error: ReplicationError) -> str:
    if error.exit_code is not ExitCode.S3:
        return ""
    actions = "s3:GetObject, s3:PutObject, s3:DeleteObject, s3:AbortMultipartUpload"
    return f"The IAM policy needs {actions} on the prefix and s3:ListBucket on the bucket."


def _key(bucket: Bucket, kind: str) -> str:
    """Among the data files: the documented policies give COPY's role nothing else to read."""
    parts = (bucket.prefix, "data", FOLDER, f"{uuid.uuid4().hex}.{kind}")
    return "/".join(part for part in parts if part)


def _encryption(subject: str, place: str, mode: str, *, cipher: str | None, host: str) -> Finding:
    """How a connection is encrypted, and what is known of who is at its other end."""
    if cipher is None:
        what = f"not encrypted ({place}: {mode})"
        if is_loopback(host):
            return Finding(OK, subject, what)
        strictest = SslMode.VERIFY_FULL if mode == SslMode.DISABLE else TlsMode.VERIFY_IDENTITY
        return Finding(WARNING, subject, what, f"Set {place}: {strictest}.")
    if mode in {TlsMode.VERIFY_IDENTITY, SslMode.VERIFY_FULL}:
        return Finding(OK, subject, f"encrypted: {cipher}; the certificate names {host}")
    if mode in {TlsMode.VERIFY_CA, SslMode.VERIFY_CA}:
        what = "of an authority that is trusted; the name on it was not compared"
        return Finding(OK, subject, f"encrypted: {cipher}; the certificate is {what}")
    what = f"encrypted: {cipher}; the certificate was not checked: anybody could be {host}"
    remedy = f"Set {place}: {TlsMode.VERIFY_IDENTITY}, with `ca` where its authority is your own."
    return Finding(WARNING, subject, what, remedy)


def _bastion(subject: str, place: str, ssh: SshConfig | None) -> Iterator[Finding]:
    """What a tunnel needs of this machine; whether it opens shows in the connection."""
    if ssh is None:
        return
    check_files(place, ssh, os.environ)
    whose = f"the key {ssh.private_key}" if ssh.private_key else "the SSH agent's keys"
    yield Finding(OK, subject, f"through {ssh.user}@{ssh.host}:{ssh.port} with {whose}")
