"""Runs of programs: how long, how much memory, and the middle of several."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.workspace import BENCHMARKS, REPOSITORY

_LAUNCHER = BENCHMARKS / "programs" / "launch.py"
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one program.

    Attributes:
        seconds: What the program says it took, start-up left out; the whole process where it says
            nothing.
        wall: The whole process.
        cpu: Its processor seconds.
        peak_mb: Its largest resident memory.
        error: Why it did not succeed, in its own words; empty if it did.
        facts: What else the program printed.
    """

    seconds: float
    wall: float
    cpu: float
    peak_mb: float
    error: str
    facts: Mapping[str, Any]


def run_program(
    command: Sequence[str], *, timeout: float, environment: Mapping[str, str] | None = None
) -> Run:
    """Run a command to its end, or kill it after the timeout."""
    done = subprocess.run(
        [sys.executable, "-S", str(_LAUNCHER), str(timeout), *command],
        env={**os.environ, **(environment or {})},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    *printed, last = done.stdout.strip().splitlines() or ["{}"]
    report = json.loads(last) if last.startswith("{") else {}
    facts = _last_json(printed)
    error = ""
    if report.get("code") != 0:
        killed = report.get("code") == -9 and report["wall"] >= timeout
        error = f"stopped after {timeout:.0f} s" if killed else _reason(done.stderr, printed)
    wall = float(report.get("wall", 0))
    return Run(
        seconds=float(facts.get("seconds", wall)),
        wall=wall,
        cpu=float(report.get("cpu", 0)),
        peak_mb=float(report.get("peak_mb", 0)),
        error=error,
        facts=facts,
    )


def summary(runs: Sequence[Run]) -> dict[str, Any]:
    """Median and spread of the runs that succeeded; the error where none did."""
    good = [run for run in runs if not run.error]
    if not good:
        return {"error": runs[0].error, "runs": 0}
    seconds = [run.seconds for run in good]
    return {
        "seconds": statistics.median(seconds),
        "fastest": min(seconds),
        "slowest": max(seconds),
        "wall": statistics.median(run.wall for run in good),
        "cpu": statistics.median(run.cpu for run in good),
        "peak_mb": max(run.peak_mb for run in good),
        "runs": len(good),
        "all": [asdict(run) for run in runs],
    }


def _last_json(lines: Sequence[str]) -> dict[str, Any]:
    for line in reversed(lines):
        if line.startswith("{"):
            try:
                found = json.loads(line)
            except ValueError:
                continue
            if isinstance(found, dict):
                return found
    return {}


def _reason(stderr: str, printed: Sequence[str]) -> str:
    lines = [line.strip() for line in (*stderr.splitlines(), *printed) if line.strip()]
    telling = [line for line in lines if "rror" in line or "panic" in line or "ailed" in line]
    return (telling or lines or ["no message"])[-1][:_SHOWN]
