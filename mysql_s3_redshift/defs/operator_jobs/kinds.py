"""What an operator job is made of."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import dagster as dg

from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.adapters.operations import Operation
from mysql_s3_redshift.config import Config
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.core.operate import ManualChange
from mysql_s3_redshift.defs.operator_jobs.audit import Audit
from mysql_s3_redshift.defs.operator_jobs.launchpad import SignedConfig, TableConfig

ConfigT = TypeVar("ConfigT", bound=TableConfig)


@dataclass(frozen=True, slots=True)
class Turn:
    """One launch of a job: the table, and where it is run."""

    context: dg.OpExecutionContext
    config: Config
    plan: TablePlan

    def operation(
        self, connections: Connections, action: str, signed: SignedConfig | None = None
    ) -> Operation:
        """The operation on the table, as the history will tell it."""
        who, why = (signed.who.strip(), signed.reason.strip()) if signed else ("", "")
        return Operation(self.plan, connections, ManualChange(action, who, why, observed=True))


@dataclass(frozen=True, slots=True)
class OperatorJob(Generic[ConfigT]):
    """A job of the launchpad.

    Attributes:
        name: Name of its only step; the job is called `operator_…`, so that they stand together.
        description: What it does, in Markdown.
        config: What its launchpad takes.
        act: Does it.
        prefilled: What the launchpad has at first, next to the table; safe to be launched as it is.
    """

    name: str
    description: str
    config: type[ConfigT]
    act: Callable[[Turn, ConfigT], Audit]
    prefilled: dict[str, Any] = field(default_factory=dict)
