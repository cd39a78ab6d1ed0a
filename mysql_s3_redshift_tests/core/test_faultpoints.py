"""Fault points: strict about what they are asked for, silent when they are asked for nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import mysql_s3_redshift
from mysql_s3_redshift.core import faultpoints
from mysql_s3_redshift.core.faultpoints import ALL_POINTS, InjectedFaultError, reach
from mysql_s3_redshift.errors import ConfigError

PACKAGE = Path(mysql_s3_redshift.__file__).parent


def test_every_declared_point_is_passed_in_the_code_and_every_passed_one_is_declared() -> None:
    passed = {
        point
        for file in PACKAGE.rglob("*.py")
        for point in re.findall(r'\breach\("([a-z_.]+)"\)', file.read_text(encoding="utf-8"))
    }
    assert passed == set(ALL_POINTS)


def test_nothing_is_armed_without_the_variable() -> None:
    assert faultpoints._armed is None
    for point in ALL_POINTS:
        reach(point)
    reach("no such point, and nobody looks")


def test_a_fault_strikes_once_at_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    faults = faultpoints._Faults("extract.after_upload=raise@3, load.after_copy=raise")
    monkeypatch.setattr(faultpoints, "_armed", faults)
    reach("extract.after_upload")
    reach("extract.after_upload")
    with pytest.raises(InjectedFaultError, match=r"extract\.after_upload"):
        reach("extract.after_upload")
    reach("extract.after_upload")
    reach("load.before_copy")
    with pytest.raises(InjectedFaultError):
        reach("load.after_copy")


@pytest.mark.parametrize(
    "text",
    [
        "nowhere=kill",
        "extract.after_upload",
        "extract.after_upload=explode",
        "load.after_copy=kill@x",
    ],
)
def test_what_is_no_fault_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        faultpoints._Faults(text)
