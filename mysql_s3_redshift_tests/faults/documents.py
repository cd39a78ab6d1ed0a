"""What `pipelines.yaml` says of a sandbox's servers."""

from __future__ import annotations

from typing import Any

from mysql_s3_redshift.sandbox.sandbox import SandboxStatus


def connections_document(sandbox: SandboxStatus, prefix: str, ledger: str) -> dict[str, Any]:
    """Source `db`, storage `lake` below a prefix, and target `warehouse` with its ledger schema."""
    access, reader = sandbox.document(), sandbox.mysql_reader
    return {
        "sources": {
            "db": {
                "host": reader.host,
                "port": reader.port,
                "user": reader.user,
                "password": reader.password,
            }
        },
        "storages": {"lake": {**access["s3"], "prefix": prefix, "region": "us-east-1"}},
        "targets": {
            "warehouse": {
                **access["redshift"],
                "copy_role": "default",
                "sslmode": "disable",
                "ledger_schema": ledger,
            }
        },
    }
