"""A canary in every credential; it must appear in nothing that the product writes or shows."""

from __future__ import annotations

import contextlib
import logging
import secrets
import threading
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil
import pytest

from mysql_s3_redshift.errors import ReplicationError
from mysql_s3_redshift.sandbox import s3_server
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.security.conftest import PASSPHRASE
from mysql_s3_redshift_tests.security.deployment import Deployment
from mysql_s3_redshift_tests.security.test_deployment import fill
from mysql_s3_redshift_tests.servers import s3_client

SALT = "Canary1 salt of hashes"
WEBHOOK = "http://127.0.0.1:9/Canary1-hook"
LOOKS = 20
IN_HEADERS = ("access_key_id", "session_token")
"""botocore's debug log, which `--debug` leaves alone, shows the headers of every request."""

FAILURES = {
    ("sources", "shop", "password"): "MySQL source shop refused the login",
    ("targets", "warehouse", "password"): "Redshift target warehouse refused the login",
    ("storages", "lake", "secret_access_key"): "S3 refused",
    ("storages", "lake", "access_key_id"): "S3 refused",
    ("storages", "lake", "session_token"): "S3 refused",
    ("targets", "warehouse", "ssh", "private_key_passphrase"): "passphrase does not open",
}


@pytest.fixture
def canaries(deployment: Deployment) -> Deployment:
    """The deployment with a secret in every field that takes one."""
    fill(deployment, 3)
    pipeline = deployment.sections["pipelines"]["shop"]
    pipeline["alerts"] = {"webhook": WEBHOOK}
    (table,) = pipeline["tables"]
    pipeline["tables"][table]["columns"] = {"hash": ["note"], "hash_salt": SALT}
    return deployment


def secrets_of(deployment: Deployment) -> list[str]:
    """Every secret that the document holds; the Redshift end's is a part of its COPY statements."""
    sections = deployment.sections
    return [
        sections["sources"]["shop"]["password"],
        sections["targets"]["warehouse"]["password"],
        sections["targets"]["warehouse"]["ssh"]["private_key_passphrase"],
        sections["storages"]["lake"]["secret_access_key"],
        PASSPHRASE,
        SALT,
        "Canary1-hook",
    ]


class ProcessWatch(threading.Thread):
    """Collects the command lines of the processes that come up, as `/proc` shows them to all."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.lines: set[str] = set()
        self._looks: Counter[int] = Counter(psutil.pids() * LOOKS)
        self._done = threading.Event()

    def run(self) -> None:
        while not self._done.wait(0.01):
            for pid in psutil.pids():
                # A process has its parent's words at first: it is looked at more than once.
                if self._looks[pid] < LOOKS:
                    self._looks[pid] += 1
                    with contextlib.suppress(psutil.Error):
                        words = psutil.Process(pid).cmdline()
                        if words and "ssh-keygen" not in words[0]:  # the set-up of another test
                            self.lines.add(" ".join(words))

    def __enter__(self) -> ProcessWatch:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self.join(60)


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Every logger of the process at its lowest level, drivers included."""
    with caplog.at_level(logging.DEBUG):
        for name in ("botocore", "boto3", "redshift_connector", "urllib3", "mysql_s3_redshift"):
            caplog.set_level(logging.DEBUG, logger=name)
        yield caplog


