"""The ceiling against simulated traffic: whatever interleaves, nothing appears below a bound."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mysql_s3_redshift.core import ceiling as ceiling_module
from mysql_s3_redshift.core.ceiling import (
    BLIND_LAG,
    FIRST_RUN_MARGIN,
    REPLICA_LAG,
    Ceiling,
    OpenWork,
    ceiling_json,
    fix_ceiling,
)
from mysql_s3_redshift.core.cursors import floor_to_fraction, from_datetime
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


# -- properties -------------------------------------------------------------------------------


@settings(max_examples=300, deadline=None)
@given(connections=transactions(), start=st.integers(0, 1500), by_id=st.booleans())
def test_nothing_appears_below_a_proven_bound(
    connections: tuple[tuple[Transaction, ...], ...], start: int, by_id: bool
) -> None:
    """H-04: what is visible when the bound is proven is all that will ever be below it."""
    server = Server(connections)
    server.now = start
    proven = fix(SimulatedSource(server), MysqlState(), table(by_id=by_id), wait=60)
    assert proven.method == "proven"
    later = [row for row in server.rows if row.visible > server.now]
    if by_id:
        assert all(proven.value is None or row.id > cast("int", proven.value) for row in later)
    else:
        assert all(moment(row.stamp) >= cast("datetime", proven.value) for row in later)


@settings(max_examples=200, deadline=None)
@given(
    connections=transactions(),
    pauses=st.lists(st.integers(1, 600), min_size=1, max_size=8),
    waits=st.lists(st.sampled_from([0.0, 0.01, 0.1, 60.0]), min_size=9, max_size=9),
    by_id=st.booleans(),
)
def test_a_loop_of_runs_reads_every_committed_row_exactly_once(
    connections: tuple[tuple[Transaction, ...], ...],
    pauses: list[int],
    waits: list[float],
    by_id: bool,
) -> None:
    """H-04, I-20: with waits too short to prove anything, too; what is held comes later."""
    server = Server(connections)
    source, resolved = SimulatedSource(server), table(by_id=by_id)
    state, watermark, read = MysqlState(), (moment(-10_000_000), 0), []
    for pause, wait in zip([*pauses, server.end + 1_000], waits, strict=False):
        server.now += pause
        found = fix(source, state, resolved, wait=wait)
        if found.value is not None:
            rows = [(moment(r.stamp), r.id) for r in server.visible()]
            if by_id:
                new = [r for r in rows if watermark[1] < r[1] <= cast("int", found.value)]
                watermark = (watermark[0], max([watermark[1], *(r[1] for r in new)]))
            else:
                new = [r for r in rows if r > watermark and r[0] < cast("datetime", found.value)]
                watermark = max([watermark, *new])
            read += new
        state = state.with_(ceiling=ceiling_json(found.value))
    assert sorted(read) == sorted((moment(r.stamp), r.id) for r in server.rows)


@settings(max_examples=100, deadline=None)
@given(connections=transactions(), start=st.integers(0, 1500))
def test_an_unproven_bound_is_the_last_proven_one(
    connections: tuple[tuple[Transaction, ...], ...], start: int
) -> None:
    """Nothing is guessed once there is something proven, and people are told what held it."""
    server = Server(connections)
    server.now = start
    before = moment(-5)
    state = MysqlState(ceiling=ceiling_json(before))
    found = fix(SimulatedSource(server), state, table(), wait=0)
    assert found.method in {"proven", "held"}
    if found.method == "held":
        assert found.value == before
        assert found.held_by


def test_the_simulation_sees_the_loss_when_nobody_waits() -> None:
    """The largest visible value as the bound loses a late commit, in this simulation too."""
    late = Transaction((Statement(0, 1, 2),), 500, committed=True)
    early = Transaction((Statement(10, 11, 12),), 12, committed=True)
    server = Server(((late,), (early,)))
    server.now = 100
    naive = max(row.id for row in server.visible())
    assert any(row.id < naive for row in server.rows if row.visible > server.now)


# -- the ways a bound is found ----------------------------------------------------------------


def idle(now: int = 0) -> SimulatedSource:
    server = Server(())
    server.now = now
    return SimulatedSource(server)


@pytest.mark.parametrize(
    ("resolved", "expected"),
    [
        (table(), BEGIN + LOCAL + timedelta(milliseconds=1234)),
        (table(kind="timestamp"), BEGIN + timedelta(milliseconds=1234)),
        (table(fraction=0), BEGIN + LOCAL + timedelta(seconds=1)),
        (table(fraction=2), BEGIN + LOCAL + timedelta(milliseconds=1230)),
        (table(kind="date", fraction=None), datetime(2025, 6, 1)),  # noqa: DTZ001
        (table(TimestampUnit.EPOCH_S, kind="int"), BEGIN + timedelta(seconds=1)),
        (table(TimestampUnit.EPOCH_MS, kind="bigint"), BEGIN + timedelta(milliseconds=1234)),
        (table(lag=timedelta(seconds=1)), BEGIN + LOCAL + timedelta(milliseconds=234)),
    ],
)
def test_the_bound_is_in_the_clock_and_the_digits_of_the_column(
    resolved: ResolvedTable, expected: datetime
) -> None:
    """H-06: UTC for TIMESTAMP and epochs, the server's zone for DATETIME, cut to what it keeps."""
    found = fix(idle(1234), MysqlState(), resolved, wait=1)
    assert (found.value, found.method) == (expected, "proven")


