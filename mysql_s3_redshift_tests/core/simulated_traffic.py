"""A MySQL server with simulated traffic, and a ceiling fixed on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from unittest.mock import patch

from hypothesis import strategies as st

from mysql_s3_redshift.core import ceiling as ceiling_module
from mysql_s3_redshift.core.ceiling import Ceiling, fix_ceiling
from mysql_s3_redshift.core.model import CdcStrategy, TablePlan, TimestampUnit, Value
from mysql_s3_redshift.core.plan import ResolvedTable, resolve
from mysql_s3_redshift.core.ports import ClockReading, Source, Work
from mysql_s3_redshift.core.schema import Index, SourceColumn, SourceTable
from mysql_s3_redshift.core.state import MysqlState

BEGIN = datetime(2025, 6, 1, 12)  # noqa: DTZ001  data timestamps carry no zone
LOCAL = timedelta(hours=-5)

# -- the simulated server ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Statement:
    """One INSERT: its timestamp is fixed when it starts, its id when it writes. Milliseconds."""

    start: int
    write: int
    end: int


@dataclass(frozen=True, slots=True)
class Transaction:
    """Statements of one connection, then COMMIT or ROLLBACK."""

    statements: tuple[Statement, ...]
    finish: int
    committed: bool


@dataclass(frozen=True, slots=True)
class Row:
    """What a committed statement leaves."""

    stamp: int
    visible: int
    id: int = 0


class Server:
    """Transactions that run on a clock which only advances when somebody asks or sleeps."""

    def __init__(self, connections: Sequence[Sequence[Transaction]]) -> None:
        self.connections = connections
        self.now = 0
        writes = sorted(
            (s.write, c, t, n)
            for c, transactions in enumerate(connections)
            for t, transaction in enumerate(transactions)
            for n, s in enumerate(transaction.statements)
        )
        ids = {(c, t, n): number for number, (_, c, t, n) in enumerate(writes, 1)}
        self.rows = [
            Row(s.start, transaction.finish, ids[c, t, n])
            for c, transactions in enumerate(connections)
            for t, transaction in enumerate(transactions)
            for n, s in enumerate(transaction.statements)
            if transaction.committed
        ]

    @property
    def end(self) -> int:
        """When nothing is under way any more."""
        return max((t.finish for c in self.connections for t in c), default=0)

    def visible(self) -> list[Row]:
        """What a query that starts now sees."""
        return [row for row in self.rows if row.visible <= self.now]

    def work(self) -> list[Work]:
        """What the process list and INNODB_TRX show now."""
        found = []
        for thread, transactions in enumerate(self.connections, 1):
            statement = transaction = None
            since = self.now
            for number, open_one in enumerate(transactions):
                for s in open_one.statements:
                    if s.start <= self.now < s.end:
                        statement, since = self._busy_period(thread, s), min(since, s.start)
                written = [s.write for s in open_one.statements if s.write <= self.now]
                if written and self.now < open_one.finish:
                    transaction, since = f"{thread}-{number}", min(since, min(written))
            if statement or transaction:
                began = BEGIN + timedelta(milliseconds=since)
                found.append(Work(thread, statement, transaction, began, f"connection {thread}"))
        return found

    def _busy_period(self, thread: int, statement: Statement) -> str:
        """Statements that follow each other without a pause cannot be told apart."""
        start = statement.start
        for transaction in reversed(self.connections[thread - 1]):
            for earlier in reversed(transaction.statements):
                if earlier.end == start:
                    start = earlier.start
        return str(start)


@dataclass(slots=True)
class SimulatedSource:
    """The questions that `fix_ceiling` asks, answered from a `Server`."""

    server: Server
    blind: bool = False
    replica: bool = False
    latency: int = 3

    def clock(self, _plan: TablePlan) -> ClockReading:
        now = BEGIN + timedelta(milliseconds=self.server.now)
        self.server.now += self.latency
        return ClockReading(utc=now, local=now + LOCAL)

    def newest(self, _table: ResolvedTable) -> Value:
        newest = max((row.id for row in self.server.visible()), default=None)
        self.server.now += self.latency
        return newest

    def next_id(self, _table: ResolvedTable) -> int | None:
        return None

    def open_work(self) -> Sequence[Work] | None:
        self.server.now += self.latency
        return None if self.blind else self.server.work()

    def is_replica(self) -> bool:
        return self.replica

    def monotonic(self) -> float:
        return self.server.now / 1000

    def sleep(self, seconds: float) -> None:
        self.server.now += max(1, round(seconds * 1000))


@contextmanager
def virtual_time(source: SimulatedSource) -> Iterator[None]:
    with patch.object(ceiling_module, "time", source):
        yield


def table(
    unit: TimestampUnit = TimestampUnit.DATETIME,
    *,
    by_id: bool = False,
    lag: timedelta | None = None,
    kind: str = "datetime",
    fraction: int | None = 6,
) -> ResolvedTable:
    """A table with an id and a timestamp."""
    columns = (
        SourceColumn("id", "bigint", "bigint(20)", nullable=False),
        SourceColumn("ts", kind, kind, nullable=False, fraction=fraction),
    )
    source = SourceTable(
        "s", "t", columns, primary_key=("id",), indexes=(Index("PRIMARY", ("id",), unique=True),)
    )
    plan = TablePlan(
        pipeline="p",
        source="db",
        storage="lake",
        target="warehouse",
        schema="s",
        table="t",
        target_schema="s",
        target_name="t",
        strategy=CdcStrategy.ID_ONLY if by_id else CdcStrategy.HYBRID,
        timestamp_column=None if by_id else "ts",
        timestamp_unit=unit,
        id_column="id",
        lag=lag,
    )
    return resolve(plan, source)


def fix(
    source: SimulatedSource, state: MysqlState, resolved: ResolvedTable, *, wait: float
) -> Ceiling:
    with virtual_time(source):
        return fix_ceiling(
            resolved, state, cast("Source", source), max_wait=wait, sleep=source.sleep
        )


def moment(milliseconds: int) -> datetime:
    """A simulated time in the clock of a DATETIME column."""
    return BEGIN + LOCAL + timedelta(milliseconds=milliseconds)


@st.composite
def transactions(draw: st.DrawFn) -> tuple[tuple[Transaction, ...], ...]:
    """A few connections with short, long, idle and rolled-back transactions."""
    gap = st.sampled_from([0, 1, 2, 5, 20, 40, 150, 700])
    connections = []
    for _ in range(draw(st.integers(1, 4))):
        at, made = draw(gap), []
        for _ in range(draw(st.integers(1, 3))):
            statements = []
            for _ in range(draw(st.integers(1, 3))):
                write = at + draw(gap)
                end = write + 1 + draw(gap)
                statements.append(Statement(at, write, end))
                at = end + draw(gap)
            finish = max(at, statements[-1].end)
            made.append(Transaction(tuple(statements), finish, draw(st.integers(0, 5)) > 0))
            at = finish + draw(gap)
        connections.append(tuple(made))
    return tuple(connections)
