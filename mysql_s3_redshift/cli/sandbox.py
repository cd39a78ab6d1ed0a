"""`mysql-s3-redshift sandbox`: the local MySQL, S3 and Redshift."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mysql_s3_redshift.cli.app import App, Group, pass_app
from mysql_s3_redshift.errors import ConfigError, ExitCode

# The sandbox's own dependencies are an extra of the package: they are imported by the commands.
if TYPE_CHECKING:
    from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
    from mysql_s3_redshift.sandbox.traffic import TrafficReport

_SERVERS = ("mysql", "s3", "redshift", "web")
_STOPPED = {"mysql": ExitCode.MYSQL, "s3": ExitCode.S3, "redshift": ExitCode.REDSHIFT}


@click.group(cls=Group)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="The sandbox's folder; default: .sandbox next to pipelines.yaml.",
)
def sandbox(folder: Path | None) -> None:
    """Run a local MySQL, S3 and Redshift on loopback, with demo data."""


def _require_extra() -> None:
    """Say what to install where the sandbox's own packages are missing.

    Raises:
        ConfigError: They are.
    """
    try:
        import mysql_s3_redshift.sandbox.sandbox  # noqa: F401
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"The sandbox needs the package {error.name}, which is not installed.",
            kept="Nothing was started.",
            remedy="Install it with `pip install 'mysql-s3-redshift[sandbox]'`.",
        ) from error


def _folder(app: App) -> Path:
    """The folder that the group's option names."""
    context = click.get_current_context().parent
    given: Path | None = context.params.get("folder") if context is not None else None
    return given or app.config_path.parent / ".sandbox"


def _report(app: App) -> Callable[[str], None]:
    """Where steps are told: beside the document, where one is asked for."""
    return partial(click.echo, err=app.as_json)


@sandbox.command(examples=("sandbox up", "sandbox up --scale 0.1", "sandbox up --no-data --json"))
@click.option(
    "--scale",
    type=click.FloatRange(0.0001, 10.0),
    default=1.0,
    show_default=True,
    help="Size of the demo data; 1 is 1.5 million rows.",
)
@click.option("--no-data", is_flag=True, help="Start the servers only.")
@click.option("--time-zone", metavar="±HH:MM", help="Time zone of the MySQL server; remembered.")
@pass_app
def up(app: App, *, scale: float, no_data: bool, time_zone: str | None) -> None:
    """Start what does not run yet, and create the demo data once.

    Safe to run again at any time: running servers and existing data are left alone.
    """
    _require_extra()
    from mysql_s3_redshift.sandbox import sandbox as sandboxes
    from mysql_s3_redshift.sandbox.demo_data import create_demo_data

    started, folder, report = time.monotonic(), _folder(app), _report(app)
    current = sandboxes.up(folder, time_zone=time_zone, report=report)
    if not no_data:
        current = create_demo_data(folder, scale=scale, report=report)
    seconds = time.monotonic() - started
    if app.as_json:
        facts = {"status": "success", "seconds": round(seconds, 3), **current.document()}
        app.print_json("sandbox up", facts)
        return
    _print_status(current)
    click.echo(f"ready in {seconds:.1f} s")


@sandbox.command(examples=("sandbox down", "sandbox down mysql"))
@click.argument("servers", nargs=-1, type=click.Choice(_SERVERS))
@pass_app
def down(app: App, *, servers: tuple[str, ...]) -> None:
    """Stop all servers, or the named ones; their data stays."""
    _require_extra()
    from mysql_s3_redshift.sandbox import sandbox as sandboxes

    stopped = sandboxes.down(_folder(app), servers or (sandboxes.WEB, *sandboxes.SERVERS))
    if app.as_json:
        app.print_json("sandbox down", {"status": "success", "stopped": list(stopped)})
        return
    click.echo(f"stopped {', '.join(stopped)}" if stopped else "nothing was running")


@sandbox.command(examples=("sandbox status", "sandbox status --json"))
@pass_app
def status(app: App) -> None:
    """Show the servers and how to connect to them.

    The exit code is that of the first server that does not run: 5 MySQL, 6 S3, 7 Redshift.
    """
    _require_extra()
    from mysql_s3_redshift.sandbox import sandbox as sandboxes

    current = sandboxes.status(_folder(app))
    if app.as_json:
        running = [name for name in _STOPPED if current.running[name]]
        web = {"web_ui": current.web_address}
        app.print_json("sandbox status", {**current.document(), **web, "running": running})
    else:
        _print_status(current)
    stopped = [code for name, code in _STOPPED.items() if not current.running[name]]
    if stopped:
        click.get_current_context().exit(stopped[0])