def test_a_first_run_that_is_held_stays_below_the_oldest_work() -> None:
    """The only guess: the start of the oldest work, less a margin."""
    server = Server(((Transaction((Statement(0, 1, 2),), 900_000, committed=True),),))
    server.now = 100_000
    found = fix(SimulatedSource(server), MysqlState(), table(), wait=0)
    assert found.method == "held"
    assert cast("datetime", found.value) <= moment(0) - FIRST_RUN_MARGIN + timedelta(seconds=2)


def test_an_id_bound_that_is_held_from_the_start_reads_nothing() -> None:
    server = Server(((Transaction((Statement(0, 1, 2),), 900_000, committed=True),),))
    server.now = 100
    found = fix(SimulatedSource(server), MysqlState(), table(by_id=True), wait=0)
    assert (found.value, found.method) == (None, "held")


@pytest.mark.parametrize(
    ("source", "given_lag", "method", "expected"),
    [
        (replace(idle(), blind=True), None, "lag", BLIND_LAG),
        (replace(idle(), blind=True), timedelta(seconds=3), "lag", timedelta(seconds=3)),
        (replace(idle(), replica=True), None, "replica_lag", REPLICA_LAG),
        (replace(idle(), replica=True), timedelta(0), "replica_lag", timedelta(0)),
    ],
)
def test_without_sight_of_the_work_there_is_a_lag(
    source: SimulatedSource, given_lag: timedelta | None, method: str, expected: timedelta
) -> None:
    found = fix(source, MysqlState(), table(lag=given_lag), wait=1)
    assert (found.method, found.value) == (method, moment(0) - expected)


def test_an_unseen_id_becomes_a_bound_once_it_is_as_old_as_the_lag() -> None:
    """Without PROCESS an id is used a lag after it was first seen."""
    write = Transaction((Statement(0, 1, 2),), 3, committed=True)
    server = Server(((write, Transaction((Statement(10, 11, 12),), 13, committed=True)),))
    source = SimulatedSource(server, blind=True)
    server.now = 5
    lag = timedelta(seconds=30)
    first = fix(source, MysqlState(), table(by_id=True, lag=lag), wait=1)
    state = MysqlState(ceiling=ceiling_json(first.value), observed=first.observed)
    server.now = 50
    second = fix(source, state, table(by_id=True, lag=lag), wait=1)
    assert (first.value, second.value) == (1, 1)
    old = (datetime.now(UTC) - lag).isoformat()
    state = state.with_(observed={"value": 2, "at": old})
    third = fix(source, state, table(by_id=True, lag=lag), wait=1)
    assert third.value == 2


def test_a_transaction_that_a_finished_statement_left_open_is_waited_for() -> None:
    """INSERT … SELECT SLEEP in a transaction: first only the statement shows, then only the trx."""
    since = BEGIN
    work = OpenWork([Work(7, "a", None, since, "insert")])
    work.observe([Work(7, None, "99", since, "idle")])
    assert [w.thread for w in work.remaining] == [7]
    work.observe([Work(7, "b", None, since, "select")])
    assert work.remaining == []


def test_prepared_xa_transactions_are_told_apart() -> None:
    """They have no connection, so their own ids tell them."""
    since = BEGIN
    work = OpenWork([Work(0, None, "1", since, "xa"), Work(0, None, "2", since, "xa")])
    work.observe([Work(0, None, "2", since, "xa")])
    assert [w.transaction for w in work.remaining] == ["2"]


@given(
    st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)),  # noqa: DTZ001
    st.sampled_from([-1, 0, 1, 2, 3, 4, 5, 6]),
)
def test_a_bound_is_never_beyond_the_clock(now: datetime, fraction: int) -> None:
    """Cut down, never rounded: the running second of a DATETIME(0) is still being written."""
    assert floor_to_fraction(now, fraction) <= now
    for unit in TimestampUnit:
        cut: Any = from_datetime(now, unit)
        if unit is not TimestampUnit.DATETIME:
            ticks = {"epoch_s": 1, "epoch_ms": 1_000, "epoch_us": 1_000_000}[str(unit)]
            assert cut / ticks <= (now - datetime(1970, 1, 1)).total_seconds() + 1e-6  # noqa: DTZ001
