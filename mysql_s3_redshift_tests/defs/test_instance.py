"""The instance that runs of the command line are recorded in."""

from __future__ import annotations

from pathlib import Path

import pytest

from mysql_s3_redshift.config import load
from mysql_s3_redshift.defs.instance import open_instance
from mysql_s3_redshift_tests.project import ROOT


@pytest.mark.parametrize(
    ("own", "enabled"), [("# none yet\n", False), ("telemetry: {enabled: true}", True)]
)
def test_nothing_is_reported_to_anybody_unless_the_settings_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: str, enabled: bool
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text(own)
    (tmp_path / "pipelines.yaml").write_text((ROOT / "pipelines.yaml").read_text())
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    with open_instance(load(tmp_path / "pipelines.yaml")) as instance:
        assert instance.telemetry_enabled is enabled
