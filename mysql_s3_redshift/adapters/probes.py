"""Preconditions of all three systems, each tried on the real one, each failure with its remedy."""

from __future__ import annotations

import io
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.adapters.pair import describe
from mysql_s3_redshift.adapters.redshift import sql
from mysql_s3_redshift.adapters.redshift.target import copy_authorization
from mysql_s3_redshift.adapters.s3.bucket import PreconditionFailedError
from mysql_s3_redshift.config import SshConfig, TlsMode
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.errors import ExitCode, ReplicationError

OK, WARNING, FAILED = "ok", "warning", "failed"
ABSENT_ETAG = '"00000000000000000000000000000000"'
PROBE_ROWS = 3


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
    yield from _key_file(subject, config.ssh)
    source = connections.source(name)
    facts = source.facts
    yield Finding(OK, subject, f"connected: {facts.version}, time zone {facts.time_zone}")
    if config.tls.mode is TlsMode.DISABLED:
        yield Finding(OK, subject, "not encrypted, as configured (tls.mode: disabled)")
    else:
        yield Finding(OK, subject, f"encrypted ({config.tls.mode})")
    grants = " ".join(str(row[0]) for row in source.connection.query("SHOW GRANTS")).upper()
    user = f"'{config.user}'@'%'"
    whole = re.search(r"GRANT ALL PRIVILEGES ON \*\.\*", grants) is not None
    if whole or re.search(r"\bPROCESS\b", grants):
        yield Finding(OK, subject, "PROCESS: open transactions can be seen")
    else:
        what = "no PROCESS privilege: open transactions cannot be seen, so a lag of 60 s is kept"
        yield Finding(WARNING, subject, what, f"GRANT PROCESS ON *.* TO {user}")
    if facts.is_replica is None:
        what = "nothing tells whether this is a replica"
        yield Finding(WARNING, subject, what, f"GRANT REPLICATION CLIENT ON *.* TO {user}")
    elif facts.is_replica:
        what = "a replica: its primary's transactions cannot be seen, so a lag of 5 m is kept"
        yield Finding(WARNING, subject, what, "Set lag to more than the replica's delay.")
    if whole or re.search(r"\b(INSERT|UPDATE|DELETE|DROP)\b", grants):
        what = "the user may write, which is not needed"
        remedy = f"Use a user of its own: GRANT SELECT, PROCESS ON *.* TO {user}"
        yield Finding(WARNING, subject, what, remedy)


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
    key = "/".join(p for p in (bucket.prefix, "doctor", f"{uuid.uuid4().hex}.txt") if p)
    bucket.put(key, b"1", if_absent=True)
    try:
        yield Finding(OK, subject, f"{bucket.uri(bucket.prefix)} can be written")
        if bucket.get(key) is not None and [o.key for o in bucket.list(key)] == [key]:
            yield Finding(OK, subject, "objects can be read and listed")
        if _is_refused(lambda: bucket.put(key, b"2", if_absent=True)) and _is_refused(
            lambda: bucket.put(key, b"2", if_match=ABSENT_ETAG)
        ):
            yield Finding(OK, subject, "conditional writes are kept")
        else:
            yield Finding(
                FAILED,
                subject,
                "conditional writes are ignored: two runs could overwrite each other's state",
                "Use Amazon S3, or a store that honours If-Match and If-None-Match.",
                ExitCode.S3,
            )
    finally:
        bucket.delete([key])
    yield Finding(OK, subject, "objects can be deleted")


def probe_target(plan: TablePlan, connections: Connections) -> Iterator[Finding]:
    """A Redshift connection: reachable, privileges, and COPY from the pipeline's bucket."""
    subject, config = f"target {plan.target}", connections.config.target(plan.target)
    yield from _key_file(subject, config.ssh)
    connection = connections.target(plan).connection
    version = str(connection.query("SELECT version()")[0][0])
    found = re.search(r"Redshift [\d.]+", version)
    yield Finding(OK, subject, f"connected: {found[0] if found else version[:60]}")
    if str(config.sslmode) == "disable":
        yield Finding(OK, subject, "not encrypted, as configured (sslmode: disable)")
    else:
        yield Finding(OK, subject, f"encrypted ({config.sslmode})")
    rows = connection.query(
        "SELECT has_database_privilege(current_database(), 'create'), "
        "has_database_privilege(current_database(), 'temp'), current_user"
    )
    for allowed, privilege in zip(rows[0], ("CREATE", "TEMP"), strict=False):
        if allowed:
            yield Finding(OK, subject, f"{privilege} on the database")
        else:
            remedy = f'GRANT {privilege} ON DATABASE {config.database} TO "{rows[0][2]}"'
            what = f"no {privilege} privilege on the database"
            yield Finding(FAILED, subject, what, remedy, ExitCode.REDSHIFT)
    connection.rollback()
    yield from _probe_copy(subject, plan, connections)


def _probe_copy(subject: str, plan: TablePlan, connections: Connections) -> Iterator[Finding]:
    """COPY a tiny file into a temporary table, and roll back."""
    bucket, connection = connections.bucket(plan.storage), connections.target(plan).connection
    key = "/".join(p for p in (bucket.prefix, "doctor", f"{uuid.uuid4().hex}.parquet") if p)
    body = io.BytesIO()
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


def _key_file(subject: str, ssh: SshConfig | None) -> Iterator[Finding]:
    """SSH refuses a private key that others can read, and so should we."""
    if ssh is None or ssh.private_key is None:
        return
    path = Path(ssh.private_key).expanduser()
    if not path.exists():
        what = f"private key {path} does not exist"
        yield Finding(FAILED, subject, what, "Correct ssh.private_key.", ExitCode.USAGE)
    elif path.stat().st_mode & 0o077:
        what = f"private key {path} can be read by others"
        yield Finding(FAILED, subject, what, f"chmod 600 {path}", ExitCode.USAGE)
    else:
        yield Finding(OK, subject, f"private key {path} is private")


def _is_refused(write: Callable[[], object]) -> bool:
    try:
        write()
    except PreconditionFailedError:
        return True
    return False
