"""The commit-safe ceiling: the newest bound below which nothing can still appear.

A row gets its timestamp (or id) when its statement runs and becomes visible when its transaction
commits. Between the two a reader that trusts the newest value it sees passes the row by. Here the
bound is proven instead:

1. Read the bound first: the server's clock T, or the largest visible id M.
2. List everything that is under way: open transactions that have written, running statements.
   Whatever is not on the list either committed before (so it is visible to a read that starts now)
   or began after T (so its timestamps and ids lie above the bound).
3. Wait until everything on the list has ended. Then the bound is proven.

When something is still under way after the wait, the last proven bound stays. It needs no guess
about when the work began: a transaction's first timestamp can be older than the start that InnoDB
shows, for a statement that waited for a metadata lock or slept before its first write. Only a
table that has no proven bound yet falls back on the start of the oldest work, less a margin.

What this cannot see, and what `lag` is for: transactions of another server (a replica's primary),
timestamps that applications set from their own clocks, statements that backdate on purpose.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from pydantic import JsonValue

from mysql_s3_redshift.core.cursors import (
    Cursor,
    floor_to_fraction,
    format_timestamp,
    parse_timestamp,
)
from mysql_s3_redshift.core.model import TimestampUnit, Value
from mysql_s3_redshift.core.plan import ResolvedTable
from mysql_s3_redshift.core.ports import ClockReading, Source, Work
from mysql_s3_redshift.core.state import (
    MysqlState,
    Snapshot,
    decode_value,
    encode_value,
    utc_now,
)

logger = logging.getLogger(__name__)

MAX_WAIT_SECONDS = 10.0
REPLICA_LAG = timedelta(minutes=5)
BLIND_LAG = timedelta(seconds=60)
FIRST_RUN_MARGIN = timedelta(seconds=60)
SETTLE_SECONDS = 0.02
"""Between reading the clock and listing the work: a connection takes its statement's time a moment
before it shows the statement in the process list."""


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The bound of one run.

    Attributes:
        value: Exclusive for timestamps (in the clock of the column; UTC for epochs), inclusive for
            ids. None: no bound could be proven, nothing may be read.
        method: `proven`, `held` (by open work), `lag` (work cannot be seen), `replica_lag`.
        held_by: What held it, for people.
        observed: For ids without sight of the work: the bound that becomes usable after the lag.
    """

    value: Value
    method: str
    held_by: tuple[str, ...] = ()
    observed: dict[str, JsonValue] | None = None


@dataclass(slots=True)
class _Waiting:
    """What one connection must still end: its statement, its transaction."""

    work: Work
    parts: set[str] = field(default_factory=set)


class OpenWork:
    """Follows the work that was under way when a bound was read, until all of it has ended."""

    def __init__(self, listed: Sequence[Work]) -> None:
        self._waiting = {_identity(w): _Waiting(w, _parts(w)) for w in listed}

    @property
    def remaining(self) -> list[Work]:
        """Work that has not been seen to end."""
        return [w.work for w in self._waiting.values()]

    def observe(self, listed: Sequence[Work]) -> None:
        """Compare with what is under way now.

        A statement that ended may have left its transaction open, so a transaction that appears on
        its connection is waited for as well, once: it may be the one that the statement wrote in.
        """
        now = {_identity(w): w for w in listed}
        for identity, waiting in list(self._waiting.items()):
            current = now.get(identity)
            still = waiting.parts & (_parts(current) if current else set())
            statement_ended = any(p.startswith("statement ") for p in waiting.parts - still)
            if current and current.transaction and statement_ended:
                still.add(f"transaction {current.transaction}")
            if still:
                waiting.parts = still
            else:
                del self._waiting[identity]


def _identity(work: Work) -> str:
    return str(work.thread) if work.thread else f"xa {work.transaction}"


def _parts(work: Work) -> set[str]:
    parts = set()
    if work.statement:
        parts.add(f"statement {work.statement}")
    if work.transaction:
        parts.add(f"transaction {work.transaction}")
    return parts


