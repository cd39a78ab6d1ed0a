"""Two small tables and what the tests do with them through Dagster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg

from mysql_s3_redshift.config import Config, load, step_name
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.defs.build import build_definitions
from mysql_s3_redshift.defs.checks.specs import audit_check_keys, step_check_keys
from mysql_s3_redshift.defs.sync import SyncOptions, TableOutcome, sync_tables
from mysql_s3_redshift_tests.faults.replication import Replication


@dataclass(frozen=True, slots=True)
class Shop:
    """Tables `orders` and `items` of pipeline `p`."""

    replication: Replication

    def __post_init__(self) -> None:
        for name in ("orders", "items"):
            self.replication.sql(
                f"CREATE TABLE {name} (id BIGINT PRIMARY KEY, ts DATETIME(6) NOT NULL COMMENT "
                "'last change', email VARCHAR(50), `Grand Total` DECIMAL(10,2), KEY (ts, id)) "
                f"COMMENT 'the {name}'"
            )
            self.insert(name, 1, 30)
            self.replication.table(
                name,
                cdc_strategy="hybrid",
                cdc_timestamp_column="ts",
                cdc_id_column="id",
                chunk_rows=20,
                columns={"hash": ["email"], "hash_salt": "salt-canary"},
            )

    def insert(self, table: str, first: int, last: int) -> None:
        """Add rows with these ids, each stamped a microsecond after the one before."""
        self.replication.sql(
            f"INSERT INTO {table} SELECT seq, NOW(6) + INTERVAL seq MICROSECOND, "
            f"CONCAT('a', seq, '@b.c'), seq FROM seq_{first}_to_{last}"
        )

    @property
    def config(self) -> Config:
        """The configuration as it is now."""
        return load(self.replication.config_path)

    def plan(self, table: str = "orders") -> TablePlan:
        """The plan of a table."""
        return self.replication.plan(table)

    def key(self, table: str, stage: str) -> dg.AssetKey:
        """Asset key of a stage: `s3` or `redshift`."""
        plan = self.plan(table)
        return dg.AssetKey(plan.extract_key if stage == "s3" else plan.load_key)

    def definitions(self, retry_policy: dg.RetryPolicy | None = None) -> dg.Definitions:
        """The code location."""
        return build_definitions(self.config, retry_policy=retry_policy)

    def materialize(
        self, instance: dg.DagsterInstance, *tables: str, **config: Any
    ) -> dg.ExecuteInProcessResult:
        """Run the pipeline's job for some tables, as its sensor asks for it.

        `config` is that of the extraction.
        """
        names = tables or ("orders", "items")
        keys = [self.key(name, stage) for name in names for stage in ("s3", "redshift")]
        steps = {step_name(self.plan(name).extract_key): {"config": config} for name in names}
        job = self.definitions().resolve_job_def("p_sync")
        checks = {key for name in names for key in step_check_keys(self.plan(name))}
        asked = job.get_subset(asset_selection=set(keys), asset_check_selection=checks)
        return asked.execute_in_process(
            instance=instance,
            run_config={"ops": steps} if config else None,
            raise_on_error=False,
        )

    def audit(
        self, instance: dg.DagsterInstance, *names: str, table: str = "orders"
    ) -> dg.ExecuteInProcessResult:
        """Run the checks of a table that ask the systems, or some of them."""
        keys = audit_check_keys(self.plan(table))
        job = self.definitions().resolve_job_def("p_checks")
        asked = job.get_subset(asset_check_selection={keys[name] for name in names or keys})
        return asked.execute_in_process(instance=instance, raise_on_error=False)

    def sync(
        self, instance: dg.DagsterInstance, options: SyncOptions | None = None, **more: Any
    ) -> dict[str, TableOutcome]:
        """Run the sync runner over both tables; outcomes by the table's plain name."""
        arguments: Mapping[str, Any] = {
            "report": lambda *_: None,
            "stopping": lambda: False,
            **more,
        }
        config = self.config
        outcomes = sync_tables(
            config, config.plans("p"), options or SyncOptions(), instance=instance, **arguments
        )
        return {name.rpartition(".")[2]: outcome for name, outcome in outcomes.items()}


def metadata_of(result: dg.ExecuteInProcessResult, key: dg.AssetKey) -> dict[str, Any]:
    """Metadata values of an asset's only materialization in a run."""
    [event] = [e for e in result.get_asset_materialization_events() if e.asset_key == key]
    return {name: value.value for name, value in event.materialization.metadata.items()}
