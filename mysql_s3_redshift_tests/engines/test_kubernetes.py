"""`deploy/helm-values.yaml` without a cluster: the pods and the instance that come of it.

Checked against Dagster's own code, and by hand against the chart's schema and templates
(github.com/dagster-io/dagster, helm/dagster), of which only the names are repeated here.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster_k8s import DagsterK8sJobConfig, K8sRunLauncher, construct_dagster_k8s_job
from dagster_k8s.container_context import K8sContainerContext
from dagster_k8s.job import UserDefinedDagsterK8sConfig

from mysql_s3_redshift.config import load, step_name
from mysql_s3_redshift.defs.slice_graph import STEPS
from mysql_s3_redshift_tests.engines.servers import ROOT, make_home, open_home

VALUES: dict[str, Any] = yaml.safe_load((ROOT / "deploy/helm-values.yaml").read_text())
INSTANCE: dict[str, Any] = yaml.safe_load((ROOT / "deploy/dagster.yaml").read_text())
[SERVER] = VALUES["dagster-user-deployments"]["deployments"]
LAUNCHER: dict[str, Any] = VALUES["runLauncher"]["config"]["k8sRunLauncher"]
RUN_CONFIG = {
    "container_config": LAUNCHER["runK8sConfig"]["containerConfig"],
    "pod_spec_config": LAUNCHER["runK8sConfig"]["podSpecConfig"],
    "job_spec_config": LAUNCHER["runK8sConfig"]["jobSpecConfig"],
}
EXECUTOR: dict[str, Any] = yaml.safe_load(
    re.findall(
        r"```yaml\n(execution:\n  executor: kubernetes.*?)```",
        (ROOT / "docs/scaling.md").read_text(),
        re.DOTALL,
    )[0]
)["execution"]["config"]

# Helm ignores what it does not know, so that a mistyped section would be without effect.
SECTIONS = (
    "global serviceAccount generatePostgresqlPasswordSecret postgresql dagster-user-deployments "
    "runLauncher dagsterWebserver dagsterDaemon concurrency computeLogManager pythonLogs retention "
    "telemetry rabbitmq redis flower"
)
KEYS = {
    "global": "postgresqlSecretName dagsterHome serviceAccountName celeryConfigSecretName",
    "postgresql": "image enabled postgresqlHost postgresqlUsername postgresqlPassword "
    "postgresqlDatabase postgresqlParams postgresqlScheme service",
    "dagsterDaemon": "image resources runMonitoring runRetries sensors schedules",
    "dagsterWebserver": "image replicaCount service readinessProbe resources",
    "concurrency": "enabled pools runs",
    "pythonLogs": "pythonLogLevel managedPythonLoggers dagsterHandlerConfig",
    "retention": "enabled sensor schedule autoMaterialize",
}
SERVER_KEYS = (
    "name image dagsterApiGrpcArgs includeConfigInLaunchedRuns port envSecrets volumes "
    "volumeMounts readinessProbe podSecurityContext securityContext resources"
)


def snake_case(value: Any) -> Any:
    """Keys as Dagster writes them, from keys as its chart does; one is camel case in both."""
    if isinstance(value, list):
        return [snake_case(item) for item in value]
    if not isinstance(value, dict) or "applyLimitPerUniqueValue" in value:
        return value
    return {
        re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).lower(): snake_case(item)
        for key, item in value.items()
    }


def given(config: Mapping[str, Any]) -> K8sContainerContext:
    """Fields of pods and jobs; wrong ones are refused."""
    fields = UserDefinedDagsterK8sConfig.from_dict(config)  # type: ignore[no-untyped-call]
    return K8sContainerContext(run_k8s_config=fields)


def of_the_launcher() -> K8sContainerContext:
    """What the run launcher gives to every run, as the chart's template hands it on."""
    context = K8sContainerContext(
        image_pull_policy=LAUNCHER["imagePullPolicy"],
        service_account_name=VALUES["global"]["serviceAccountName"],
        env_secrets=[secret["name"] for secret in LAUNCHER["envSecrets"]],
        volumes=LAUNCHER["volumes"],
        volume_mounts=LAUNCHER["volumeMounts"],
        resources=LAUNCHER["resources"],
    )
    return context.merge(given(RUN_CONFIG))


