"""Section `execution`: which engine runs the steps of a run."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from pydantic import Field, model_validator

from mysql_s3_redshift.config.fields import Section
from mysql_s3_redshift.config.variables import is_reference


class ExecutorName(StrEnum):
    """The engines that can run steps."""

    IN_PROCESS = "in_process"
    MULTIPROCESS = "multiprocess"
    CELERY = "celery"
    KUBERNETES = "kubernetes"


class ExecutionConfig(Section):
    """Where the steps of a run are executed.

    The settings are the executor's own, and other programs read them from this file too (a Celery
    worker, by `dagster-celery worker start -y pipelines.yaml`), so they hold no `${VAR}`: Dagster's
    way to name a variable is `{env: VAR}`.
    """

    executor: ExecutorName = ExecutorName.IN_PROCESS
    """`in_process` (in the process of the run), `multiprocess`, `celery` or `kubernetes`."""
    config: dict[str, Any] = Field(default={})
    """Settings of the executor, in its own words; a variable is `{env: NAME}`."""

    @model_validator(mode="after")
    def _has_no_references(self) -> ExecutionConfig:
        if any(is_reference(text) for text in _texts(self.config)):
            raise ValueError("the executor's settings name a variable as `{env: NAME}`")
        return self


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value
