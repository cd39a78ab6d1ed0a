"""The ceiling against simulated traffic: whatever interleaves, nothing appears below a bound."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mysql_s3_redshift.core.ceiling import (
    BLIND_LAG,
    FIRST_RUN_MARGIN,
    REPLICA_LAG,
    OpenWork,
    ceiling_json,
)
from mysql_s3_redshift.core.cursors import floor_to_fraction, from_datetime
from mysql_s3_redshift.core.model import TimestampUnit
from mysql_s3_redshift.core.plan import ResolvedTable
from mysql_s3_redshift.core.ports import Work
from mysql_s3_redshift.core.state import MysqlState
from mysql_s3_redshift_tests.core.simulated_traffic import (
    BEGIN,
    LOCAL,
    Server,
    SimulatedSource,
    Statement,
    Transaction,
    fix,
    moment,
    table,
    transactions,
)

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
