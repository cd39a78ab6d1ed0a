"""What is under way on a MySQL server: its clocks, running statements, transactions that wrote.

Two sources are needed. An open transaction that is idle is only in INNODB_TRX; a statement that
waits (for a metadata lock, in SLEEP) before its first write is only in the process list.

A statement is told from the next one of its connection by the connection having been idle between
them. Its id and its running time do not tell: on MariaDB both begin anew for every statement inside
a stored function, while NOW() of the statement around them stays. So the process list is read often
while the other list ages.

INNODB_TRX is a cache that InnoDB refreshes only when nobody has read it for 100 ms
(storage/innobase/trx/trx0i_s.cc, CACHE_MIN_IDLE_TIME). A monitor that polls faster would keep it
stale for ever. So every listing carries a mark of its own and counts only when the list shows it:
the listing runs inside a transaction, whose running query the cache must then contain.
"""

from __future__ import annotations

import itertools
import re
import secrets
import threading
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mysql_s3_redshift.adapters.mysql.connection import MySqlConnection
from mysql_s3_redshift.adapters.mysql.queries import MARK
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.core.ports import ClockReading, Work
from mysql_s3_redshift.errors import ConfigError, SourceError

CACHE_SECONDS = 0.11
SAMPLE_SECONDS = 0.01
"""Between two looks at the process list, to see busy connections in their idle moments."""
LISTING_SECONDS = 15.0
CLOCK_STEP = timedelta(minutes=15)
CLOCK_STEPS = 12
"""A clock that is set back within three hours is seen before it happens."""
TEXT_CHARACTERS = 80

_QUIET = {"Sleep", "Daemon", "Binlog Dump", "Binlog Dump GTID"}
_NO_PRIVILEGE = re.compile(r"error (1227|1142|1044)\)")
_PLAIN_SELECT = re.compile(r"\s*(/\*.*?\*/\s*)*SELECT\b[^(]*\Z", re.IGNORECASE | re.DOTALL)
"""A SELECT without parentheses calls no function, so it writes nothing."""
_INTO = re.compile(r"\bINTO\b", re.IGNORECASE)
"""A SELECT that a stored function runs for itself: the statement around it may write."""

_BUSY = "SHOW PROCESSLIST"
"""Asked often: information_schema.PROCESSLIST would fill a temporary table on disk every time."""
_PROCESS_ID, _PROCESS_COMMAND = 0, 4
_PROCESSES = (
    "SELECT 'process', CAST(ID AS CHAR), COMMAND, {age}, '', INFO, '', USER "
    "FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID()"
)
_TRANSACTIONS = (
    "SELECT 'transaction', CAST(trx_mysql_thread_id AS CHAR), '', "
    "TIMESTAMPDIFF(SECOND, trx_started, UTC_TIMESTAMP()), CAST(trx_rows_modified AS CHAR), "
    "trx_query, CAST(trx_id AS CHAR), '' FROM information_schema.INNODB_TRX"
)
_AGES = {"mariadb": "TIME_MS / 1000", "mysql": "TIME"}

_locks: dict[str, threading.Lock] = {}
_last_read: dict[str, float] = {}


def read_clock(connection: MySqlConnection, plan: TablePlan) -> ClockReading:
    """Read the server's clocks.

    A zone that is about to set its clock back will stamp rows below the present reading, so the
    local clock is the least that it will show within the next hours.

    Raises:
        ConfigError: `cdc_timestamp_timezone` is not a zone.
        SourceError: MySQL cannot tell its own zone's time.
    """
    moments = [CLOCK_STEP * n for n in range(CLOCK_STEPS + 1)]
    ahead = ", ".join(
        f"CONVERT_TZ(UTC_TIMESTAMP(6) + INTERVAL {int(m.total_seconds())} SECOND, '+00:00', "
        "@@global.time_zone)"
        for m in moments
    )
    row = connection.query(f"{MARK} SELECT UTC_TIMESTAMP(6), {ahead}")[0]
    utc, local = row[0], list(row[1:])
    if plan.timestamp_timezone:
        zone = _zone(plan)
        local = [
            (utc.replace(tzinfo=UTC) + m).astimezone(zone).replace(tzinfo=None) for m in moments
        ]
    if None in local:
        raise SourceError(
            f"{plan.display_name}: MySQL cannot convert times to its own zone.",
            kept="Nothing was read or written.",
            remedy="Load the server's time zone tables, or set cdc_timestamp_timezone.",
        )
    lowest = min(local)
    return ClockReading(utc=utc, local=local[0] if lowest >= local[0] else lowest - CLOCK_STEP)


def _zone(plan: TablePlan) -> ZoneInfo:
    try:
        return ZoneInfo(str(plan.timestamp_timezone))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigError(
            f"{plan.display_name}: cdc_timestamp_timezone {plan.timestamp_timezone} is not a zone.",
            remedy="Use a name of the IANA database, such as America/New_York or UTC.",
        ) from error