def fix_ceiling(
    table: ResolvedTable,
    state: MysqlState,
    source: Source,
    *,
    max_wait: float = MAX_WAIT_SECONDS,
    sleep: Callable[[float], None] = time.sleep,
) -> Ceiling:
    """Fix the bound of a run, before its first read.

    Args:
        table: The table; its cursor's first column is what the bound applies to.
        state: Where extraction stands; gives the last proven bound.
        source: The MySQL connection to ask.
        max_wait: Seconds to wait for open work to end.
        sleep: Replaced in tests.

    Returns:
        The bound, and how it was found.
    """
    by_id = table.cursor.timestamp is None
    clock = source.clock(table.plan)
    newest = source.newest(table) if by_id else None
    sleep(SETTLE_SECONDS)
    listed = source.open_work()
    lag = _lag(table, sees_work=listed is not None, replica=source.is_replica())
    if listed is None or lag.forced:
        return _lagging(table.cursor, state, clock, newest, lag)
    open_work = OpenWork(listed)
    deadline = time.monotonic() + max_wait
    pause = SETTLE_SECONDS
    while open_work.remaining and time.monotonic() < deadline:
        sleep(pause)
        pause = min(pause * 1.5, 0.25)
        listed = source.open_work()
        if listed is None:  # the privilege was taken away meanwhile: nothing is proven
            break
        open_work.observe(listed)
    held = open_work.remaining
    if not held:
        return Ceiling(newest if by_id else _moment(table.cursor, clock, lag.amount), "proven")
    return _held(table.cursor, state, clock, held)


@dataclass(frozen=True, slots=True)
class _Lag:
    amount: timedelta
    forced: bool
    method: str


def _lag(table: ResolvedTable, *, sees_work: bool, replica: bool) -> _Lag:
    given = table.plan.lag
    if replica:
        return _Lag(REPLICA_LAG if given is None else given, forced=True, method="replica_lag")
    if not sees_work:
        amount = BLIND_LAG if given is None else given
        logger.warning(
            "%s: the MySQL user has no PROCESS privilege, so open transactions cannot be seen; "
            "a lag of %s is kept instead. Remedy: GRANT PROCESS ON *.* TO the user.",
            table.plan.display_name,
            amount,
        )
        return _Lag(amount, forced=True, method="lag")
    return _Lag(given or timedelta(0), forced=False, method="proven")


def _moment(cursor: Cursor, clock: ClockReading, lag: timedelta) -> datetime:
    """The clock of the column, less the lag, cut to what the column keeps."""
    in_utc = cursor.zoned or cursor.unit is not TimestampUnit.DATETIME
    moment = (clock.utc if in_utc else clock.local) - lag
    digits = {TimestampUnit.EPOCH_S: 0, TimestampUnit.EPOCH_MS: 3}.get(cursor.unit, cursor.fraction)
    return floor_to_fraction(moment, digits)


def _held(cursor: Cursor, state: MysqlState, clock: ClockReading, held: list[Work]) -> Ceiling:
    """The last proven bound; without one, the start of the oldest work less a margin."""
    names = tuple(w.text for w in sorted(held, key=lambda w: w.since))
    last = last_ceiling(state, by_id=cursor.timestamp is None)
    if last is not None or cursor.timestamp is None:
        return Ceiling(last, "held", names)
    age = clock.utc - min(w.since for w in held) + FIRST_RUN_MARGIN
    return Ceiling(_moment(cursor, clock, age), "held", names)


def _lagging(
    cursor: Cursor, state: MysqlState, clock: ClockReading, newest: Value, lag: _Lag
) -> Ceiling:
    """A bound that is only as good as the lag.

    An id tells no time, so an id bound is usable once it was seen a lag ago: the run after next.
    The very first run has nothing older to go by and takes the newest id as it is.
    """
    if cursor.timestamp is not None:
        return Ceiling(_moment(cursor, clock, lag.amount), lag.method)
    seen = state.observed or {}
    now: dict[str, JsonValue] = {"value": encode_value(newest), "at": utc_now()}
    if not seen or state.ceiling is None:
        return Ceiling(newest, lag.method, observed=now)
    seen_at = datetime.fromisoformat(str(seen["at"]))
    if datetime.now(UTC) - seen_at >= lag.amount:
        return Ceiling(decode_value(seen["value"]), lag.method, observed=now)
    return Ceiling(decode_value(state.ceiling), lag.method, observed=dict(seen))


def last_ceiling(state: MysqlState, *, by_id: bool) -> Value:
    """The last proven bound of the state; None without one."""
    if state.ceiling is None:
        return None
    return decode_value(state.ceiling) if by_id else parse_timestamp(str(state.ceiling))


def phase_bound(phase: Snapshot, cursor: Cursor) -> Value:
    """The bound of a snapshot phase, which stays the one of its first run."""
    return last_ceiling(MysqlState(ceiling=phase.ceiling), by_id=cursor.timestamp is None)


def ceiling_json(value: Value) -> JsonValue:
    """A bound as the state holds it: timestamps as text, ids as they are."""
    if isinstance(value, datetime):
        return format_timestamp(value)
    if isinstance(value, date):
        return format_timestamp(datetime(value.year, value.month, value.day))  # noqa: DTZ001
    return encode_value(value)
