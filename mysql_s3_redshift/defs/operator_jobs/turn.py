"""One launch of an operator job."""

from dataclasses import dataclass

import dagster as dg

from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.adapters.operations import Operation
from mysql_s3_redshift.config import Config
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.core.operate import ManualChange
from mysql_s3_redshift.defs.operator_jobs.launchpad import SignedConfig


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
