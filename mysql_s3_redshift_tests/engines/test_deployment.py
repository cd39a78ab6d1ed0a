"""The files of `deploy/`: what can be tried without Docker is tried."""

import json
import re
import shlex
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import dagster as dg
import grpc  # type: ignore[import-untyped]
import pytest
import yaml
from dagster_celery.cli import worker_start_command

from mysql_s3_redshift.config import ExecutionConfig
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.defs.executors import build_executor
from mysql_s3_redshift.defs.names import TABLE_TAG, run_tags
from mysql_s3_redshift.defs.pools import apply_pool_limits
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.config.documents import document, loaded, write
from mysql_s3_redshift_tests.engines.servers import (
    ROOT,
    SECONDS,
    instance_settings,
    instance_variables,
    make_home,
    open_home,
    program,
    wait_until,
)
from mysql_s3_redshift_tests.servers import free_port

DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
VARIABLE = re.compile(r"^# ?(\w+)=|^(\w+)=", re.MULTILINE)


def read_yaml(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))
    return found


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
        assert isinstance(instance.run_coordinator, dg.QueuedRunCoordinator)
        assert instance.run_coordinator.dequeue_use_threads
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


def test_every_variable_of_compose_is_documented() -> None:
    compose = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    example = (DEPLOY / "example.env").read_text(encoding="utf-8")
    documented = {name for pair in VARIABLE.findall(example) for name in pair}
    asked = re.findall(r"\$\{(\w+)", compose)
    assert len(asked) > 5
    assert set(asked) <= documented


def test_the_defaults_in_example_env_are_those_of_compose() -> None:
    compose = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    example = (DEPLOY / "example.env").read_text(encoding="utf-8")
    defaults = set(re.findall(r"\$\{(\w+):-([^}]+)\}", compose))
    assert defaults
    assert defaults <= set(re.findall(r"^# (\w+)=(.+)$", example, re.MULTILINE))


def test_the_command_of_the_image_serves_and_compose_sees_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checked as compose does, on another port; without the server the check fails."""
    command = json.loads(re.findall(r"^CMD (.+)$", DOCKERFILE, re.MULTILINE)[-1])
    port = str(free_port())
    words = ["127.0.0.1" if w == "0.0.0.0" else port if w == "4000" else w for w in command]
    monkeypatch.setenv("MYSQL_S3_REDSHIFT_CONFIG", str(write(tmp_path, document())))
    monkeypatch.setenv("DAGSTER_HOME", str(make_home(tmp_path / "home", {})))
    check = read_yaml("compose.yaml")["services"]["code"]["healthcheck"]["test"]
    assert check[:3] == ["CMD", "python", "-c"]
    probe = compile(check[3].replace("4000", port), "healthcheck", "exec")

    def is_healthy() -> bool:
        try:
            exec(probe, {})
        except SystemExit as end:
            return not end.code
        except grpc.RpcError:
            return False
        return False

    server = subprocess.Popen([program(words[0]), *words[1:]], cwd=tmp_path)
    try:
        wait_until("the code location", is_healthy)
    finally:
        server.terminate()
        server.wait(SECONDS)
    assert not is_healthy()


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
