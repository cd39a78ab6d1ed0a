"""The console script before it can do anything: Ctrl-C while modules are imported."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

SCRIPT = """
import os, signal, sys

class Interrupts:
    "Sends Ctrl-C in the middle of the imports."

    def find_spec(self, name, path=None, target=None):
        if name == "click":
            for _ in range({times}):
                os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.{handler})
sys.meta_path.insert(0, Interrupts())
from {module} import main
assert "click" not in sys.modules
sys.argv = ["mysql-s3-redshift", "fault-points", "--json"]
main()
"""


def interrupted(
    times: int, handler: str = "default_int_handler", module: str = "mysql_s3_redshift.cli.main"
) -> subprocess.CompletedProcess[str]:
    code = SCRIPT.format(times=times, handler=handler, module=module)
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("module", ["mysql_s3_redshift.cli.main", "mysql_s3_redshift.__main__"])
def test_ctrl_c_while_modules_are_imported_ends_as_at_any_other_time(module: str) -> None:
    done = interrupted(1, module=module)
    assert (done.returncode, done.stderr) == (
        130,
        "Interrupted.\nWhat was committed before stays.\n",
    )
    assert json.loads(done.stdout)["error"]["kind"] == "Interrupted"


def test_the_second_ctrl_c_does_not_wait_for_the_imports() -> None:
    done = interrupted(2)
    assert (done.returncode, done.stderr, done.stdout) == (130, "", "")


def test_an_interrupt_that_is_ignored_stays_ignored() -> None:
    """A shell without job control starts its background so."""
    done = interrupted(1, "SIG_IGN")
    assert (done.returncode, done.stderr) == (0, "")
