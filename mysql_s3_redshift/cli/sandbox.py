"""`mysql-s3-redshift sandbox`: the local MySQL, S3 and Redshift."""

from __future__ import annotations

import json
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mysql_s3_redshift.errors import ConfigError, ExitCode

# The sandbox's own dependencies are an extra of the package: they are imported by the commands.
if TYPE_CHECKING:
    from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
    from mysql_s3_redshift.sandbox.traffic import TrafficReport

_SERVERS = ("mysql", "s3", "redshift", "web")
_STOPPED = {"mysql": ExitCode.MYSQL, "s3": ExitCode.S3, "redshift": ExitCode.REDSHIFT}


@click.group()
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="The sandbox's folder; default: .sandbox next to pipelines.yaml.",
)
@click.pass_context
def sandbox(context: click.Context, folder: Path | None) -> None:
    """Run a local MySQL, S3 and Redshift on loopback, with demo data."""
    try:
        import mysql_s3_redshift.sandbox.sandbox  # noqa: F401
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"The sandbox needs the package {error.name}, which is not installed.",
            kept="Nothing was started.",
            remedy="Install it with `pip install 'mysql-s3-redshift[sandbox]'`.",
        ) from error
    config = context.find_root().params.get("config") or "pipelines.yaml"
    context.obj = folder or Path(config).parent / ".sandbox"


@sandbox.command()
@click.option("--scale", type=click.FloatRange(0.0001, 10.0), default=1.0, show_default=True)
@click.option("--no-data", is_flag=True, help="Start the servers only.")
@click.option("--time-zone", metavar="±HH:MM", help="Time zone of the MySQL server; remembered.")
@click.pass_obj
def up(folder: Path, *, scale: float, no_data: bool, time_zone: str | None) -> None:
    """Start what does not run yet, and create the demo data once.

    Safe to run again at any time: running servers and existing data are left alone.
    """
    from mysql_s3_redshift.sandbox import sandbox as sandboxes
    from mysql_s3_redshift.sandbox.demo_data import create_demo_data

    started = time.monotonic()
    current = sandboxes.up(folder, time_zone=time_zone, report=click.echo)
    if not no_data:
        current = create_demo_data(folder, scale=scale, report=click.echo)
    _print_status(current)
    click.echo(f"ready in {time.monotonic() - started:.1f} s")


@sandbox.command()
@click.argument("servers", nargs=-1, type=click.Choice(_SERVERS))
@click.pass_obj
def down(folder: Path, *, servers: tuple[str, ...]) -> None:
    """Stop all servers, or the named ones; their data stays."""
    from mysql_s3_redshift.sandbox import sandbox as sandboxes

    stopped = sandboxes.down(folder, servers or (sandboxes.WEB, *sandboxes.SERVERS))
    click.echo(f"stopped {', '.join(stopped)}" if stopped else "nothing was running")


@sandbox.command()
@click.option("--json", "as_json", is_flag=True, help="Print how to connect, as one document.")
@click.pass_context
def status(context: click.Context, *, as_json: bool) -> None:
    """Show the servers and how to connect to them.

    The exit code is that of the first server that does not run: 5 MySQL, 6 S3, 7 Redshift.
    """
    from mysql_s3_redshift.sandbox import sandbox as sandboxes

    current = sandboxes.status(context.obj)
    # The global --json of the command line means the same.
    if as_json or context.find_root().params.get("as_json"):
        click.echo(json.dumps(current.document(), indent=2))
    else:
        _print_status(current)
    stopped = [code for name, code in _STOPPED.items() if not current.running[name]]
    if stopped:
        context.exit(stopped[0])


@sandbox.command()
@click.option("--foreground", is_flag=True, help="Stay until Ctrl-C instead of returning.")
@click.pass_obj
def ui(folder: Path, *, foreground: bool) -> None:
    """Start the web UI with its sensors, and print its address."""
    from mysql_s3_redshift.sandbox import sandbox as sandboxes
    from mysql_s3_redshift.sandbox import web_ui

    current = sandboxes.up(folder, (sandboxes.WEB,), report=click.echo)
    click.echo(f"web UI: {web_ui.address(current.settings)}")
    if foreground:
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda _number, _frame: stop.set())
        click.echo("Ctrl-C ends it; `mysql-s3-redshift sandbox down` stops the servers too")
        stop.wait()
        sandboxes.down(folder, (sandboxes.WEB,))


@sandbox.command()
@click.pass_context
def compare(context: click.Context) -> None:
    """Count every table in MySQL, in the parquet files, in the ledger and in Redshift.

    With upsert, files and ledger count versions of rows: after updates more than there are rows.
    The exit code is 4 where MySQL and Redshift, or files and ledger, differ.
    """
    from mysql_s3_redshift.adapters.configuration import load_config
    from mysql_s3_redshift.sandbox.comparison import compare as count_tables

    config = load_config(Path(context.find_root().params.get("config") or "pipelines.yaml"))
    head = f"{'table':<54} {'MySQL':>10} {'parquet':>10} {'ledger':>10} {'Redshift':>10}"
    click.echo(head)
    equal = True
    for counts in count_tables(config):
        equal &= counts.agree
        click.echo(
            f"{counts.name:<54} {counts.mysql:>10,} {counts.parquet:>10,} {counts.ledger:>10,}"
            f" {counts.redshift:>10,}  {'equal' if counts.agree else 'DIFFERENT'}"
        )
    click.echo("all equal" if equal else "some tables differ")
    if not equal:
        context.exit(ExitCode.MISMATCH)


@sandbox.command()
@click.option("--rate", type=click.FloatRange(0.1), default=200.0, show_default=True)
@click.option("--seconds", type=click.FloatRange(0.1), help="Default: until Ctrl-C.")
@click.pass_obj
def traffic(folder: Path, *, rate: float, seconds: float | None) -> None:
    """Insert and update rows like a live application, RATE rows per second."""
    from mysql_s3_redshift.sandbox import sandbox as sandboxes
    from mysql_s3_redshift.sandbox.traffic import run_traffic

    account = sandboxes.status(folder).mysql_admin
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    click.echo(f"writing about {rate:g} rows/s to {account.host}:{account.port}, Ctrl-C ends it")
    _print_traffic(run_traffic(account, stop=stop, rate=rate, seconds=seconds))


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


def _print_traffic(report: TrafficReport) -> None:
    committed = report.committed
    for table in sorted(committed.inserted.keys() | committed.updated.keys()):
        inserted, updated = committed.inserted[table], committed.updated[table]
        click.echo(f"{table:<36} {inserted:>8,} inserted {updated:>8,} updated")
    click.echo(
        f"{committed.rows:,} rows in {report.transactions:,} transactions committed,"
        f" {report.rolled_back:,} rows rolled back, {report.seconds:.1f} s"
    )