class BusyPeriods:
    """For each connection, the stretch since it was last seen idle, by number."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._next = itertools.count(1)

    def observe(self, busy: Iterable[int]) -> None:
        """Take note of the connections that are busy now; all others are idle."""
        self._numbers = {c: self._numbers.get(c) or next(self._next) for c in busy}

    def of(self, connection: int) -> str:
        """The busy period that a connection is in."""
        return str(self._numbers[connection])

    @property
    def are_known(self) -> bool:
        """Whether any connection was busy at the last look."""
        return bool(self._numbers)


def list_work(
    connection: MySqlConnection, flavor: str, periods: BusyPeriods
) -> Sequence[Work] | None:
    """Everything that is under way, own reads left out.

    Args:
        connection: The connection to ask on.
        flavor: `mariadb` or `mysql`.
        periods: What was seen before; two listings that are to be compared share it.

    Returns:
        None without the PROCESS privilege.

    Raises:
        SourceError: The list stayed stale, because others read it without a pause.
    """
    deadline = time.monotonic() + LISTING_SECONDS
    watch = time.monotonic() + CACHE_SECONDS if periods.are_known else 0.0
    with _locks.setdefault(connection.name, threading.Lock()):
        while time.monotonic() < deadline:
            aged = _last_read.get(connection.name, 0.0) + CACHE_SECONDS
            _watch(connection, periods, until=max(aged, watch))
            try:
                rows, fresh = _list_once(connection, flavor)
            except SourceError as error:
                if _NO_PRIVILEGE.search(error.happened):
                    return None
                raise
            if fresh:
                return _work_of(rows, periods)
            time.sleep(secrets.randbelow(200) / 1000)
    raise SourceError(
        f"MySQL source {connection.name}: the list of open transactions stayed stale, because "
        "other sessions read information_schema.INNODB_TRX without a pause.",
        kept="Nothing was read or written.",
        remedy="Let monitoring read INNODB_TRX at most every 200 ms, then run again.",
    )


def _watch(connection: MySqlConnection, periods: BusyPeriods, *, until: float) -> None:
    """Wait, and see which connections are idle meanwhile."""
    while (pause := until - time.monotonic()) > 0:
        time.sleep(min(pause, SAMPLE_SECONDS))
        rows = connection.query(f"{MARK} {_BUSY}")
        periods.observe(
            int(row[_PROCESS_ID]) for row in rows if row[_PROCESS_COMMAND] not in _QUIET
        )


def _list_once(connection: MySqlConnection, flavor: str) -> tuple[list[tuple[Any, ...]], bool]:
    nonce = secrets.token_hex(8)
    processes = _PROCESSES.format(age=_AGES[flavor])
    connection.query("START TRANSACTION WITH CONSISTENT SNAPSHOT")
    try:
        rows = connection.query(f"{MARK} /* {nonce} */ {processes} UNION ALL {_TRANSACTIONS}")
    finally:
        _last_read[connection.name] = time.monotonic()
        connection.query("ROLLBACK")
    fresh = any(kind == "transaction" and nonce in (info or "") for kind, *_, info, _, _ in rows)
    return rows, fresh


def _work_of(rows: list[tuple[Any, ...]], periods: BusyPeriods) -> list[Work]:
    now = datetime.now(UTC).replace(tzinfo=None)
    running = [row for row in rows if row[0] == "process" and row[2] not in _QUIET]
    periods.observe(int(thread) for _, thread, *_ in running)
    statements: dict[int, tuple[str, float, str]] = {}
    for _, thread, command, age, _, info, _, user in running:
        if not _is_harmless(command, info, user):
            seconds = max(float(age or 0), 0.0)
            statements[int(thread)] = (periods.of(int(thread)), seconds, _shown(info or command))
    found: dict[tuple[int, str], Work] = {}
    for kind, thread_text, _, age, modified, info, transaction, _ in rows:
        if kind == "transaction" and int(modified or 0) > 0:
            thread = int(thread_text)
            began, seconds, text = statements.pop(thread, (None, 0.0, _shown(info or "idle")))
            oldest = max(seconds, float(age or 0) + 1)
            name = f"transaction {transaction} of connection {thread}: {text}"
            found[thread, transaction] = Work(
                thread, began, transaction, now - timedelta(seconds=oldest), name
            )
    for thread, (began, seconds, text) in statements.items():
        name = f"statement of connection {thread}: {text}"
        found[thread, ""] = Work(thread, began, None, now - timedelta(seconds=seconds + 1), name)
    return list(found.values())


def _is_harmless(command: str, info: str | None, user: str) -> bool:
    if user == "system user" or (command == "Connect" and not info):
        return True
    if info is None or MARK in info[:60]:
        return info is not None
    return _PLAIN_SELECT.match(info) is not None and _INTO.search(info) is None


def _shown(text: str) -> str:
    """A statement without its values."""
    blank = re.sub(r"'(?:[^'\\]|''|\\.)*'|\"(?:[^\"\\]|\"\"|\\.)*\"|\b\d[\w.]*", "?", text)
    return re.sub(r"\s+", " ", blank)[:TEXT_CHARACTERS]
