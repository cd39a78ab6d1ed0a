"""What a terminal shows, and what a pipe gets: colours, bars, long lists, completion."""

from __future__ import annotations

import io
import os
import signal
from pathlib import Path

import pytest

from mysql_s3_redshift.cli import text
from mysql_s3_redshift.cli.frame import run
from mysql_s3_redshift.cli.interrupts import Interrupts
from mysql_s3_redshift.cli.progress import ProgressLines
from mysql_s3_redshift.cli.progress_bars import ProgressBars
from mysql_s3_redshift.cli.sync_run import _summarize
from mysql_s3_redshift.defs.sync import TableOutcome
from mysql_s3_redshift.errors import TargetError

CONFIG = """
sources: {db: {host: localhost, user: u, password: p}}
storages: {lake: {bucket: company-lake, prefix: mysql, region: us-west-2}}
targets: {warehouse: {host: localhost, database: dev, user: u, password: p, copy_role: default}}
pipelines:
  shop: {source: db, storage: lake, target: warehouse, tables: {shop.orders: {}, shop.items: {}}}
  billing: {source: db, storage: lake, target: warehouse, tables: {billing.invoices: {}}}
"""


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def shown_on(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> str:
    """What a table with a status is on a stream."""
    monkeypatch.setattr("sys.stdout", stream)
    text.write_table(("table", "status", "rows"), [("shop.orders", "failed", 1_234_567)])
    return stream.getvalue()


class Gone(io.StringIO):
    """A stream whose reader went away."""

    def write(self, _text: str) -> int:
        raise BrokenPipeError


def test_a_log_that_nobody_reads_ends_neither_a_run_nor_its_last_chunk(
    monkeypatch: pytest.MonkeyPatch,
):
    """Ctrl-C ends the `tee` of `sync 2>&1 | tee log`, too."""
    monkeypatch.setattr("sys.stderr", Gone())
    ProgressLines()("shop/shop.orders", "started", {"rows": 5})
    with Interrupts() as interrupts:
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupts.stopping()
    with pytest.raises(BrokenPipeError):
        text.echo("an error", err=True)


def test_colours_are_for_terminals_and_no_color_turns_them_off(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    on_terminal = shown_on(Terminal(), monkeypatch)
    assert "\x1b[31mfailed" in on_terminal
    plain = shown_on(io.StringIO(), monkeypatch)
    assert plain.splitlines() == [
        "table        status       rows",
        "shop.orders  failed  1,234,567",
    ]
    monkeypatch.setenv("NO_COLOR", "1")
    assert shown_on(Terminal(), monkeypatch) == plain


def test_bars_are_for_terminals_that_move_their_cursor(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    assert text.shows_bars()
    monkeypatch.setenv("TERM", "dumb")
    assert not text.shows_bars()
    monkeypatch.setattr("sys.stderr", io.StringIO())
    monkeypatch.setenv("TERM", "xterm")
    assert not text.shows_bars()


def test_of_many_tables_only_those_under_way_have_a_bar():
    names = [f"shop/shop.t{number}" for number in range(200)]
    bars = ProgressBars(names)
    assert bars.shown() == ["200 tables"]
    for name in names[:3]:
        bars(name, "started", {})
    bars(names[0], "extracted", {"files": 2, "rows": 900})
    bars(names[0], "loaded", {"files": 2, "rows": 900})
    bars(names[0], "finished", {"status": "success"})
    assert bars.shown() == ["200 tables", *names[1:3]]
    few = ProgressBars(names[:3])
    few(names[0], "started", {})
    few(names[0], "finished", {"status": "success"})
    assert few.shown() == names[:3]


def test_the_summary_of_many_tables_names_what_moved_and_what_failed(
    capsys: pytest.CaptureFixture[str],
):
    outcomes = {f"shop/shop.t{n}": TableOutcome("success", pending_files=0) for n in range(200)}
    outcomes["shop/shop.t7"] = TableOutcome("success", rows_extracted=5, files_written=1)
    broken = TargetError("Redshift refused it.", kept="Nothing.", remedy="Grant it.")
    outcomes["shop/shop.t9"] = TableOutcome("failed", error=broken)
    _summarize(outcomes)
    told = capsys.readouterr()
    assert [line.split()[0] for line in told.out.splitlines()] == [
        "table",
        "shop/shop.t7",
        "shop/shop.t9",
        "total",
        "198",
    ]
    assert "198 other tables: nothing new" in told.out
    assert "199/200" in told.out
    assert told.err.strip().splitlines() == [
        "shop/shop.t9 failed:",
        "Redshift refused it.",
        "Nothing.",
        "Grant it.",
    ]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("s3cl", ["s3clean"]),
        ("watermark re", ["reset", "restore"]),
        ("sync --ba", ["--backup-only"]),
        ("sync -p ", ["shop", "billing"]),
        ("verify -t shop.", ["shop.orders", "shop.items"]),
        ("verify -p billing -t ", ["billing.invoices"]),
        ("--config elsewhere.yaml sync -p ", []),
    ],
)
def test_the_shell_completes_commands_options_and_names(
    line: str,
    offered: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    (tmp_path / "pipelines.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("_MYSQL_S3_REDSHIFT_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", f"mysql-s3-redshift {line}")
    monkeypatch.setenv("COMP_CWORD", str(len(f"{line}|".split())))
    with pytest.raises(SystemExit):
        run([])
    entries = capsys.readouterr().out.split()
    assert [entry.partition(",")[2] for entry in entries] == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_scripts_of_the_shells_are_printed(
    shell: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """docs/cli.md tells how to take them."""
    monkeypatch.setenv("_MYSQL_S3_REDSHIFT_COMPLETE", f"{shell}_source")
    with pytest.raises(SystemExit):
        run([])
    assert f"_MYSQL_S3_REDSHIFT_COMPLETE={shell}_complete" in capsys.readouterr().out
