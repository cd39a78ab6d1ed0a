"""Writers that do to a table what applications do at their worst.

Every writer has a connection of its own. Their rows get timestamps and ids at one moment and become
visible at another: after a sleep, out of order, after a wait for a lock, or never.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pymysql

from mysql_s3_redshift.sandbox.mysql_server import MysqlConnection
from mysql_s3_redshift_tests.faults.replication import Replication

DATETIME = "NOW(6)"
KINDS = ("short", "short", "long", "long", "slow", "locking")
"""The writers of one table. Each updates rows of its own, so that none waits for another."""
EPOCH_MS = "FLOOR(UNIX_TIMESTAMP(NOW(6)) * 1000)"


@dataclass(frozen=True, slots=True)
class TrafficTable:
    """A table under traffic, with a journal of every row version that was committed.

    Attributes:
        stamp: SQL of the present as the cursor column holds it.
        updates: Whether rows are updated; ids alone cannot tell.
    """

    name: str
    stamp: str = DATETIME
    updates: bool = True

    def create(self, replication: Replication) -> None:
        """Create table, journal and the function that sleeps in two statements."""
        kind = "DATETIME(6)" if self.stamp == DATETIME else "BIGINT"
        trigger = (
            "CREATE TRIGGER {table}_{event} AFTER {event} ON {table} FOR EACH ROW "
            "INSERT INTO {table}_journal VALUES (NEW.id, NEW.version)"
        )
        replication.sql(
            f"CREATE TABLE {self.name} (id BIGINT PRIMARY KEY AUTO_INCREMENT, ts {kind} NOT NULL, "
            "version INT NOT NULL DEFAULT 1, note VARCHAR(20), KEY (ts, id))",
            f"CREATE TABLE {self.name}_journal (id BIGINT, version INT)",
            *(trigger.format(table=self.name, event=event) for event in ("INSERT", "UPDATE")),
            f"CREATE FUNCTION {self.name}_pause() RETURNS INT BEGIN DECLARE x INT; "
            "DO SLEEP(0.3); SELECT SLEEP(0.3) INTO x; RETURN x; END",
        )

    def insert(self) -> str:
        """One new row."""
        return f"INSERT INTO {self.name} (ts, note) VALUES ({self.stamp}, 'row')"

    def insert_many(self, rows: int) -> str:
        """Some new rows in one statement, which reserves their ids together."""
        numbers = " UNION ALL ".join(f"SELECT {n} AS n" for n in range(1, rows + 1))
        return f"INSERT INTO {self.name} (ts, note) SELECT {self.stamp}, n FROM ({numbers}) numbers"

    def update(self, chance: random.Random, share: int) -> str:
        """A new version of an old row of a writer's own share; a new row where that is unseen."""
        if not self.updates:
            return self.insert()
        return (
            f"UPDATE {self.name} SET version = version + 1, ts = {self.stamp} "
            f"WHERE id = {chance.randint(0, 40) * len(KINDS) + share}"
        )

    def slow_insert(self, seconds: float) -> str:
        """A row whose timestamp is old when it is written."""
        return f"INSERT INTO {self.name} (ts, note) SELECT {self.stamp}, SLEEP({seconds:.2f})"

    def slow_function_insert(self) -> str:
        """The same, the sleep being in a stored function's own statements."""
        return f"INSERT INTO {self.name} (ts, note) SELECT {self.stamp}, {self.name}_pause()"


@dataclass(slots=True)
class Writer:
    """One connection that writes until it is told to stop."""

    connection: MysqlConnection
    table: TrafficTable
    share: int
    chance: random.Random
    stopped: threading.Event

    def run(self, *statements: str) -> None:
        """Run statements in the open transaction."""
        with self.connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def pause(self, most: float) -> None:
        """Do nothing for a while."""
        time.sleep(self.chance.uniform(0, most))

    def short(self) -> None:
        """Transactions of one statement each."""
        self.run(
            self.chance.choice([self.table.insert(), self.table.update(self.chance, self.share)])
        )
        self.connection.commit()
        self.pause(0.05)

    def long(self) -> None:
        """Statements, then seconds, then COMMIT or ROLLBACK."""
        for _ in range(self.chance.randint(1, 4)):
            self.run(self.table.insert_many(self.chance.randint(1, 5)))
            self.run(self.table.update(self.chance, self.share))
            self.pause(0.4)
        self.pause(2)
        if self.chance.random() < 0.25:
            self.connection.rollback()
        else:
            self.connection.commit()

    def slow(self) -> None:
        """Statements that take their time after their timestamp is fixed."""
        slow = self.table.slow_insert(self.chance.uniform(0.1, 2))
        self.run(self.chance.choice([slow, slow, self.table.slow_function_insert()]))
        self.pause(0.3)
        self.connection.commit()

    def locking(self) -> None:
        """Hold the table's metadata lock, so that others wait with their timestamps fixed."""
        self.run(f"FLUSH TABLES {self.table.name} WITH READ LOCK")
        self.pause(0.6)
        self.run("UNLOCK TABLES")
        self.pause(6)

    def loop(self, action: Callable[[], None]) -> None:
        """Do one thing again and again; a deadlock or a lock timeout rolls back."""
        while not self.stopped.is_set():
            try:
                action()
            except pymysql.err.OperationalError:
                self.connection.rollback()
        self.connection.rollback()


@dataclass(slots=True)
class Traffic:
    """All writers of some tables."""

    stopped: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)

    def stop(self) -> None:
        """Let every writer finish what it is doing."""
        self.stopped.set()
        for thread in self.threads:
            thread.join(60)


@contextlib.contextmanager
def traffic(
    replication: Replication, tables: list[TrafficTable], *, seed: int = 0
) -> Iterator[Traffic]:
    """Write to tables until the block ends or `Traffic.stop` is called."""
    running = Traffic()
    with contextlib.ExitStack() as stack:
        stack.callback(running.stop)
        for number, table in enumerate(tables):
            for share, kind in enumerate(KINDS):
                connection = stack.enter_context(replication.mysql())
                connection.autocommit(False)
                connection.query("SET SESSION innodb_lock_wait_timeout = 5, lock_wait_timeout = 5")
                chance = random.Random(f"{seed} {number} {len(running.threads)}")
                writer = Writer(connection, table, share, chance, running.stopped)
                action = getattr(writer, kind)
                running.threads.append(threading.Thread(target=writer.loop, args=(action,)))
        for thread in running.threads:
            thread.start()
        yield running
        running.stop()