@sandbox.command(examples=("sandbox ui", "sandbox ui --foreground"))
@click.option("--foreground", is_flag=True, help="Stay until Ctrl-C instead of returning.")
@pass_app
def ui(app: App, *, foreground: bool) -> None:
    """Start the web UI with its sensors, and print its address."""
    _require_extra()
    from mysql_s3_redshift.sandbox import sandbox as sandboxes
    from mysql_s3_redshift.sandbox import web_ui

    folder, report = _folder(app), _report(app)
    current = sandboxes.up(folder, (sandboxes.WEB,), report=report)
    address = web_ui.address(current.settings)
    if app.as_json:
        app.print_json("sandbox ui", {"status": "success", "web_ui": address})
    else:
        click.echo(f"web UI: {address}")
    if foreground:
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda _number, _frame: stop.set())
        report("Ctrl-C ends it; `mysql-s3-redshift sandbox down` stops the servers too")
        stop.wait()
        sandboxes.down(folder, (sandboxes.WEB,))


@sandbox.command(examples=("sandbox compare", "sandbox compare --json"))
@pass_app
def compare(app: App) -> None:
    """Count every table in MySQL, in the parquet files, in the ledger and in Redshift.

    With upsert, files and ledger count versions of rows: after updates more than there are rows.
    The exit code is 4 where MySQL and Redshift, or files and ledger, differ.
    """
    _require_extra()
    from mysql_s3_redshift.sandbox.comparison import compare as count_tables

    if not app.as_json:
        click.echo(f"{'table':<54} {'MySQL':>10} {'parquet':>10} {'ledger':>10} {'Redshift':>10}")
    equal, tables = True, {}
    for counts in count_tables(app.config):
        equal &= counts.agree
        tables[counts.name] = {**asdict(counts), "agree": counts.agree}
        if not app.as_json:
            click.echo(
                f"{counts.name:<54} {counts.mysql:>10,} {counts.parquet:>10,} {counts.ledger:>10,}"
                f" {counts.redshift:>10,}  {'equal' if counts.agree else 'DIFFERENT'}"
            )
    if app.as_json:
        app.print_json(
            "sandbox compare", {"status": "success" if equal else "failed", "tables": tables}
        )
    else:
        click.echo("all equal" if equal else "some tables differ")
    if not equal:
        click.get_current_context().exit(ExitCode.MISMATCH)


@sandbox.command(examples=("sandbox traffic --seconds 60", "sandbox traffic --rate 1000"))
@click.option(
    "--rate", type=click.FloatRange(0.1), default=200.0, show_default=True, help="Rows a second."
)
@click.option("--seconds", type=click.FloatRange(0.1), help="Default: until Ctrl-C.")
@pass_app
def traffic(app: App, *, rate: float, seconds: float | None) -> None:
    """Insert and update rows like a live application, RATE rows per second."""
    _require_extra()
    from mysql_s3_redshift.sandbox import sandbox as sandboxes
    from mysql_s3_redshift.sandbox.traffic import run_traffic

    account = sandboxes.status(_folder(app)).mysql_admin
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    where = f"{account.host}:{account.port}"
    _report(app)(f"writing about {rate:g} rows/s to {where}, Ctrl-C ends it")
    written = run_traffic(account, stop=stop, rate=rate, seconds=seconds)
    if app.as_json:
        app.print_json("sandbox traffic", {"status": "success", **_traffic_document(written)})
    else:
        _print_traffic(written)


def _print_status(current: SandboxStatus) -> None:
    access = current.document()
    mysql, s3, redshift = access["mysql"], access["s3"], access["redshift"]
    addresses = {
        "mysql": f"{mysql['host']}:{mysql['port']} ({', '.join(mysql['databases']) or 'no data'})",
        "s3": f"{s3['endpoint_url']}/{s3['bucket']}",
        "redshift": f"{redshift['host']}:{redshift['port']}/{redshift['database']}",
    }
    for name, address in addresses.items():
        state = "running" if current.running[name] else "stopped"
        click.echo(f"{name:<9} {state:<8} {address}")
    if current.web_address is not None:
        click.echo(f"{'web':<9} {'running':<8} {current.web_address}")


def _traffic_document(report: TrafficReport) -> dict[str, Any]:
    committed = report.committed
    return {
        "inserted": dict(committed.inserted),
        "updated": dict(committed.updated),
        "transactions": report.transactions,
        "rolled_back_rows": report.rolled_back,
        "seconds": round(report.seconds, 3),
    }


def _print_traffic(report: TrafficReport) -> None:
    committed = report.committed
    for table in sorted(committed.inserted.keys() | committed.updated.keys()):
        inserted, updated = committed.inserted[table], committed.updated[table]
        click.echo(f"{table:<36} {inserted:>8,} inserted {updated:>8,} updated")
    click.echo(
        f"{committed.rows:,} rows in {report.transactions:,} transactions committed,"
        f" {report.rolled_back:,} rows rolled back, {report.seconds:.1f} s"
    )
