"""How far Redshift is behind MySQL, table by table, as one sees who looks at both all the time.

Every table has a number that only grows: its newest timestamp, its highest id, a sum that is only
added to. The lag is the time since MySQL first showed a number that Redshift does not have yet. So
it says what a reader of Redshift misses, whatever the runs tell of themselves.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.servers import mysql_admin_connection, redshift_connection

GROWING: Mapping[str, str] = {
    "settle_orders": "MAX(update_at)",
    "settlement_normal_delivery_detail": "MAX(update_at)",
    "settlement_claim_detail": "MAX(update_time)",
    "settlement_partners": "SUM(credit_limit)",
    "uni_parcels": "MAX(parcel_id)",
    "exchange_rates": "SUM(rate)",
    "daily_totals": "MAX(update_at)",
}
OF_QUERIES = {"daily_totals": "settle_orders"}
"""A table that is made by a query, and the one of MySQL whose number it carries."""
EVERY_SECONDS = 2.0


@dataclass(slots=True)
class TableLag:
    """What was seen of one table.

    Attributes:
        unseen: When MySQL showed which number, for those that Redshift does not have.
        worst: Longest lag in seconds.
    """

    unseen: deque[tuple[float, Any]] = field(default_factory=deque)
    worst: float = 0.0

    def saw(self, now: float, source: Any, target: Any) -> None:
        """Take one look at both ends into account."""
        if not self.unseen or source > self.unseen[-1][1]:
            self.unseen.append((now, source))
        while self.unseen and target is not None and self.unseen[0][1] <= target:
            self.unseen.popleft()
        if self.unseen:
            self.worst = max(self.worst, now - self.unseen[0][0])

    @property
    def now(self) -> float:
        """Seconds that Redshift is behind at this moment."""
        return time.monotonic() - self.unseen[0][0] if self.unseen else 0.0


class LagMeter(threading.Thread):
    """Looks at both ends until it is stopped.

    Attributes:
        tables: What was seen, by table.
        error: Why it could not look any more; None while it can.
    """

    def __init__(self, sandbox: SandboxStatus) -> None:
        super().__init__(name="lag-meter")
        self._sandbox = sandbox
        self._stop_asked = threading.Event()
        self._lock = threading.Lock()
        self.tables = {name: TableLag() for name in GROWING}
        self.error: Exception | None = None

    def run(self) -> None:
        """Look every two seconds."""
        try:
            with (
                contextlib.closing(mysql_admin_connection(self._sandbox, "settlement")) as mysql,
                contextlib.closing(redshift_connection(self._sandbox)) as redshift,
            ):
                mysql.autocommit(True)
                redshift.autocommit = True
                while not self._stop_asked.wait(EVERY_SECONDS):
                    self._look(mysql.cursor(), redshift.cursor())
        except Exception as error:  # noqa: BLE001  told by `stop`
            self.error = error

    def reset(self) -> None:
        """Forget what was seen so far: the first load is no lag."""
        with self._lock:
            self.tables.update({name: TableLag() for name in GROWING})

    def stop(self) -> None:
        """End looking; raises what made it impossible."""
        self._stop_asked.set()
        self.join()
        if self.error is not None:
            raise self.error

    def _look(self, mysql: Any, redshift: Any) -> None:
        for name, number in GROWING.items():
            mysql.execute(f"SELECT {number} FROM {OF_QUERIES.get(name, name)}")
            source, now = mysql.fetchone()[0], time.monotonic()
            redshift.execute(f"SELECT {number} FROM settlement.{name}")
            target = redshift.fetchone()[0]
            with self._lock:
                self.tables[name].saw(now, source, target)
