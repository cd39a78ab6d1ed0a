"""The executor that the file chooses, and the limits of pools."""

import importlib
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from mysql_s3_redshift.config import ExecutionConfig, ExecutorName
from mysql_s3_redshift.defs.executors import build_executor
from mysql_s3_redshift.defs.pools import apply_pool_limits, pool_limits
from mysql_s3_redshift.errors import ConfigError
from mysql_s3_redshift_tests.config.documents import document, loaded, with_value
from mysql_s3_redshift_tests.defs.shop import Shop

SETTINGS: dict[ExecutorName, dict[str, Any]] = {
    ExecutorName.IN_PROCESS: {"retries": {"disabled": {}}},
    ExecutorName.MULTIPROCESS: {"max_concurrent": 2},
    ExecutorName.CELERY: {"broker": {"env": "NOT_SET_HERE"}},
    ExecutorName.KUBERNETES: {
        "job_image": "company/mysql-s3-redshift:1",
        "step_k8s_config": {"container_config": {"resources": {"limits": {"memory": "2Gi"}}}},
    },
}


@pytest.mark.parametrize("name", ExecutorName)
def test_every_engine_takes_its_settings_and_refuses_others(name: ExecutorName) -> None:
    """A variable that is not set where the definitions are loaded is no mistake."""
    build_executor(ExecutionConfig(executor=name, config=SETTINGS[name]))
    with pytest.raises(ConfigError, match="no_such_setting"):
        build_executor(ExecutionConfig(executor=name, config={"no_such_setting": 1}))


def test_an_engine_that_is_not_installed_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = importlib.import_module

    def without_celery(name: str, package: str | None = None) -> Any:
        if name == "dagster_celery":
            raise ModuleNotFoundError(name=name)
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", without_celery)
    with pytest.raises(ConfigError, match=r"mysql-s3-redshift\[celery\]"):
        build_executor(ExecutionConfig(executor=ExecutorName.CELERY))


def test_the_jobs_of_the_code_location_have_the_executor_of_the_file(shop: Shop) -> None:
    assert shop.definitions().resolve_job_def("p_sync").executor_def.name == "in_process"


def test_max_connections_becomes_the_limit_of_the_pool(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    config = loaded(tmp_path, with_value(("sources", "main", "max_connections"), 3))
    apply_pool_limits(instance, pool_limits(config, config.plans()))
    assert _limit(instance, "mysql_main") == 3


def test_without_max_connections_the_limit_that_somebody_set_stands(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    config = loaded(tmp_path, document())
    instance.event_log_storage.set_concurrency_slots("redshift_warehouse", 9)
    apply_pool_limits(instance, pool_limits(config, config.plans()))
    assert _limit(instance, "redshift_warehouse") == 9


def _limit(instance: dg.DagsterInstance, pool: str) -> int:
    [limit] = [one for one in instance.event_log_storage.get_pool_limits() if one.name == pool]
    instance.event_log_storage.delete_concurrency_limit(pool)
    return limit.limit
