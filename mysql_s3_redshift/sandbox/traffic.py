"""Write to the sandbox's MySQL like a live application, until told to stop.

What makes a replication lose rows is not the number of writes but their timing. So the traffic has
short transactions and long ones that stay open for seconds between their statements and their
commit, rollbacks, rows changed again and again, many rows with one timestamp, and ids that become
visible out of order.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass

import pymysql

from mysql_s3_redshift.errors import SourceError
from mysql_s3_redshift.sandbox.application import EVENTS, Written
from mysql_s3_redshift.sandbox.mysql_server import MysqlAccount, MysqlConnection, connect

# A writer whose transactions are often long makes about 40 rows per second.
_WRITERS, _ROWS_PER_WRITER = range(4, 33), 40.0
_LONG_SHARE = 0.06
_LONG_SECONDS = (0.5, 4.0)
_ROLLBACK_SHARE = 0.05
# Lock wait timeout, deadlock, and a row that another changed since the transaction's first read
# (`innodb_snapshot_isolation`, on in MariaDB 11.8): the application gives up and goes on.
_GIVEN_UP = {1205, 1213, 1020}


@dataclass(frozen=True, slots=True)
class TrafficReport:
    """What the traffic did.

    Attributes:
        committed: Rows of committed transactions.
        rolled_back: Rows written and taken back.
        transactions: Committed transactions.
        seconds: How long it ran.
    """

    committed: Written
    rolled_back: int
    transactions: int
    seconds: float


class _Tally:
    """Counts of all writers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._committed = Written()
        self._rolled_back = 0
        self._transactions = 0

    def commit(self, written: Written) -> None:
        with self._lock:
            self._committed += written
            self._transactions += 1

    def roll_back(self, written: Written) -> None:
        with self._lock:
            self._rolled_back += written.rows

    def report(self, seconds: float) -> TrafficReport:
        with self._lock:
            return TrafficReport(self._committed, self._rolled_back, self._transactions, seconds)


def run_traffic(
    account: MysqlAccount,
    *,
    stop: threading.Event,
    rate: float = 200.0,
    seconds: float | None = None,
) -> TrafficReport:
    """Write to the `settlement` schema until the event is set or the time is over.

    Args:
        account: A MySQL account that may write.
        stop: Ends the traffic; open transactions are then committed or rolled back at once.
        rate: Rows per second of all writers together.
        seconds: How long to run; None: until `stop` is set.
    """
    started = time.monotonic()
    tally = _Tally()
    count = min(max(round(rate / _ROWS_PER_WRITER), _WRITERS[0]), _WRITERS[-1])
    with _stopping_after(seconds, stop), ThreadPoolExecutor(count) as pool:
        writers = [
            pool.submit(_write, account, tally, stop=stop, seconds_per_row=count / rate)
            for _ in range(count)
        ]
        wait(writers, return_when=FIRST_EXCEPTION)
        stop.set()
        for writer in writers:
            writer.result()
    return tally.report(time.monotonic() - started)


@contextlib.contextmanager
def _stopping_after(seconds: float | None, stop: threading.Event) -> Iterator[None]:
    if seconds is None:
        yield
        return
    timer = threading.Timer(seconds, stop.set)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _write(
    account: MysqlAccount, tally: _Tally, *, stop: threading.Event, seconds_per_row: float
) -> None:
    """Make transactions on one connection; pauses catch up with what long ones cost."""
    choose = random.Random()  # noqa: S311 - no secret
    next_start = time.monotonic()
    with _connection(account) as connection:
        while not stop.wait(max(0.0, next_start - time.monotonic())):
            written = _transaction(connection, choose, tally, stop)
            next_start += max(1, written.rows) * seconds_per_row


def _transaction(
    connection: MysqlConnection, choose: random.Random, tally: _Tally, stop: threading.Event
) -> Written:
    written = Written()
    events, weights = list(EVENTS), list(EVENTS.values())
    try:
        with connection.cursor() as cursor:
            for event in choose.choices(events, weights, k=choose.randint(1, 3)):
                written += event(cursor, choose)
    except pymysql.OperationalError as error:
        if error.args[0] not in _GIVEN_UP:
            raise
        connection.rollback()
        tally.roll_back(written)
        return written
    if choose.random() < _LONG_SHARE:
        # The rows have their timestamps and ids now and become visible much later.
        stop.wait(choose.uniform(*_LONG_SECONDS))
    if choose.random() < _ROLLBACK_SHARE:
        connection.rollback()
        tally.roll_back(written)
    else:
        connection.commit()
        tally.commit(written)
    return written


@contextlib.contextmanager
def _connection(account: MysqlAccount) -> Iterator[MysqlConnection]:
    try:
        with contextlib.closing(connect(account)) as connection:
            connection.select_db("settlement")
            yield connection
    except pymysql.MySQLError as error:
        raise SourceError(
            f"The traffic cannot write to MySQL: {error.args[-1]}",
            kept="Open transactions were rolled back.",
            remedy="Run `mysql-s3-redshift sandbox up`, then start the traffic again.",
        ) from error