def pod(context: K8sContainerContext) -> Any:
    """The Kubernetes job that Dagster makes of a run or step."""
    job = construct_dagster_k8s_job(
        DagsterK8sJobConfig(
            job_image=f"{SERVER['image']['repository']}:{SERVER['image']['tag']}",
            dagster_home="/opt/dagster/dagster_home",
            instance_config_map="dagster-instance",
            postgres_password_secret=VALUES["global"]["postgresqlSecretName"],
        ),
        ["dagster", "api", "execute_run"],
        "dagster-run-1",
        user_defined_k8s_config=context.run_k8s_config,
    )
    return job.to_dict()


def limits(context: K8sContainerContext) -> str:
    [container] = pod(context)["spec"]["template"]["spec"]["containers"]
    return str(container["resources"]["limits"]["memory"])


def test_the_values_are_those_of_the_chart() -> None:
    assert set(VALUES) <= set(SECTIONS.split())
    for section, known in KEYS.items():
        assert set(VALUES[section]) <= set(known.split()), section
    assert set(SERVER) <= set(SERVER_KEYS.split())


def test_the_run_launcher_takes_what_the_chart_hands_on() -> None:
    config = {
        "service_account_name": VALUES["global"]["serviceAccountName"],
        "instance_config_map": "dagster-instance",
        "postgres_password_secret": VALUES["global"]["postgresqlSecretName"],
        "dagster_home": "/opt/dagster/dagster_home",
        "image_pull_policy": LAUNCHER["imagePullPolicy"],
        "env_secrets": [secret["name"] for secret in LAUNCHER["envSecrets"]],
        "volumes": LAUNCHER["volumes"],
        "volume_mounts": LAUNCHER["volumeMounts"],
        "resources": LAUNCHER["resources"],
        "run_k8s_config": RUN_CONFIG,
    }

    @dg.op(config_schema=K8sRunLauncher.config_type())  # type: ignore[no-untyped-call]
    def launch(_context: dg.OpExecutionContext) -> None: ...

    @dg.job
    def job() -> None:
        launch()

    assert dg.validate_run_config(job, {"ops": {"launch": {"config": config}}})


def test_a_run_is_a_pod_without_rights_that_has_what_it_needs() -> None:
    job = pod(of_the_launcher())["spec"]
    spec = job["template"]["spec"]
    [container] = spec["containers"]
    assert container["resources"] == {
        "requests": {"cpu": "1", "memory": "1Gi"},
        "limits": {"memory": "2Gi"},
        "claims": None,
    }
    assert container["security_context"]["allow_privilege_escalation"] is False
    assert container["security_context"]["capabilities"]["drop"] == ["ALL"]
    assert {"replication-secrets"} <= {
        source["secret_ref"]["name"] for source in container["env_from"] if source["secret_ref"]
    }
    [mount], [volume] = container["volume_mounts"], spec["volumes"]
    assert (mount["mount_path"], mount["read_only"]) == ("/opt/replication", True)
    assert volume["config_map"]["name"] == "replication-pipelines"
    assert spec["security_context"]["run_as_non_root"] is True
    assert spec["security_context"]["run_as_user"] == 10001
    assert spec["service_account_name"] == "replication"
    assert spec["termination_grace_period_seconds"] == 120
    assert job["ttl_seconds_after_finished"] == 3600


def test_the_resources_of_the_code_server_are_not_those_of_runs() -> None:
    """Included in runs, they would win; secrets and files are the launcher's to give, then."""
    assert SERVER["includeConfigInLaunchedRuns"] == {"enabled": False}
    assert SERVER["envSecrets"] == LAUNCHER["envSecrets"]
    for key in ("volumes", "volumeMounts"):
        assert all(given in SERVER[key] for given in LAUNCHER[key])
    assert limits(of_the_launcher()) == "2Gi"


