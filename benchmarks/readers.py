"""The ways from a MySQL table to parquet files that are compared, as command lines."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.environments import make_environment
from benchmarks.timing import Run, run_program
from benchmarks.workspace import BENCHMARKS, DATABASE, Workspace

PROGRAMS = BENCHMARKS / "programs"


@dataclass(frozen=True, slots=True)
class Reader:
    """One way to read a table.

    Attributes:
        name: As the results call it.
        command: Makes its command line from the workspace, the table and the output folder.
        environment: Name of the environment that it needs.
        variables: Makes its environment variables.
        writes: Whether it writes parquet; the limits do not.
        slow: Whether it takes minutes, so that one run has to do.
    """

    name: str
    command: Callable[[Workspace, str, Path], list[str]]
    environment: str | None = None
    variables: Callable[[Workspace], Mapping[str, str]] = field(default=lambda _: {})
    writes: bool = True
    slow: bool = False

    def prepare(self, workspace: Workspace) -> None:
        """Make what it needs; nothing where it is there."""
        if self.environment is not None:
            make_environment(workspace, self.environment)

    def run(self, workspace: Workspace, table: str, *, timeout: float) -> tuple[Run, Path]:
        """Read a table once; returns the run and the folder it wrote to."""
        folder = workspace.output(f"{self.name.replace(' ', '-')}-{table}")
        variables = {"HOME": str(workspace.folder / "home"), **self.variables(workspace)}
        (workspace.folder / "home").mkdir(exist_ok=True)
        command = self.command(workspace, table, folder)
        return run_program(command, timeout=timeout, environment=variables), folder


def compile_limit(workspace: Workspace) -> Path:
    """Compile the client that throws rows away; needs a C compiler and the MariaDB headers."""
    program, source = workspace.folder / "drain", PROGRAMS / "drain.c"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        flags = subprocess.run(
            ["mariadb_config", "--cflags", "--libs"], capture_output=True, text=True, check=True
        )
        compiler = ["cc", "-O2", "-o", str(program), str(source)]
        subprocess.run([*compiler, *shlex.split(flags.stdout)], check=True)
    return program


def _python(workspace: Workspace, environment: str) -> str:
    return str(workspace.folder / "environments" / environment / "bin" / "python")


def _limit(workspace: Workspace, table: str, _folder: Path) -> list[str]:
    reader = workspace.sandbox.mysql_reader
    address = [reader.host, str(reader.port), reader.user, DATABASE]
    return [str(compile_limit(workspace)), *address, f"SELECT * FROM {table}"]


def _client(workspace: Workspace, table: str, _folder: Path) -> list[str]:
    reader = workspace.sandbox.mysql_reader
    options = f"--host={reader.host} --port={reader.port} --user={reader.user} --quick"
    query = f"SELECT * FROM {table}"
    return ["/bin/sh", "-c", f"exec mariadb {options} {DATABASE} -e '{query}' > /dev/null"]


def _password(workspace: Workspace) -> dict[str, str]:
    return {"MYSQL_PWD": workspace.sandbox.mysql_reader.password}


def _engine(workspace: Workspace, table: str, folder: Path) -> list[str]:
    config = workspace.config("extraction", f"      {DATABASE}.{table}: {{}}\n")
    program = [sys.executable, "-m", "benchmarks.programs.engine_extract"]
    return [*program, str(config), table, str(folder)]


def _script(environment: str, script: str, *options: str) -> Callable[..., list[str]]:
    def command(workspace: Workspace, table: str, folder: Path) -> list[str]:
        python, program = _python(workspace, environment), str(PROGRAMS / script)
        return [python, program, workspace.mysql_url, table, str(folder), *options]

    return command


def _ingestr(workspace: Workspace, table: str, folder: Path) -> list[str]:
    program = workspace.folder / "environments" / "ingestr" / "bin" / "ingestr"
    return [
        *(str(program), "ingest", "--yes", "--progress", "log"),
        *("--source-uri", workspace.mysql_url, "--source-table", f"{DATABASE}.{table}"),
        *("--dest-uri", f"parquet://{folder}/{table}.parquet", "--dest-table", table),
    ]


def _sling(workspace: Workspace, table: str, folder: Path) -> list[str]:
    # The wheel's own program: the Python wrapper looks for a download first.
    packages = workspace.folder / "environments" / "sling" / "lib"
    program = next(packages.glob("python3*/site-packages/sling_linux_amd64/bin/sling-linux-amd64"))
    return [
        *(str(program), "run", "--src-conn", "BENCH_MYSQL"),
        *("--src-stream", f"{DATABASE}.{table}"),
        *("--tgt-object", f"file://{folder}/{table}.parquet"),
    ]


def _sling_variables(workspace: Workspace) -> dict[str, str]:
    return {"BENCH_MYSQL": workspace.mysql_url, "SLING_DUCKDB_COMPUTE": "false"}


LIMIT = "rows thrown away (C)"
CLIENT = "mariadb --quick"
ENGINE = "mysql-s3-redshift"

READERS = (
    Reader(LIMIT, _limit, variables=_password, writes=False),
    Reader(CLIENT, _client, variables=_password, writes=False),
    Reader(ENGINE, _engine),
    Reader("connectorx", _script("connectorx", "connectorx_reader.py"), "connectorx"),
    Reader("ingestr", _ingestr, "ingestr"),
    Reader("dlt connectorx", _script("dlt", "dlt_reader.py", "connectorx"), "dlt"),
    Reader(
        "mysqlclient", _script("mysqlclient", "mysqlclient_reader.py"), "mysqlclient", slow=True
    ),
    Reader("dlt pyarrow", _script("dlt", "dlt_reader.py", "pyarrow"), "dlt", slow=True),
    Reader("sling", _sling, "sling", _sling_variables, slow=True),
    Reader("dlt sqlalchemy", _script("dlt", "dlt_reader.py", "sqlalchemy"), "dlt", slow=True),
)
