"""Every command once for people and once with `--json`, through the installed console script.

The commands of the list run in its order on one project. Most run the script's file in this
process, which saves a second of imports each; of every kind one has a process of its own.
"""

from __future__ import annotations

import contextlib
import io
import runpy
import shlex
import sys
from dataclasses import dataclass

import pytest

from mysql_s3_redshift.cli.frame import COMMANDS
from mysql_s3_redshift_tests.cli.conftest import SCRIPT, Project, Result
from mysql_s3_redshift_tests.cli.test_import import v2

APPEND = "{cdc_strategy: id_only, cdc_id_column: id, load_mode: append}"


@dataclass(frozen=True, slots=True)
class Step:
    """One command, what it says to people, and what its document has.

    Attributes:
        command: `{t}` is the table `orders`, `{o}` one that the old tool had, `{d}` the database.
        says: A part of its text, on stdout or stderr.
        keys: Keys of its document.
        code: Exit code, both times.
        process: Whether to start a process.
        again: The command of the second time, with `--json`, where it differs.
    """

    command: str
    says: str
    keys: tuple[str, ...]
    code: int = 0
    process: bool = False
    again: str = ""


STEPS = (
    Step("doctor -p shop", "conditional writes are kept", ("status", "findings")),
    Step("discover shop_db --schema {d}", "cdc_strategy: hybrid", ("source", "tables")),
    Step("sync -t {t} --dry-run", "Nothing was changed.", ("tables",)),
    Step("sync -t {t} --verify-data", "success", ("status", "tables"), process=True),
    Step("sandbox compare", "some tables differ", ("status", "tables"), code=4),
    Step("watermark get -t {t}", "Extraction: MySQL → S3", ("tables",), process=True),
    Step("watermark list", "watermark", ("tables",)),
    Step(
        "watermark set -t {t} --timestamp '2025-01-01 00:00:50' --why tried --yes",
        "the next query is `update_at` >= '2025-01-01 00:00:50'",
        ("table", "next_query", "version_before"),
    ),
    Step("watermark history -t {t}", "tried", ("table", "versions")),
    Step("watermark restore -t {t} --yes", "Undo:", ("table", "next_query")),
    Step("watermark-count validate-counts -t {t}", "target: rows", ("status", "tables")),
    Step(
        "watermark-count set-count -t {t} --count 0 --mode additive --yes",
        "0 adopted rows",
        ("table", "adopted_rows", "loaded_rows"),
    ),
    Step("verify -t {t}", "target rows and source rows", ("status", "tables")),
    Step("verify -t {t} --deep", "differing rows: 1", ("status", "tables"), code=4, process=True),
    Step("s3clean list -t {t}", "loaded  pending  orphan", ("tables",)),
    Step("s3clean orphans -t {t}", "Nothing to delete.", ("status", "tables")),
    Step(
        "s3clean clean -t {t} --pattern '*_00000001.parquet' --yes", "1 file deleted", ("tables",)
    ),
    Step("s3clean clean-all -t {t} --yes", "deleted", ("tables",)),
    Step("watermark reset -t {t} --yes", "the next query is the whole table", ("generation",)),
    Step("watermark force-reset -t {t} --yes", "Undo:", ("generation",)),
    Step(
        "watermark import -t {o} --state-prefix {p}/old --yes",
        "the next query is",
        ("imported_from", "next_query"),
        again="watermark import -t {d}.older --state-prefix {p}/old --yes",
    ),
    Step("fault-points", "load.before_commit", ("points",)),
    Step("sandbox --folder {f} status", "running", ("mysql", "s3", "redshift", "config")),
)


@pytest.fixture(scope="module")
def day(shared: Project) -> Project:
    """`orders` is synced by the steps; the old tool has `old` and `older`."""
    for name in ("orders", "old", "older"):
        shared.create(name, rows=100)
    for name in ("old", "older"):
        key = f"{shared.facts['prefix']}/old/watermarks/v2/{shared.database}_{name}.json"
        body = v2(f"{shared.database}.{name}", [], last_timestamp="2025-01-01T00:01:30", last_id=90)
        shared.put(key, body)
    return shared


def test_every_command_tells_people_and_programs(day: Project):
    """H-32, H-33."""
    for step in STEPS:
        if "--deep" in step.command:
            day.redshift("UPDATE {s}.orders SET v = 'broken' WHERE id = 7")
        told = run(day, step.command, process=step.process)
        assert told.code == step.code, f"{step.command}\n{told.out}{told.err}"
        assert step.says in told.out + told.err, f"{step.command}\n{told.out}{told.err}"
        assert "\x1b[" not in told.out + told.err, "colours are for terminals"
        assert "Traceback" not in told.err

        again = run(day, f"{step.again or step.command} --json", process=step.process)
        assert again.code == step.code, f"{step.command}\n{again.err}"
        document = again.document
        assert list(document)[:2] == ["version", "command"], step.command
        assert document["version"] == "1.0"
        assert step.command.replace(" --folder {f}", "").startswith(
            document["command"].split(" -")[0]
        )
        assert set(step.keys) <= set(document), step.command


def test_the_module_is_the_console_script(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(sys, "argv", ["mysql_s3_redshift", "--version"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("mysql_s3_redshift", run_name="__main__")
    assert not ended.value.code
    assert "mysql-s3-redshift" in capsys.readouterr().out


def test_no_command_is_left_out():
    known = {name for name, (_, shown) in COMMANDS.items() if shown}
    assert known <= {step.command.split()[0] for step in STEPS}


def test_errors_of_usage_are_a_document_too(day: Project):
    """H-32."""
    told = run(day, "sync --no-such-option --json", process=True)
    assert told.code == 2
    assert told.document["error"]["kind"] == "UsageError"
    assert len(told.err.strip().splitlines()) <= 3


def run(project: Project, command: str, *, process: bool) -> Result:
    """Run the installed script, in the project's folder."""
    names = {
        "t": f"{project.database}.orders",
        "o": f"{project.database}.old",
        "d": project.database,
        "p": project.facts["prefix"],
        "f": project.sandbox.folder,
    }
    words = shlex.split(command.format(**names))
    if process:
        return project.script(*words)
    out, err = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patched,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        patched.chdir(project.folder)
        patched.setattr(sys, "argv", [str(SCRIPT), *words])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(SCRIPT), run_name="__main__")
    code = ended.value.code
    return Result(code if isinstance(code, int) else 0, out.getvalue(), err.getvalue())
