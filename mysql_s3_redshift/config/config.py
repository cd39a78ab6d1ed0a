"""The configuration that everything else asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import SecretStr

from mysql_s3_redshift.config.connections import SourceConfig, StorageConfig, TargetConfig
from mysql_s3_redshift.config.execution import ExecutionConfig
from mysql_s3_redshift.config.pipelines import AlertConfig, PipelineConfig, PipelinesFile
from mysql_s3_redshift.config.plans import plans_of
from mysql_s3_redshift.config.problems import (
    Problem,
    YamlPath,
    did_you_mean,
    listed,
    refusal,
    shortened,
)
from mysql_s3_redshift.config.tables import merged
from mysql_s3_redshift.config.validation import validate
from mysql_s3_redshift.config.variables import Environment, Resolver
from mysql_s3_redshift.config.yaml_reader import Document
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.errors import ConfigError

PIPELINE_SECRETS = frozenset({"hash_salt", "webhook"})
"""Keys of pipelines whose references are resolved when they are used, not when the file loads."""

DEFAULT_SALT = "${HASH_SALT}"
"""What a table's `hash_salt` is where the file does not say it."""

_ConnectionT = TypeVar("_ConnectionT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A checked `pipelines.yaml`.

    Attributes:
        path: The file, absolute.
        pipelines: Pipelines by name, in the order of the file.
        ledger_schemas: Target → schema of its ledger tables.
        document: The file as written; holds what people wrote into it, so it is never shown.
        environment: Where variables and secrets come from.
        execution: What executes the steps of runs.
    """

    path: Path
    pipelines: Mapping[str, PipelineConfig] = field(repr=False)
    ledger_schemas: Mapping[str, str] = field(repr=False)
    document: Document = field(repr=False)
    environment: Environment = field(repr=False)
    execution: ExecutionConfig = ExecutionConfig()  # noqa: RUF009  a frozen value

    @property
    def source_names(self) -> tuple[str, ...]:
        """Names of the MySQL connections."""
        return tuple(self._section("sources"))

    @property
    def storage_names(self) -> tuple[str, ...]:
        """Names of the places in S3."""
        return tuple(self._section("storages"))

    @property
    def target_names(self) -> tuple[str, ...]:
        """Names of the Redshift connections."""
        return tuple(self._section("targets"))

    def source(self, name: str) -> SourceConfig:
        """Return a MySQL connection, variables and secrets filled in.

        Raises:
            ConfigError: It does not exist, or a variable or secret is missing or wrong.
        """
        return self._connection("sources", name, SourceConfig)

    def storage(self, name: str) -> StorageConfig:
        """Return a place in S3; as `source`."""
        return self._connection("storages", name, StorageConfig)

    def target(self, name: str) -> TargetConfig:
        """Return a Redshift connection; as `source`."""
        return self._connection("targets", name, TargetConfig)

    def max_connections(self, section: Literal["sources", "targets"], name: str) -> int | None:
        """Most connections that runs may hold; asks for nothing secret, unlike the connection."""
        written = self._section(section).get(name)
        value = written.get("max_connections") if isinstance(written, dict) else None
        resolved = Resolver(self.environment).resolve(value, (section, name, "max_connections"))
        return int(resolved) if str(resolved).isdecimal() else None

    def pipeline(self, name: str) -> PipelineConfig:
        """Return a pipeline.

        Raises:
            ConfigError: It does not exist.
        """
        if name not in self.pipelines:
            raise self.unknown("pipeline", name, self.pipelines)
        return self.pipelines[name]

    def alerts(self, name: str) -> AlertConfig | None:
        """Return who is told when a table of the pipeline fails, secrets filled in."""
        alerts = self.pipeline(name).alerts
        if alerts is None or alerts.webhook is None:
            return alerts
        path = ("pipelines", name, "alerts", "webhook")
        webhook = SecretStr(self._reveal(alerts.webhook, path))
        return alerts.model_copy(update={"webhook": webhook})

    def plans(self, pipeline: str | None = None) -> tuple[TablePlan, ...]:
        """Return the tables of one pipeline or of all, in the order of the file.

        Raises:
            ConfigError: The pipeline does not exist, or a salt cannot be resolved.
        """
        names = tuple(self.pipelines) if pipeline is None else (pipeline,)
        return tuple(plan for name in names for plan in self._plans_of(name))

    def unknown(
        self, kind: str, name: str, known: Mapping[str, Any] | tuple[str, ...]
    ) -> ConfigError:
        """Make the error of a name that the file does not have."""
        return refusal(
            f"{self.path.name} has no {kind} `{shortened(name)}`.",
            f"{did_you_mean(name, known)} Known: {listed(known)}.".strip(),
        )

    def _plans_of(self, name: str) -> tuple[TablePlan, ...]:
        pipeline = self.pipeline(name)
        salts = {}
        for table, options in pipeline.tables.items():
            path, salt = self._salt(name, table)
            hashes = bool(merged(pipeline.defaults, options).columns.hash)
            if salt is not None or hashes:
                salts[table] = self._reveal(salt or SecretStr(DEFAULT_SALT), path)
            if hashes and not salts[table]:
                what = "is empty: without a salt anybody can find the values of `hash` by guessing"
                raise self.document.error([Problem(path, what, "Set it to a long random text.")])
        return plans_of(
            name,
            pipeline,
            ledger_schema=self.ledger_schemas[pipeline.target],
            hash_salts=salts,
        )

    def _salt(self, name: str, table: str) -> tuple[YamlPath, SecretStr | None]:
        pipeline, path = self.pipelines[name], ("pipelines", name)
        own = pipeline.tables[table].columns
        shared = pipeline.defaults.columns.hash_salt
        if shared is None or "hash_salt" in own.model_fields_set:
            return (*path, "tables", table, "columns", "hash_salt"), own.hash_salt
        return (*path, "defaults", "columns", "hash_salt"), shared

    def _reveal(self, secret: SecretStr, path: YamlPath) -> str:
        resolver = Resolver(self.environment)
        text = resolver.resolve(secret.get_secret_value(), path)
        if resolver.problems:
            raise self.document.error(resolver.problems)
        return str(text)

    def _section(self, section: str) -> Mapping[str, Any]:
        value = self.document.root.get(section)
        return value if isinstance(value, dict) else {}

    def _connection(self, section: str, name: str, model: type[_ConnectionT]) -> _ConnectionT:
        known = self._section(section)
        if name not in known:
            raise self.unknown(section.removesuffix("s"), name, tuple(known))
        resolver, path = Resolver(self.environment), (section, name)
        value = resolver.resolve(known[name], path)
        problems = resolver.problems
        if not problems:
            checked, problems = validate(
                model, value, document=self.document, at=path, folder=self.path.parent
            )
            if isinstance(checked, model):
                return checked
        raise self.document.error(problems)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of `pipelines.yaml`, for editors."""
    return PipelinesFile.model_json_schema()
