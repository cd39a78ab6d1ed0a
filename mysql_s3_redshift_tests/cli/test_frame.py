"""The frame of the command line: help, exit codes, error messages, the one JSON document."""

from __future__ import annotations

import getpass
import io
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from mysql_s3_redshift.adapters.s3.states import TableStates
from mysql_s3_redshift.cli import frame
from mysql_s3_redshift.cli.frame import COMMANDS
from mysql_s3_redshift_tests.cli.conftest import SCRIPT, Project

HEAVY = ("dagster", "pyarrow", "boto3", "sqlalchemy", "redshift_connector", "pydantic")


def test_help_answers_at_once():
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([str(SCRIPT), "--help"], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Its own work: the machine may be busy with something else.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.3


def leaves() -> list[tuple[str, ...]]:
    """Every command that does something, as words."""
    found: list[tuple[str, ...]] = []
    for name in COMMANDS:
        command = frame.cli.get_command(click.Context(frame.cli), name)
        assert command is not None
        inside = command.commands if isinstance(command, click.Group) else {}
        found += [(name, word) for word in inside] or [(name,)]
    return found


def test_no_help_imports_anything_heavy():
    code = (
        "import sys\nfrom mysql_s3_redshift.cli.frame import run\n"
        f"for command in {[(), *leaves()]!r}:\n"
        "    assert run([*command, '--help']) == 0, command\n"
        f"    assert not set({HEAVY!r}) & set(sys.modules), command\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("words", leaves(), ids=" ".join)
def test_every_command_shows_examples_and_the_global_options(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
):
    assert frame.run([*words, "--help"]) == 0
    shown = capsys.readouterr().out
    assert "--json" in shown
    assert (
        words == ("fault-points",) or f"mysql-s3-redshift {words[0]}" in shown.split("Examples:")[1]
    )
    examples = shown.partition("Examples:\n")[2].splitlines()
    assert all(line.startswith("  mysql-s3-redshift ") for line in examples), "none is wrapped"
    command = frame.cli.get_command(click.Context(frame.cli), words[0])
    for word in words[1:]:
        assert isinstance(command, click.Group)
        command = command.commands[word]
    assert command is not None
    options = [p for p in command.params if isinstance(p, click.Option)]
    assert all(option.help for option in options), "every option tells what it does"


@pytest.mark.parametrize(
    "arguments",
    [
        ["sync", "--no-such-option"],
        ["no-such-command"],
        ["sync", "--backup-only", "--redshift-only"],
        ["sync", "--to", "2025-01-01"],
        ["sync", "--from", "2025-01-02", "--to", "2025-01-01"],
        ["sync", "--from", "yesterday"],
        ["sync", "--from", "2025-02-30"],
        ["sync", "--redshift-only", "--limit", "5"],
        ["sync", "--limit", "0"],
        ["sync", "--limit", str(2**63)],
        ["sync", "--reload"],
        ["watermark", "reset", "-t", "a.b", "--mysql-only", "--redshift-only"],
        ["watermark", "import", "-t", "a.b", "--newer-than", "2025-01-01"],
        ["s3clean", "clean", "-p", "shop"],
        ["s3clean", "clean", "-p", "shop", "--older-than", "soon"],
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_2_and_names_it(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    """H-32: exit code 2."""
    assert frame.run(arguments) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert 1 <= len(told.err.strip().splitlines()) <= 3

    assert frame.run([*arguments, "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["exit_code"] == 2
    assert error["happened"]


def test_a_missing_configuration_exits_2_and_changes_nothing(project: Project):
    project.create("orders", rows=3)
    before = project.objects()
    result = project.run("sync", "--config", str(project.folder / "elsewhere.yaml"))
    assert result.code == 2
    assert "elsewhere.yaml" in result.err
    assert len(result.err.strip().splitlines()) <= 3
    assert "Traceback" not in result.err
    assert project.objects() == before


def test_an_unknown_table_exits_2_and_names_the_known_ones(project: Project):
    project.create("orders")
    result = project.run("watermark", "get", "-t", "nowhere.nothing")
    assert result.code == 2
    assert f"{project.database}.orders" in result.err


def test_an_unexpected_error_is_one_line_and_a_hint(
    project: Project, monkeypatch: pytest.MonkeyPatch
):
    """H-32: exit code 1; the traceback is for --debug."""
    project.create("orders")

    def broken(_: TableStates) -> None:
        raise RuntimeError("the moon\nfell")

    monkeypatch.setattr(TableStates, "read", broken)
    result = project.run("watermark", "list")
    assert result.code == 1
    assert result.err.splitlines() == [
        "Unexpected RuntimeError: the moon fell",
        "Run again with --debug for the details.",
    ]
    assert "Traceback" in project.run("watermark", "list", "--debug").err
    assert project.run("watermark", "list", "--json").document["error"]["exit_code"] == 1


def test_mysql_that_refuses_exits_5(project: Project):
    """H-32: exit code 5."""
    project.create("orders")
    project.write_config(user="nobody")
    result = project.run("sync", "--dry-run", "--json")
    assert result.code == 5
    assert result.document["error"]["kind"] == "SourceError"
    assert len(result.err.strip().splitlines()) <= 3
    assert project.objects() == {}


def test_mysql_that_is_down_exits_5(project: Project):
    project.create("orders")
    project.write_config(**{f"port: {project.facts['mysql']['port']}": "port: 9"})
    result = project.run("verify")
    assert result.code in {2, 5}
    result = project.run("sync", "--dry-run")
    assert result.code == 5
    assert "cannot be reached" in result.err


def test_s3_that_refuses_exits_6(project: Project):
    """H-32: exit code 6."""
    project.create("orders")
    project.write_config(**{project.facts["s3"]["secret_access_key"]: "wrong"})
    result = project.run("watermark", "get")
    assert result.code == 6
    assert "access keys" in result.err


def test_redshift_that_refuses_exits_7(project: Project):
    """H-32: exit code 7."""
    project.create("orders", rows=3)
    project.replicate("orders", loads=False)
    project.write_config(**{project.facts["redshift"]["password"]: "Wrong1234"})
    result = project.run("s3clean", "list")
    assert result.code == 7
    assert "refused the login" in result.err


def test_a_lost_race_exits_8_and_overwrites_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch
):
    """H-26, H-32: exit code 8."""
    table = project.create("orders", rows=3)
    project.replicate("orders")
    archive = TableStates.archive

    def another_run_commits(states: TableStates, action: str, **when: object) -> list[str]:
        project.insert("orders", 100, 5)
        project.replicate("orders")
        return archive(states, action, **when)  # type: ignore[arg-type]

    monkeypatch.setattr(TableStates, "archive", another_run_commits)
    result = project.run("watermark", "set", "-t", table, "--timestamp", "2024-01-01", "--yes")
    assert result.code == 8
    state = project.states("orders").extract.read()
    assert state is not None
    assert state.mysql_state.total_rows == 8
    assert not state.metadata["manual_watermark"]


def test_without_an_answer_nothing_is_changed(project: Project, monkeypatch: pytest.MonkeyPatch):
    table = project.create("orders", rows=3)
    project.replicate("orders")
    before = project.objects()
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    result = project.run("watermark", "reset", "-t", table)
    assert result.code == 2
    assert "Nothing was changed." in result.err
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    assert project.run("watermark", "reset", "-t", table).code == 2
    assert project.run("watermark", "reset", "-t", table, "--json").code == 2
    assert project.objects() == before


@pytest.mark.parametrize(
    "command", ["sync", "verify", "doctor", "watermark list", "s3clean clean-all"]
)
def test_a_file_without_pipelines_is_no_success(project: Project, command: str):
    """H-33: what compared or synced nothing does not look as if all were well."""
    project.config_path.write_text("sources: {}")
    result = project.run(*command.split(), "--json")
    assert result.code == 2
    assert "no pipelines" in result.document["error"]["happened"]
    assert "discover" in result.err


def test_a_reader_that_is_gone_is_no_unexpected_error():
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([str(SCRIPT), "--help"], stdout=writing, stderr=-1, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, b"")


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_output_that_cannot_be_written_is_told_in_a_line(project: Project, options: tuple[str]):
    project.create("orders")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [str(SCRIPT), "--config", str(project.config_path), "watermark", "list", *options],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "No space left on device" in done.stderr


def test_a_user_without_a_name_is_known_by_number(
    project: Project, monkeypatch: pytest.MonkeyPatch
):
    """Containers run under numbers that no password file has."""
    table = project.create("orders", rows=3)

    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr(getpass, "getuser", nobody)
    change = ("watermark", "set", "-t", table, "--timestamp", "2025-01-01", "--yes")
    assert project.run(*change).code == 0
    state = project.states("orders").extract.read()
    assert state is not None
    assert str(state.metadata["manual_change"]).count(f"uid-{os.getuid()}@") == 1


def test_a_folder_that_dagster_cannot_use_exits_2_and_is_named(
    project: Project, monkeypatch: pytest.MonkeyPatch
):
    table = project.create("orders")
    for folder, said in (
        (str(project.config_path / "below-a-file"), "below-a-file cannot be opened: "),
        ("~nobody-of-that-name/dagster", "that home folder is not known"),
    ):
        monkeypatch.setenv("DAGSTER_HOME", folder)
        result = project.run("sync", "-t", table)
        assert result.code == 2
        assert said in result.err
    assert project.objects() == {}


def test_fault_points_are_listed(capsys: pytest.CaptureFixture[str]):
    assert frame.run(["fault-points", "--json"]) == 0
    assert "load.before_commit" in json.loads(capsys.readouterr().out)["points"]
