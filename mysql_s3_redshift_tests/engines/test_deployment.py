"""The files of `deploy/`: what can be tried without Docker and Kubernetes is tried."""

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster_celery.cli import worker_start_command
from dagster_k8s import K8sRunLauncher

from mysql_s3_redshift.config import ExecutionConfig
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.defs.executors import build_executor
from mysql_s3_redshift.defs.names import TABLE_TAG, run_tags
from mysql_s3_redshift.defs.pools import apply_pool_limits
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.config.documents import document, loaded
from mysql_s3_redshift_tests.engines.servers import (
    ROOT,
    instance_settings,
    instance_variables,
    make_home,
    open_home,
)

DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
VARIABLE = re.compile(r"^# ?(\w+)=|^(\w+)=", re.MULTILINE)


def read_yaml(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))
    return found


def snake_case(value: Any) -> Any:
    """Keys as Dagster writes them, from keys as its chart does."""
    if isinstance(value, dict):
        return {
            key if "/" in key else re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).lower(): snake_case(
                item
            )
            for key, item in value.items()
        }
    return [snake_case(item) for item in value] if isinstance(value, list) else value


def test_the_instance_starts_on_postgresql(
    sandbox: SandboxStatus,
    dagster_postgres: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The file as it is, but for the address of S3."""
    for name, value in instance_variables(sandbox, dagster_postgres, "deployment").items():
        monkeypatch.setenv(name, value)
    with open_home(make_home(tmp_path / "home", instance_settings(sandbox))) as instance:
        assert "Postgres" in type(instance.event_log_storage).__name__
        assert type(instance.compute_log_manager).__name__ == "S3ComputeLogManager"
        assert instance.run_monitoring_enabled
        assert instance.run_retries_enabled
        assert instance.event_log_storage.supports_global_concurrency_limits
        instance.add_dynamic_partitions("written", ["and read"])
        assert instance.get_dynamic_partitions("written") == ["and read"]


def test_pools_have_their_default_before_runs_need_it(
    sandbox: SandboxStatus,
    dagster_postgres: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On PostgreSQL, Dagster fails runs that begin a pool together, or find it changed."""
    for name, value in instance_variables(sandbox, dagster_postgres, "deployment").items():
        monkeypatch.setenv(name, value)
    settings = instance_settings(sandbox)
    for default in (4, 2):
        settings["concurrency"]["pools"]["default_limit"] = default
        with open_home(make_home(tmp_path / f"home{default}", settings)) as instance:
            storage = instance.event_log_storage
            storage.set_concurrency_slots("mysql_by_hand", 7)
            apply_pool_limits(instance, {"mysql_by_file": 3, "mysql_db": None})
            apply_pool_limits(instance, {"mysql_by_hand": None})
            assert {one.name: one.limit for one in storage.get_pool_limits()} == {
                "mysql_db": default,
                "mysql_by_file": 3,
                "mysql_by_hand": 7,
            }
            assert _job_of_a_pool("mysql_db").execute_in_process(instance=instance).success


def _job_of_a_pool(pool: str) -> dg.JobDefinition:
    @dg.op(pool=pool)
    def connects() -> None: ...

    @dg.job
    def job() -> None:
        connects()

    return job


def test_one_run_a_table_is_what_the_queue_counts(tmp_path: Path) -> None:
    [limit] = read_yaml("dagster.yaml")["concurrency"]["runs"]["tag_concurrency_limits"]
    [plan] = loaded(tmp_path, document()).plans()
    assert isinstance(plan, TablePlan)
    assert limit["key"] == TABLE_TAG
    assert TABLE_TAG in run_tags(plan)


def test_helm_and_compose_have_the_same_queue_and_pools() -> None:
    chart = {
        k: v for k, v in read_yaml("helm-values.yaml")["concurrency"].items() if k != "enabled"
    }
    own = read_yaml("dagster.yaml")["concurrency"]
    assert {k: snake_case(v) for k, v in chart.items()} == snake_case(own)


def test_the_pods_of_the_chart_are_what_the_run_launcher_takes() -> None:
    settings = read_yaml("helm-values.yaml")["runLauncher"]["config"]["k8sRunLauncher"]
    launcher = {
        "service_account_name": "replication",
        "instance_config_map": "dagster-instance",
        "postgres_password_secret": "dagster-postgresql-secret",
        "dagster_home": "/opt/dagster/dagster_home",
        "image_pull_policy": settings["imagePullPolicy"],
        "resources": settings["resources"],
        "run_k8s_config": snake_case(settings["runK8sConfig"]),
    }
    schema = K8sRunLauncher.config_type()  # type: ignore[no-untyped-call]
    checked = dg.validate_run_config(_job_that_takes(schema), _ops(launcher))
    assert checked


def _job_that_takes(schema: Any) -> dg.JobDefinition:
    @dg.op(config_schema=schema)
    def takes(_context: dg.OpExecutionContext) -> None: ...

    @dg.job
    def job() -> None:
        takes()

    return job


def _ops(config: dict[str, Any]) -> dict[str, Any]:
    return {"ops": {"takes": {"config": config}}}


def test_the_image_is_made_of_files_that_are_there() -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    copies = [shlex.split(line) for line in DOCKERFILE.splitlines() if line.startswith("COPY ")]
    sources = [
        word
        for copy in copies
        if not any(word.startswith("--from") for word in copy)
        for word in [w for w in copy[1:] if not w.startswith("--")][:-1]
    ]
    assert len(sources) >= 4
    for source in sources:
        assert (ROOT / source).exists()
        assert f"!{source}" in ignored


def test_the_image_installs_extras_that_exist_and_runs_without_rights() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    [extras] = re.findall(r"pip install [^\n]*'\.\[([\w,]+)\]'", DOCKERFILE)
    assert (
        {"celery", "kubernetes"} <= set(extras.split(",")) <= set(project["optional-dependencies"])
    )
    assert re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE)[-1] == "10001"


def test_every_variable_of_the_instance_is_set_by_compose() -> None:
    needed = set(re.findall(r"env: (\w+)", (DEPLOY / "dagster.yaml").read_text(encoding="utf-8")))
    example = (DEPLOY / "example.env").read_text(encoding="utf-8")
    given = {name for pair in VARIABLE.findall(example) for name in pair}
    given |= set(read_yaml("compose.yaml")["x-process"]["environment"])
    assert needed <= given


def test_the_worker_of_compose_is_started_by_a_command_that_celery_takes() -> None:
    command = read_yaml("compose.yaml")["services"]["worker"]["command"]
    assert command[:3] == ["dagster-celery", "worker", "start"]
    words = [str(ROOT / "pipelines.yaml") if w.endswith("pipelines.yaml") else w for w in command]
    parsed = worker_start_command.make_context("start", words[3:]).params
    assert (parsed["app"], parsed["queue"]) == ("dagster_celery.app", ("dagster",))


EXAMPLES = re.findall(
    r"```yaml\n(execution:.*?)```",
    (ROOT / "docs/scaling.md").read_text(encoding="utf-8"),
    re.DOTALL,
)


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_every_executor_in_the_documentation_is_one(tmp_path: Path, number: int) -> None:
    section = yaml.safe_load(EXAMPLES[number])["execution"]
    execution: ExecutionConfig = loaded(tmp_path, document(execution=section)).execution
    assert build_executor(execution).name


def test_the_documentation_shows_every_engine() -> None:
    shown = {yaml.safe_load(example)["execution"]["executor"] for example in EXAMPLES}
    assert shown == {"multiprocess", "celery", "kubernetes"}
