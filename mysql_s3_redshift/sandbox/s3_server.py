"""The S3 server: SeaweedFS where its wheel exists, else moto.

SeaweedFS is a real server: it persists, checks signatures and decides conditional writes
atomically. Moto (macOS) offers the same endpoint and forgets everything when it stops.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from mysql_s3_redshift.errors import StorageError
from mysql_s3_redshift.sandbox.ports import HOST
from mysql_s3_redshift.sandbox.processes import Server
from mysql_s3_redshift.sandbox.settings import Settings, write_private

BUCKET = "lake"
_PROBE_BUCKET = "sandbox-probe"
REGION = "us-east-1"
PORTS = ("s3", "s3_master", "s3_volume", "s3_filer", "s3_admin")


def s3_server(folder: Path, settings: Settings) -> Server:
    """Describe the S3 server of a sandbox."""
    data, identities = folder / "s3", folder / "s3.json"
    weed = find_weed()

    def prepare() -> None:
        data.mkdir(exist_ok=True)
        write_private(identities, _identities(settings))

    return Server(
        name="s3",
        command=(
            _moto_command(settings)
            if weed is None
            else _weed_command(weed, settings, data=data, identities=identities)
        ),
        # Without a limit SeaweedFS keeps up to 1 GB after large writes; with it 240 MB.
        environment={"GOMEMLIMIT": "300MiB", "GOGC": "50"},
        log=folder / "s3.log",
        prepare=prepare,
        probe=lambda: _probe(s3_client(settings, attempts=1)),
        not_ready=(BotoCoreError, ClientError),
        failure=StorageError,
    )


def endpoint_url(settings: Settings) -> str:
    """Return the address of the S3 server."""
    return f"http://{HOST}:{settings.ports['s3']}"


def s3_client(settings: Settings, *, attempts: int = 5) -> Any:
    """Return a boto3 client for the S3 server."""
    return boto3.client(
        "s3",
        endpoint_url=endpoint_url(settings),
        aws_access_key_id=settings.secrets.s3_access_key_id,
        aws_secret_access_key=settings.secrets.s3_secret_access_key,
        region_name=REGION,
        config=Config(retries={"total_max_attempts": attempts}, connect_timeout=2, read_timeout=30),
    )


def _probe(client: Any) -> None:
    """Write and read an object, then make sure of the bucket.

    Listing buckets is not enough: for some seconds after a start under load, SeaweedFS may know all
    names while the server that holds the content has not registered yet.
    """
    existing = {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}
    for name in (_PROBE_BUCKET, BUCKET):
        if name not in existing:
            client.create_bucket(Bucket=name)
    client.put_object(Bucket=_PROBE_BUCKET, Key="probe", Body=b"ready")
    client.get_object(Bucket=_PROBE_BUCKET, Key="probe")["Body"].read()


def find_weed() -> str | None:
    """Find SeaweedFS, which its wheel puts beside the Python of the environment."""
    beside_python = Path(sys.executable).with_name("weed")
    return str(beside_python) if beside_python.exists() else shutil.which("weed")


def _weed_command(
    weed: str, settings: Settings, *, data: Path, identities: Path
) -> tuple[str, ...]:
    # `mini`, not `server`: that one needs 18 s for a restart and first answers 500.
    ports = settings.ports
    return (
        weed,
        "-logtostderr=true",
        "mini",
        f"-dir={data}",
        f"-ip={HOST}",
        f"-ip.bind={HOST}",
        f"-s3.port={ports['s3']}",
        f"-master.port={ports['s3_master']}",
        f"-volume.port={ports['s3_volume']}",
        f"-filer.port={ports['s3_filer']}",
        f"-admin.port={ports['s3_admin']}",
        f"-s3.config={identities}",
        "-s3.iam=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-admin.ui=false",
        "-webdav=false",
        "-volume.preStopSeconds=0",
        "-master.telemetry=false",  # On by default: it would report to telemetry.seaweedfs.com.
    )


def _moto_command(settings: Settings) -> tuple[str, ...]:
    return (sys.executable, "-m", "moto.server", "-H", HOST, "-p", str(settings.ports["s3"]))


def _identities(settings: Settings) -> str:
    credentials = {
        "accessKey": settings.secrets.s3_access_key_id,
        "secretKey": settings.secrets.s3_secret_access_key,
    }
    actions = ["Admin", "Read", "List", "Tagging", "Write"]
    identity = {"name": "sandbox", "credentials": [credentials], "actions": actions}
    return json.dumps({"identities": [identity]}, indent=2) + "\n"
