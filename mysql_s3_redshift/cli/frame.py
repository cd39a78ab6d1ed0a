"""The frame of all commands: which there are, and how they end.

Every failure ends as at most three lines on stderr (what happened, what was kept, what to do) and
the exit code of its kind; with `--json` also as the one document on stdout.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Sequence

import click

from mysql_s3_redshift.cli.app import DOCUMENT_VERSION, LazyGroup
from mysql_s3_redshift.errors import ExitCode, ReplicationError

PROGRAM = "mysql-s3-redshift"
_CLI = "mysql_s3_redshift.cli"

COMMANDS = {
    "sync": (f"{_CLI}.sync:sync", "Copy what is new from MySQL to S3 and on to Redshift."),
    "watermark": (f"{_CLI}.watermark:watermark", "Show and change where tables stand."),
    "watermark-count": (
        f"{_CLI}.watermark_count:watermark_count",
        "Compare all counts of tables; note rows of adopted ones.",
    ),
    "verify": (f"{_CLI}.verify:verify", "Compare tables in MySQL and Redshift."),
    "s3clean": (f"{_CLI}.s3clean:s3clean", "List and delete files on S3."),
    "discover": (f"{_CLI}.discover:discover", "Print a stanza for the tables of a MySQL source."),
    "doctor": (f"{_CLI}.doctor:doctor", "Try every precondition on all three systems."),
    "sandbox": (f"{_CLI}.sandbox:sandbox", "Run a local MySQL, S3 and Redshift with demo data."),
    "fault-points": (f"{_CLI}.fault_points:fault_points", ""),
}


@click.group(
    cls=LazyGroup,
    commands_by_name=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Every command has --help with examples. Exit codes: 0 done, 1 unexpected, 2 usage or "
    "configuration, 3 some tables failed, 4 data or counts differ, 5 MySQL, 6 S3, 7 Redshift, "
    "8 state conflict.",
)
@click.version_option(package_name=PROGRAM, prog_name=PROGRAM)
def cli(**_globals: object) -> None:
    """Keep MySQL tables in Amazon Redshift, by way of parquet on S3."""


def run(arguments: Sequence[str], *, interrupted: bool = False) -> int:
    """Run one command; returns its exit code.

    Args:
        arguments: Those of the command line.
        interrupted: Whether Ctrl-C came already.
    """
    code = _run(arguments, interrupted=interrupted)
    try:
        sys.stdout.flush()
    except OSError as unwritable:
        _give_output_up(unwritable)
        return code or int(ExitCode.UNEXPECTED)
    return code


def _run(arguments: Sequence[str], *, interrupted: bool) -> int:
    as_json, debug = "--json" in arguments, "--debug" in arguments
    try:
        if interrupted:
            signal.raise_signal(signal.SIGINT)
        result = cli.main(args=list(arguments), prog_name=PROGRAM, standalone_mode=False)
    except click.ClickException as error:
        _tell_usage_error(error, as_json=as_json)
        return int(ExitCode.USAGE)
    except ReplicationError as error:
        if debug:
            traceback.print_exc()
        # Some commands print their document first, and fail because of what it says.
        tell_error(error, as_json=as_json and not getattr(error, "document_printed", False))
        return int(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        # click turns Ctrl-C into Abort.
        code = 128 + signal.SIGINT
        kept = "What was committed before stays."
        _tell("Interrupted", "Interrupted.", kept=kept, code=code, as_json=as_json)
        return code
    except SystemExit as error:
        # click exits by itself with 0 after a completion, and with 1 when the reader of our output
        # is gone, as `head` is.
        if error.code == int(ExitCode.UNEXPECTED):
            return 128 + signal.SIGPIPE
        raise
    except Exception as error:  # noqa: BLE001  the boundary: the user gets a line, not a traceback
        if debug:
            traceback.print_exc()
        hint = "" if debug else "Run again with --debug for the details."
        happened = f"Unexpected {type(error).__name__}: {_one_line(error)}"
        code = int(ExitCode.UNEXPECTED)
        _tell("Unexpected", happened, remedy=hint, code=code, as_json=as_json)
        return code
    return result if isinstance(result, int) else int(ExitCode.DONE)


def error_document(error: ReplicationError) -> dict[str, object]:
    """An error as the JSON documents hold it."""
    return {
        "kind": _kind(error),
        "happened": error.happened,
        "kept": error.kept,
        "remedy": error.remedy,
        "exit_code": int(error.exit_code),
        "retryable": error.retryable,
    }


def _kind(error: ReplicationError) -> str:
    """The class of errors.py that it is, which scripts may rely on."""
    public = (c for c in type(error).__mro__ if c.__module__ == ReplicationError.__module__)
    return next(public).__name__


def tell_error(error: ReplicationError, *, as_json: bool) -> None:
    """Say what happened, what was kept and what to do, a line each."""
    for line in (error.happened, error.kept, error.remedy):
        if line:
            click.echo(_one_line(line), err=True)
    if as_json:
        _print_failure(error_document(error))


def _tell_usage_error(error: click.ClickException, *, as_json: bool) -> None:
    context = getattr(error, "ctx", None)
    if isinstance(error, click.exceptions.NoArgsIsHelpError) and not as_json:
        click.echo(error.format_message(), err=True)
        return
    click.echo(_one_line(error.format_message()), err=True)
    hint = f"Try `{context.command_path} --help`." if context is not None else ""
    if hint:
        click.echo(hint, err=True)
    if as_json:
        facts = {"kind": "UsageError", "happened": error.format_message(), "remedy": hint}
        _print_failure(
            {
                **facts,
                "kept": "Nothing was changed.",
                "exit_code": int(ExitCode.USAGE),
                "retryable": False,
            }
        )


def _tell(
    kind: str, happened: str, *, kept: str = "", remedy: str = "", code: int, as_json: bool
) -> None:
    for line in (happened, kept, remedy):
        if line:
            click.echo(line, err=True)
    if as_json:
        facts = {"kind": kind, "happened": happened, "kept": kept, "remedy": remedy}
        _print_failure({**facts, "exit_code": code, "retryable": False})


def _print_failure(error: dict[str, object]) -> None:
    document = {"version": DOCUMENT_VERSION, "status": "failed", "error": error}
    try:
        click.echo(json.dumps(document, indent=2, ensure_ascii=False, default=str))
    except OSError as unwritable:
        _give_output_up(unwritable)


def _give_output_up(unwritable: OSError) -> None:
    """Say that stdout cannot be written, and drop what waits to be.

    Python would try again when it ends, and exit with 120 (Python documentation, `signal`, "Note on
    SIGPIPE").
    """
    click.echo(f"Standard output cannot be written: {unwritable.strerror}.", err=True)
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _one_line(text: object) -> str:
    return " ".join(str(text).split())