def test_the_command_line_next_to_the_code_server_has_the_instance_of_the_chart() -> None:
    """Runs get it from Dagster, which would refuse a second volume of that name."""
    [instance] = [volume for volume in SERVER["volumes"] if volume not in LAUNCHER["volumes"]]
    [mount] = [mount for mount in SERVER["volumeMounts"] if mount["name"] == instance["name"]]
    assert instance["configMap"] == {"name": "dagster-instance"}
    assert mount["mountPath"] == "/opt/dagster/dagster_home/dagster.yaml"
    assert mount["subPath"] == "dagster.yaml"


def test_the_code_server_is_probed_as_in_compose() -> None:
    """With the command that another test runs against a real server, and time enough for it."""
    probe = SERVER["readinessProbe"]
    command = probe["exec"]["command"]
    compose = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())
    assert command == compose["services"]["code"]["healthcheck"]["test"][1:]
    assert SERVER["port"] == 4000
    assert f"localhost:{SERVER['port']}" in command[-1]
    assert probe["timeoutSeconds"] > 20


def test_a_step_of_the_documented_executor_is_a_pod_with_its_own_resources() -> None:
    own = EXECUTOR["per_step_k8s_config"]
    plans = load(ROOT / "pipelines.yaml").plans()
    [step] = own.keys() - set(STEPS)
    assert step in {step_name(plan.load_key) for plan in plans}
    assert "slice" in own
    extraction = of_the_launcher().merge(given(EXECUTOR["step_k8s_config"]))
    load_step = extraction.merge(given(own[step]))
    assert (limits(extraction), limits(load_step)) == ("2Gi", "1Gi")


def test_the_instance_of_the_chart_is_that_of_compose(tmp_path: Path) -> None:
    """Sections as the chart's template writes them into `dagster.yaml`."""
    daemon = snake_case(VALUES["dagsterDaemon"])
    logs = VALUES["computeLogManager"]
    made = {
        "concurrency": snake_case(
            {k: v for k, v in VALUES["concurrency"].items() if k != "enabled"}
        ),
        "compute_logs": INSTANCE["compute_logs"]
        | {"class": logs["type"], "config": snake_case(logs["config"]["s3ComputeLogManager"])},
        "python_logs": snake_case(VALUES["pythonLogs"]),
        "telemetry": VALUES["telemetry"],
        "retention": snake_case({k: v for k, v in VALUES["retention"].items() if k != "enabled"}),
        **{key: daemon[key] for key in ("run_monitoring", "run_retries", "sensors", "schedules")},
    }
    for same in ("concurrency", "python_logs", "telemetry", "run_retries", "sensors", "schedules"):
        assert made[same] == INSTANCE[same]
    # The chart has no name for the longest run; the jobs of this project bring it as a tag.
    monitoring = INSTANCE["run_monitoring"] | {"max_resume_run_attempts": 0}
    del monitoring["max_runtime_seconds"]
    assert made["run_monitoring"] == monitoring
    with open_home(make_home(tmp_path / "home", made)) as instance:
        assert instance.run_monitoring_enabled
        assert instance.run_retries_enabled


def test_the_web_server_opens_a_port_that_a_process_without_rights_may_open() -> None:
    web = VALUES["dagsterWebserver"]
    assert web["service"]["port"] > 1024
    assert web["readinessProbe"]["httpGet"]["port"] == web["service"]["port"]


@pytest.mark.parametrize("section", ["dagsterWebserver", "dagsterDaemon"])
def test_one_image_serves_every_process(section: str) -> None:
    assert VALUES[section]["image"] == SERVER["image"]


def test_a_mistyped_field_of_a_pod_is_refused() -> None:
    """What `given` claims."""
    with pytest.raises(Exception, match="terminationGrace"):
        given({"pod_spec_config": {"terminationGrace": 1}})


def test_dagster_is_of_the_chart_that_the_values_name() -> None:
    text = (ROOT / "deploy/helm-values.yaml").read_text()
    [chart] = re.findall(r"dagster/dagster --version (\d+\.\d+)\.", text)
    assert dg.__version__.startswith(f"{chart}.")
