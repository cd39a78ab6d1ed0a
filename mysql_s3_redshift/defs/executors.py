"""The executor of every job: section `execution` of `pipelines.yaml` in Dagster's terms.

Packages of other engines are imported only where the file asks for them.
"""

import importlib
from typing import Any

import dagster as dg

from mysql_s3_redshift.config import ExecutionConfig, ExecutorName
from mysql_s3_redshift.errors import ConfigError

_ENGINES = {
    ExecutorName.CELERY: ("dagster_celery", "celery_executor", "celery"),
    ExecutorName.KUBERNETES: ("dagster_k8s", "k8s_job_executor", "kubernetes"),
}
"""Module, name in it, and the extra of this project that installs it."""


def build_executor(execution: ExecutionConfig) -> dg.ExecutorDefinition:
    """Make the executor that the file asks for.

    Raises:
        ConfigError: Its package is not installed, or it does not know the settings.
    """
    executor: dg.ExecutorDefinition = _executor(execution.executor)
    if not execution.config:
        return executor
    configured: dg.ExecutorDefinition = executor.configured(execution.config, name=executor.name)
    problems = _problems(configured)
    if problems:
        raise ConfigError(
            f"`execution.config` does not fit the executor `{execution.executor}`: {problems[0]}",
            kept="Nothing was read or written.",
            remedy="The settings are those of Dagster's executor; docs/scaling.md has examples.",
        )
    return configured


def _problems(executor: dg.ExecutorDefinition) -> list[str]:
    """What Dagster has against the settings.

    Dagster itself looks only when a run starts. A variable that is not set here is no problem: it
    may be set where runs are executed.
    """
    schema: Any = executor.config_schema
    errors = schema.resolve_config({}).errors or []
    return [e.message for e in errors if e.reason.name != "FAILED_POST_PROCESSING"]


def _executor(name: ExecutorName) -> Any:
    if name is ExecutorName.IN_PROCESS:
        return dg.in_process_executor
    if name is ExecutorName.MULTIPROCESS:
        return dg.multiprocess_executor
    module, attribute, extra = _ENGINES[name]
    try:
        return getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"`execution.executor` is `{name}`, and the module `{error.name}` is not installed.",
            kept="Nothing was read or written.",
            remedy=f"Install it on every machine that loads the definitions or runs steps: "
            f"pip install 'mysql-s3-redshift[{extra}]'",
        ) from error
