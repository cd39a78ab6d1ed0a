"""The systems of a run: connections are opened at first use and closed together.

One `Connections` belongs to one table's run; nothing in it is shared among threads.
"""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import Self

from mysql_s3_redshift.adapters.mysql.connection import MySqlConnection
from mysql_s3_redshift.adapters.mysql.source import MySqlSource
from mysql_s3_redshift.adapters.redshift.connection import RedshiftConnection
from mysql_s3_redshift.adapters.redshift.target import RedshiftTarget
from mysql_s3_redshift.adapters.s3.bucket import Bucket
from mysql_s3_redshift.adapters.s3.storage import TableStorage
from mysql_s3_redshift.adapters.ssh import Tunnel
from mysql_s3_redshift.config import Config, SourceConfig, TargetConfig
from mysql_s3_redshift.core.model import TablePlan


class Connections:
    """Gives out sources, storages and targets of a configuration by name."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._stack = ExitStack()
        self._sources: dict[str, MySqlSource] = {}
        self._buckets: dict[str, Bucket] = {}
        self._targets: dict[tuple[str, str], RedshiftTarget] = {}
        self._tunnels: dict[tuple[str, str], Tunnel] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def source(self, name: str) -> MySqlSource:
        """The MySQL connection of that name."""
        if name not in self._sources:
            config = self.config.source(name)
            connection = MySqlConnection(name, config, self._tunnel("sources", name, config))
            self._stack.callback(connection.close)
            self._sources[name] = MySqlSource(connection)
        return self._sources[name]

    def bucket(self, name: str) -> Bucket:
        """The bucket of the storage of that name."""
        if name not in self._buckets:
            self._buckets[name] = Bucket(self.config.storage(name))
        return self._buckets[name]

    def storage(self, plan: TablePlan) -> TableStorage:
        """What a table has on S3."""
        return TableStorage(self.bucket(plan.storage), plan)

    def target(self, plan: TablePlan) -> RedshiftTarget:
        """The Redshift connection of a table's pipeline."""
        name = (plan.target, plan.storage)
        if name not in self._targets:
            config = self.config.target(plan.target)
            tunnel = self._tunnel("targets", plan.target, config)
            connection = RedshiftConnection(plan.target, config, tunnel)
            self._stack.callback(connection.close)
            storage = self.config.storage(plan.storage)
            self._targets[name] = RedshiftTarget(connection, config, storage)
        return self._targets[name]

    def _tunnel(
        self, section: str, name: str, config: SourceConfig | TargetConfig
    ) -> Tunnel | None:
        """The one tunnel of a connection's name; it closes after the connections through it."""
        if config.ssh is None:
            return None
        if (section, name) not in self._tunnels:
            tunnel = Tunnel(section, name, config)
            self._stack.callback(tunnel.close)
            self._tunnels[section, name] = tunnel
        return self._tunnels[section, name]
