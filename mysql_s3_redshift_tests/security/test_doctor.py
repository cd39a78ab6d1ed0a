"""What `doctor` tells of connections, on servers that demand TLS, behind bastions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.client import BaseClient as BotocoreClient

from mysql_s3_redshift.adapters import probes
from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.adapters.probes import FAILED, OK, WARNING, Finding
from mysql_s3_redshift.config import load
from mysql_s3_redshift_tests.security.deployment import Deployment, run_in_redshift
from mysql_s3_redshift_tests.security.test_deployment import fill

BaseClient: Any = BotocoreClient


def findings_of(deployment: Deployment, *subjects: str) -> list[Finding]:
    """What the probes of a source, a storage or a target tell."""
    with Connections(load(deployment.write())) as connections:
        plan = deployment.plans()[0]
        probed = {
            "source": lambda: probes.probe_source("shop", connections),
            "storage": lambda: probes.probe_storage("lake", connections),
            "target": lambda: probes.probe_target(plan, connections),
            "schemas": lambda: probes.probe_schemas(plan, connections),
        }
        return [f for name in subjects for f in probes.guarded(name, probed[name])]


def test_names_in_grants_are_no_privileges():
    grants = ["GRANT SELECT (`update`, `x``drop`) ON `shop`.`process` TO 'delete'@'%'"]
    assert probes.privilege_words(grants).split()[:2] == ["GRANT", "SELECT"]
    words = set(probes.privilege_words(grants).replace("`", " ").split())
    assert words.isdisjoint({"UPDATE", "DROP", "PROCESS", "DELETE"})


def test_it_shows_the_bastion_the_cipher_and_the_name_that_was_verified(
    deployment: Deployment,
) -> None:
    fill(deployment, 1)
    code, printed = deployment.run("doctor")
    assert code == 0, printed
    assert printed.count("encrypted: TLSv1.") == 2
    assert printed.count("; the certificate names localhost") == 2
    assert printed.count("through ") == 2
    assert "conditional writes are kept" in printed
    assert f"tables can be created in schema {deployment.schema}" in printed
    for end in ("sources", "targets"):
        (section,) = deployment.sections[end].values()
        assert f"@127.0.0.1:{section['ssh']['port']} with the key" in printed


@pytest.mark.parametrize(
    ("path", "mode", "status", "said"),
    [
        (("sources", "shop", "tls"), {"mode": "required"}, WARNING, "was not checked"),
        (("sources", "shop", "tls"), {"mode": "verify_ca"}, OK, "was not compared"),
        (("targets", "warehouse", "sslmode"), "verify-ca", OK, "was not compared"),
    ],
)
def test_it_tells_what_is_not_known_of_the_other_end(
    deployment: Deployment, path: tuple[str, ...], mode: Any, status: str, said: str
) -> None:
    if mode == {"mode": "verify_ca"}:
        mode = mode | {"ca": str(deployment.servers.authority.path)}
    changed = deployment.changed(path, mode)
    found = findings_of(changed, path[0].removesuffix("s"))
    (finding,) = [f for f in found if f.what.startswith("encrypted: TLSv1.")]
    assert finding.status == status
    assert said in finding.what
    if status == WARNING:
        assert finding.remedy.startswith("Set sources.shop.tls.mode: verify_identity")


@pytest.mark.parametrize(
    ("mode", "host", "status"),
    [("disabled", "db.internal", WARNING), ("disabled", "localhost", OK)],
)
def test_no_encryption_is_a_warning_off_this_machine(mode: str, host: str, status: str) -> None:
    finding = probes._encryption("source x", "sources.x.tls.mode", mode, cipher=None, host=host)
    assert finding.status == status
    assert bool(finding.remedy) == (status == WARNING)


def test_a_key_of_the_bastion_that_others_can_read_is_told_with_the_chmod(
    deployment: Deployment, tmp_path: Any
) -> None:
    key = tmp_path / "key"
    key.write_bytes(b"-----BEGIN OPENSSH PRIVATE KEY-----")
    key.chmod(0o644)
    changed = deployment.changed(("sources", "shop", "ssh", "private_key"), str(key))
    (finding,) = findings_of(changed, "source")
    assert (finding.status, finding.remedy) == (FAILED, f"Run `chmod 600 {key}`.")


def test_a_schema_without_create_is_told_with_its_grant(deployment: Deployment) -> None:
    name = deployment.schema
    run_in_redshift(deployment.servers, f"REVOKE CREATE ON SCHEMA {name} FROM {name}")
    first, second = findings_of(deployment, "schemas")
    assert (first.status, second.status) == (FAILED, OK)
    assert first.remedy == f'GRANT USAGE, CREATE ON SCHEMA "{name}" TO "{name}"'
    run_in_redshift(deployment.servers, first.remedy)
    assert [f.status for f in findings_of(deployment, "schemas")] == [OK, OK]
    elsewhere = deployment.changed(("targets", "warehouse", "ledger_schema"), f"{name}_none")
    _, absent = findings_of(elsewhere, "schemas")
    assert absent.status == FAILED
    assert f'CREATE SCHEMA "{name}_none"' in absent.remedy


def test_a_store_that_ignores_preconditions_fails(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = BaseClient._make_api_call

    def ignore(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        parameters.pop("IfMatch", None)
        return send(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", ignore)
    found = findings_of(deployment, "storage")
    failed = [f for f in found if f.status == FAILED]
    assert [f.what.partition(", so")[0] for f in failed] == [
        f"The store of s3://{deployment.sections['storages']['lake']['bucket']} ignores the "
        "precondition of a write (If-None-Match, If-Match)"
    ]
    assert found[-1].what == "objects can be deleted"
    assert "conditional writes" in failed[0].remedy
    assert json.dumps(failed[0].code) == "6"
