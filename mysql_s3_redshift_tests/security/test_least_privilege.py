"""The grants and policies of docs/security.md: a sync needs all of them, and nothing more."""

from __future__ import annotations

import fnmatch
import json
import re
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient as BotocoreClient

from mysql_s3_redshift.sandbox import s3_server
from mysql_s3_redshift_tests.security.deployment import Deployment, documented
from mysql_s3_redshift_tests.security.test_deployment import fill

ACTIONS = {
    "PutObject": "s3:PutObject",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "GetObject": "s3:GetObject",
    "HeadObject": "s3:GetObject",
    "ListObjectsV2": "s3:ListBucket",
    "DeleteObjects": "s3:DeleteObject",
}
BaseClient: Any = BotocoreClient

Permission = tuple[str, str]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> set[Permission]:
    """The permissions that the calls to S3 need: action and resource."""
    found: set[Permission] = set()
    send = BaseClient._make_api_call

    def record(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        action, bucket = ACTIONS[operation], f"arn:aws:s3:::{parameters['Bucket']}"
        keys = [parameters["Key"]] if "Key" in parameters else []
        keys += [entry["Key"] for entry in parameters.get("Delete", {}).get("Objects", [])]
        if action == "s3:ListBucket":
            found.add((action, bucket))
        found.update((action, f"{bucket}/{key}") for key in keys)
        try:
            return send(client, operation, parameters)
        except client.exceptions.ClientError as error:
            if operation == "GetObject" and error.response["Error"]["Code"] == "NoSuchKey":
                found.add(("s3:ListBucket", bucket))  # or S3 would not tell that it is absent
            raise

    monkeypatch.setattr(BaseClient, "_make_api_call", record)
    return found


def permissions(policy: str, prefix: str) -> set[Permission]:
    """What a documented policy allows of S3, for the tests' bucket and prefix."""
    text = documented(f"policy: {policy}").replace("company-lake", s3_server.BUCKET)
    text = text.replace(f"{s3_server.BUCKET}/mysql/", f"{s3_server.BUCKET}/{prefix}/")
    allowed = set()
    for statement in json.loads(text)["Statement"]:
        assert statement["Effect"] == "Allow"
        assert "Condition" not in statement
        for action in _listed(statement["Action"]):
            for resource in _listed(statement["Resource"]):
                if action.startswith("s3:"):
                    allowed.add((action, resource))
    return allowed


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def assert_covered(asked: set[Permission], allowed: set[Permission]) -> set[Permission]:
    """Every permission asked for is allowed; returns those that were used."""
    used = set()
    for action, resource in asked:
        fitting = {
            (a, pattern)
            for a, pattern in allowed
            if a == action and fnmatch.fnmatchcase(resource, pattern)
        }
        assert fitting, f"{action} on {resource} is not allowed"
        used |= fitting
    return used


def test_the_grants_of_the_documentation_are_all_that_a_sync_has(deployment: Deployment) -> None:
    fill(deployment, 3)
    name = deployment.database
    grants = deployment.servers.mysql.rows(f"SHOW GRANTS FOR {name}@'%'")
    shown = sorted(re.sub(r" TO .*", "", str(row[0])) for row in grants)
    seen = {"mariadb": "PROCESS, SLAVE MONITOR", "mysql": "PROCESS, REPLICATION CLIENT"}
    assert shown == [
        f"GRANT {seen[deployment.servers.mysql.flavor]} ON *.*",
        f"GRANT SELECT ON `{name}`.*",
    ]
    owner = f"SELECT usename FROM pg_namespace, pg_user WHERE nspname = '{name}' "
    assert deployment.redshift_rows(f"{owner} AND usesysid = nspowner") == [("awsuser",)]
    extracted, loaded = deployment.sync(deployment.plans()[0])
    assert (extracted.rows, len(loaded.files)) == (3, 1)
    ceiling = extracted.ceiling
    assert ceiling is not None
    assert ceiling.method == "proven", "PROCESS shows what is open"
    deployment.servers.mysql.run(f"ALTER TABLE {name}.orders ADD COLUMN extra VARCHAR(10)")
    fill_more(deployment)
    extracted, loaded = deployment.sync(deployment.plans()[0])
    assert (extracted.rows, len(loaded.files)) == (1, 1)
    assert deployment.target_rows("orders", "COUNT(*), COUNT(extra)") == [(4, 0)]


def test_extracting_asks_for_what_its_policy_allows_and_uses_all_of_it(
    deployment: Deployment, asked: set[Permission]
) -> None:
    fill(deployment, 3)
    allowed = permissions("extract", deployment.prefix)
    plan = deployment.plans()[0]
    deployment.extract(plan)
    used = assert_covered(asked, allowed)
    deployment.load(plan)
    asked.clear()
    deployment.servers.mysql.run(f"ALTER TABLE {deployment.database}.orders ADD COLUMN extra INT")
    deployment.extract(plan)
    with_whole_table(deployment)
    used |= assert_covered(asked, allowed)
    # Only a run that fails gives an upload up.
    assert {action for action, _ in allowed - used} == {"s3:AbortMultipartUpload"}


def test_loading_asks_for_what_its_policy_allows_and_uses_all_of_it(
    deployment: Deployment, asked: set[Permission]
) -> None:
    fill(deployment, 3)
    plan = deployment.plans()[0]
    deployment.extract(plan)
    asked.clear()
    deployment.load(plan)
    allowed = permissions("load", deployment.prefix)
    assert assert_covered(asked, allowed) == allowed


def test_copy_reads_what_its_role_may_read(deployment: Deployment) -> None:
    fill(deployment, 3)
    extracted, loaded = deployment.sync(deployment.plans()[0])
    allowed = permissions("copy", deployment.prefix)
    uris = [file.uri for file in extracted.files] + [load.manifest_uri for load in loaded.loads]
    needed = {("s3:GetObject", uri.replace("s3://", "arn:aws:s3:::")) for uri in uris}
    needed.add(("s3:ListBucket", f"arn:aws:s3:::{s3_server.BUCKET}"))
    assert assert_covered(needed, allowed) == allowed


def test_doctor_needs_no_more_than_extracting_and_copy_do(
    deployment: Deployment, asked: set[Permission]
) -> None:
    fill(deployment, 3)
    code, printed = deployment.run("--json", "doctor")
    document = json.loads(printed)
    assert [f for f in document["findings"] if f["status"] != "ok"] == []
    assert code == 0
    assert_covered(asked, permissions("extract", deployment.prefix))
    written = {resource for action, resource in asked if resource.endswith(".parquet")}
    assert len(written) == 1
    assert_covered(
        {("s3:GetObject", uri) for uri in written}, permissions("copy", deployment.prefix)
    )


def test_the_policies_differ_only_in_what_they_should() -> None:
    """Nobody but the extracting process writes data; nobody but the loading one marks loads."""
    by_role = {role: permissions(role, "p") for role in ("extract", "load", "copy")}
    writes = {
        role: {resource.split("/p/")[1] for action, resource in found if action == "s3:PutObject"}
        for role, found in by_role.items()
    }
    assert writes["copy"] == set()
    assert writes["extract"] & writes["load"] == {"state/.conditional-writes"}


def fill_more(deployment: Deployment) -> None:
    deployment.servers.mysql.run(
        f"INSERT INTO {deployment.database}.orders (note, updated_at) VALUES ('more', NOW(6))"
    )


def with_whole_table(deployment: Deployment) -> None:
    """A table without a cursor, read whole twice: what did not change is deleted again."""
    name = deployment.database
    deployment.servers.mysql.run(
        f"CREATE TABLE {name}.rates (a INT PRIMARY KEY)", f"INSERT INTO {name}.rates VALUES (1)"
    )
    tables = deployment.sections["pipelines"]["shop"]["tables"]
    tables[f"{name}.rates"] = {"cdc_strategy": "full_sync", "load_mode": "replace"}
    plan = deployment.plans()[1]
    deployment.extract(plan)
    assert deployment.extract(plan).files == ()


def test_the_documents_paths_exist() -> None:
    text = Path(__file__).parents[2].joinpath("docs/security.md").read_text()
    for kind in ("grants: mysql", "grants: mariadb", "grants: redshift", "policy: copy"):
        assert f"<!-- {kind} -->" in text
