"""Section `pipelines`, and the file as a whole."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from mysql_s3_redshift.config.connections import SourceConfig, StorageConfig, TargetConfig
from mysql_s3_redshift.config.cron import check_cron
from mysql_s3_redshift.config.durations import PositiveDuration, parse_duration
from mysql_s3_redshift.config.execution import ExecutionConfig
from mysql_s3_redshift.config.fields import Name, RedshiftName, Section, Text, Texts, TimeZone
from mysql_s3_redshift.config.table_names import TableName
from mysql_s3_redshift.config.tables import TableOptions

_DEFAULT_INTERVAL = parse_duration("5m")


class SyncConfig(Section):
    """When a pipeline runs by itself."""

    every: PositiveDuration | None = None
    """Interval of the sensor that looks for new rows; default: `5m` without `schedule`."""
    schedule: Annotated[str, AfterValidator(check_cron)] | None = None
    """Cron expression instead of an interval."""
    timezone: TimeZone = "UTC"
    """Time zone of `schedule`."""

    @model_validator(mode="before")
    @classmethod
    def _choose_interval(cls, value: Any) -> Any:
        if value is None or value == {}:
            return {"every": _DEFAULT_INTERVAL}
        return value

    @model_validator(mode="after")
    def _agree(self) -> SyncConfig:
        if (self.every is None) == (self.schedule is None):
            raise ValueError("it needs one of `every` and `schedule`")
        if self.every is not None and self.every < parse_duration("1s"):
            raise ValueError("`every` is at least 1s")
        return self


class ProcessingStrategy(StrEnum):
    """Whether the tables of a pipeline run side by side."""

    PARALLEL = "parallel"
    SEQUENTIAL = "sequential"


class ProcessingConfig(Section):
    """How many tables of a pipeline run at once."""

    strategy: ProcessingStrategy = ProcessingStrategy.PARALLEL
    """`parallel` or `sequential`."""
    max_parallel_tables: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Most tables that run at once; default: `4`, or `1` where `sequential`."""

    @model_validator(mode="after")
    def _agree(self) -> ProcessingConfig:
        if self.strategy is ProcessingStrategy.SEQUENTIAL and self.max_parallel_tables not in (
            None,
            1,
        ):
            raise ValueError("`max_parallel_tables` above 1 contradicts `strategy: sequential`")
        return self

    @property
    def parallelism(self) -> int:
        """Most tables that run at once."""
        sequential = self.strategy is ProcessingStrategy.SEQUENTIAL
        return self.max_parallel_tables or (1 if sequential else 4)


class ChecksConfig(Section):
    """When the checks of a pipeline run that ask the systems."""

    schedule: Annotated[str, AfterValidator(check_cron)] | None = None
    """Cron expression; default: once a day between 01:00 and 05:00, at a minute of the pipeline."""
    timezone: TimeZone = "UTC"
    """Time zone of `schedule`."""


def _webhook(url: SecretStr) -> SecretStr:
    """Check what was written, before references in it are resolved."""
    text = url.get_secret_value()
    if re.match(r"\$\{|file:|secretsmanager:", text):
        return url
    if urlsplit(text).scheme not in {"http", "https"}:
        raise ValueError("a webhook is an `https://…` address")
    return url


def _base_address(url: str | None) -> str | None:
    """Take an address without its last slash; empty text is none: a variable may be unset."""
    if not url:
        return None
    if urlsplit(url).scheme not in {"http", "https"}:
        raise ValueError("the web UI's address is `http://…` or `https://…`")
    return url.rstrip("/")


class AlertedChecks(StrEnum):
    """Which failed checks people are told of."""

    ERRORS = "errors"
    WARNINGS = "warnings"
    NONE = "none"


class AlertConfig(Section):
    """Who is told when a table fails, or a check of it."""

    webhook: Annotated[SecretStr, AfterValidator(_webhook)] | None = None
    """Address that gets a JSON document by POST."""
    command: Annotated[Texts, Field(max_length=100)] = ()
    """Program and arguments; it gets the same document on its standard input."""
    checks: AlertedChecks = AlertedChecks.ERRORS
    """Failed checks that are told: `errors`, `warnings` (with the errors) or `none`."""
    recoveries: bool = False
    """Tells, too, when a check that was told of passes again."""
    web_ui: Annotated[str, AfterValidator(_base_address)] | None = None
    """Address of Dagster's web UI, for the links; default: no links."""

    @model_validator(mode="after")
    def _agree(self) -> AlertConfig:
        if self.webhook is None and not self.command:
            raise ValueError("it needs `webhook` or `command`")
        return self


def _not_empty(tables: dict[str, TableOptions]) -> dict[str, TableOptions]:
    if not tables:
        raise ValueError("a pipeline has at least one table")
    return tables


class PipelineConfig(Section):
    """One source to one storage to one target, with its tables."""

    source: Text
    """Name of a source."""
    storage: Text
    """Name of a storage."""
    target: Text
    """Name of a target."""
    target_schema: RedshiftName | None = None
    """Schema in Redshift; default: the schema of each table in lower case."""
    sync: SyncConfig = SyncConfig(every=_DEFAULT_INTERVAL)
    """When the pipeline runs by itself; default: `every: 5m`."""
    processing: ProcessingConfig = ProcessingConfig()
    """How many tables run at once; default: `max_parallel_tables: 4`."""
    checks: ChecksConfig = ChecksConfig()
    """When the checks run that ask the systems; default: once a day."""
    alerts: AlertConfig | None = None
    """Who is told when a table or a check fails; default: nobody but the log."""
    defaults: TableOptions = TableOptions()
    """Options of every table that does not say otherwise."""
    tables: Annotated[dict[TableName, TableOptions], AfterValidator(_not_empty)]
    """`schema.table` → options; no options means that all is discovered."""


class ConnectionsFile(Section):
    """The sections that tell where things are."""

    sources: dict[Name, SourceConfig] = Field(default={})
    """MySQL connections by name."""
    storages: dict[Name, StorageConfig] = Field(default={})
    """Places in S3 by name."""
    targets: dict[Name, TargetConfig] = Field(default={})
    """Redshift connections by name."""


class PipelinesFile(ConnectionsFile):
    """`pipelines.yaml`. Top-level keys that begin with `x-` are ignored: a place for anchors."""

    pipelines: dict[Name, PipelineConfig] = Field(default={})
    """Pipelines by name."""
    execution: ExecutionConfig = ExecutionConfig()
    """What executes the steps of runs; default: the process of the run."""