def stored_objects(s3: SandboxStatus, prefix: str) -> Mapping[str, bytes]:
    client = s3_client(s3)
    bucket = s3_server.BUCKET
    listing = client.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/").get("Contents", [])
    keys = [entry["Key"] for entry in listing]
    return {key: client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def access_key_of(deployment: Deployment) -> str:
    """The storage's; it is no secret, and is not shown all the same."""
    return str(deployment.sections["storages"]["lake"]["access_key_id"])


def own_logs(caplog: pytest.LogCaptureFixture) -> str:
    """What this project logged, tracebacks included."""
    formatter = logging.Formatter("%(message)s")
    records = [r for r in caplog.records if r.name.startswith("mysql_s3_redshift")]
    assert records
    return "\n".join(formatter.format(record) for record in records)


def assert_absent(found: list[str], text: str, place: str) -> None:
    for canary in found:
        assert canary not in text, f"a secret is shown in {place}"


def test_a_sync_shows_no_secret_in_logs_documents_files_or_processes(
    canaries: Deployment, s3_server: SandboxStatus, everything_logged: pytest.LogCaptureFixture
) -> None:
    plan = canaries.plans()[0]
    with ProcessWatch() as watch:
        extracted, loaded = canaries.sync(plan)
    assert (extracted.rows, len(loaded.files)) == (3, 1)
    hidden = secrets_of(canaries)
    assert any("ssh-tunnel" in line for line in watch.lines)
    assert_absent(hidden, "\n".join(watch.lines), "the process list")
    assert "redshift_connector" in {
        record.name.split(".")[0] for record in everything_logged.records
    }
    assert_absent(hidden, everything_logged.text, "the logs")
    hidden.append(access_key_of(canaries))
    assert_absent(hidden, own_logs(everything_logged), "the project's own logs")
    objects = stored_objects(s3_server, canaries.prefix)
    assert {key.split("/")[1] for key in objects} == {"data", "loads", "schemas", "state"}
    for key, body in objects.items():
        assert_absent(hidden, body.decode("latin-1"), key)
    assert_absent(hidden, repr(plan), "the plan")
    assert_absent(hidden, repr(extracted) + repr(loaded), "the reports")


@pytest.mark.parametrize("path", FAILURES, ids=".".join)
def test_a_wrong_credential_is_told_without_its_value(
    canaries: Deployment, everything_logged: pytest.LogCaptureFixture, path: tuple[str, ...]
) -> None:
    wrong = f"Canary1-wrong-{secrets.token_hex(6)}"
    broken = canaries.changed(path, wrong)
    with ProcessWatch() as watch, pytest.raises(ReplicationError) as failed:
        broken.sync(broken.plans()[0])
    shown = "".join(traceback.format_exception(failed.value))
    assert FAILURES[path] in shown
    logs = own_logs(everything_logged) if path[-1] in IN_HEADERS else everything_logged.text
    for text in (shown, logs, "\n".join(watch.lines)):
        assert_absent([wrong, *secrets_of(canaries)], text, "what is shown")


def test_the_command_line_and_dagsters_memory_show_no_secret(
    canaries: Deployment,
    everything_logged: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Events, metadata, run configuration and compute logs, of a success and of a failure."""
    hidden = [*secrets_of(canaries), access_key_of(canaries)]
    wrong = f"Canary1-wrong-{secrets.token_hex(6)}"
    home = canaries.folder / "dagster"
    home.mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    texts = []
    for deployment, expected in (
        (canaries, 0),
        (canaries.changed(("targets", "warehouse", "password"), wrong), 7),
    ):
        fill_one_more(deployment)
        code, output = deployment.run("--debug", "sync")
        assert code == expected, output
        texts += [output, own_logs(everything_logged)]
    assert "refused the login" in texts[2]
    assert_absent([wrong, *hidden], "\n".join(texts), "the output")
    for file in everything_in(home):
        assert_absent([wrong, *hidden], file.read_bytes().decode("latin-1"), str(file))


def test_commands_that_look_show_no_secret(
    canaries: Deployment, everything_logged: pytest.LogCaptureFixture
) -> None:
    """SQL of a dry run, whose COPY has keys, and what goes wrong at the ends of a connection."""
    hidden = [*secrets_of(canaries), access_key_of(canaries)]
    wrong = f"Canary1-wrong-{secrets.token_hex(6)}"
    broken = canaries.changed(("sources", "shop", "password"), wrong)
    texts = []
    for command in ("sync --dry-run", "doctor", "discover shop --json"):
        for deployment, expected in ((canaries, 0), (broken, 5)):
            code, output = deployment.run("--debug", *command.split())
            assert code == expected, output
            texts.append(output)
    assert "COPY " in texts[0]
    assert_absent([wrong, *hidden], "\n".join(texts), "the output")
    assert_absent([wrong, *hidden], own_logs(everything_logged), "the logs")


def fill_one_more(deployment: Deployment) -> None:
    deployment.servers.mysql.run(
        f"INSERT INTO {deployment.database}.orders (note, updated_at) VALUES ('more', NOW(6))"
    )


def everything_in(folder: Path) -> list[Path]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert any(path.suffix == ".db" for path in files)
    return files
