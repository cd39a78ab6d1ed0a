"""The MySQL server: one given by URL, else an installed MariaDB or MySQL in the sandbox's folder.

Two accounts exist on our own server. The product reads with `sandbox_reader`, which has what the
documentation asks of a production account and no more; data generator and traffic write with
`sandbox_admin`. On a server given by URL the account of the URL does both.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias
from urllib.parse import unquote, urlsplit

import pymysql

from mysql_s3_redshift.errors import ConfigError, SourceConnectionError, SourceError
from mysql_s3_redshift.sandbox.ports import HOST
from mysql_s3_redshift.sandbox.processes import Server, last_lines
from mysql_s3_redshift.sandbox.settings import Settings, write_private

MysqlConnection: TypeAlias = "pymysql.Connection[pymysql.cursors.Cursor]"

PORTS = ("mysql",)
URL_VARIABLE = "MYSQL_URL"
BINARY_VARIABLE = "SANDBOX_MYSQLD"
ADMIN, READER = "sandbox_admin", "sandbox_reader"

# Server binaries are often outside the PATH of a normal user.
_FOLDERS = (
    "/usr/sbin",
    "/usr/libexec",
    "/usr/local/sbin",
    "/usr/local/mysql/bin",
    "/opt/homebrew/bin",
    "/opt/homebrew/opt/mysql/bin",
    "/usr/local/opt/mysql/bin",
)
_INSTALL = (
    "Install one, then run the command again. Debian, Ubuntu: `sudo apt-get install -y "
    "mariadb-server-core mariadb-client-core`; Fedora: `sudo dnf install -y mariadb-server`; "
    f"macOS: `brew install mariadb`. Or set {URL_VARIABLE}=mysql://user:password@host:port/."
)


@dataclass(frozen=True, slots=True)
class MysqlAccount:
    """Where a MySQL server is and who connects to it.

    Attributes:
        own: Whether it is the sandbox's own server, on loopback, where nothing is encrypted.
    """

    host: str
    port: int
    user: str
    password: str
    own: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class MysqlBinary:
    """An installed server.

    Attributes:
        path: The server binary.
        mariadb: Whether it is MariaDB; else it is MySQL.
    """

    path: str
    mariadb: bool


def accounts(settings: Settings) -> tuple[MysqlAccount, MysqlAccount]:
    """Return the admin's and the reader's account of the server in use."""
    if settings.mysql_url is not None:
        account = parse_url(settings.mysql_url)
        return account, account
    port = settings.ports["mysql"]
    return (
        MysqlAccount(HOST, port, ADMIN, settings.secrets.mysql_admin, own=True),
        MysqlAccount(HOST, port, READER, settings.secrets.mysql_reader, own=True),
    )


def connect(account: MysqlAccount) -> MysqlConnection:
    """Open a connection that may use LOAD DATA LOCAL."""
    return pymysql.connect(
        host=account.host,
        port=account.port,
        user=account.user,
        password=account.password,
        charset="utf8mb4",
        local_infile=True,
        connect_timeout=5,
        # Else the driver reads all of the system's certificates for each connection.
        ssl_disabled=account.own,
    )


def parse_url(url: str) -> MysqlAccount:
    """Read `mysql://user:password@host:port/`."""
    parts = urlsplit(url)
    if parts.scheme not in {"mysql", "mysql+pymysql"} or not parts.hostname or not parts.username:
        raise ConfigError(
            f"{URL_VARIABLE} is not a MySQL URL.",
            kept="Nothing was started.",
            remedy=f"Write {URL_VARIABLE}=mysql://user:password@host:port/, or unset it.",
        )
    return MysqlAccount(
        parts.hostname, parts.port or 3306, unquote(parts.username), unquote(parts.password or "")
    )


def check_foreign_server(url: str) -> None:
    """Raise when the server given by URL does not accept a connection."""
    account = parse_url(url)
    try:
        connect(account).close()
    except pymysql.MySQLError as error:
        raise SourceConnectionError(
            f"The MySQL server of {URL_VARIABLE} at {account.host}:{account.port} "
            f"refuses user {account.user}: {error.args[-1]}",
            kept="Nothing was started.",
            remedy=f"Correct {URL_VARIABLE}, or unset it to use an installed server.",
        ) from error


def find_binary(search_path: str | None = None) -> MysqlBinary:
    """Find an installed MariaDB or MySQL server; SANDBOX_MYSQLD names one of several.

    Args:
        search_path: Folders to look in, instead of PATH and the usual places.
    """
    named = os.environ.get(BINARY_VARIABLE)
    folders = search_path or os.pathsep.join((os.environ.get("PATH", ""), *_FOLDERS))
    for name in (named,) if named else ("mariadbd", "mysqld"):
        path = shutil.which(name, path=folders)
        if path is not None:
            return MysqlBinary(path, mariadb=_is_mariadb(path))
    raise ConfigError(
        f"The sandbox found no MySQL or MariaDB server ({named or 'mariadbd, mysqld'}).",
        kept="Nothing was started.",
        remedy=f"Correct {BINARY_VARIABLE}, or unset it." if named else _INSTALL,
    )


def _is_mariadb(path: str) -> bool:
    version = subprocess.run(  # noqa: S603 - a server binary, no shell
        [path, "--no-defaults", "--version"], capture_output=True, text=True, check=False
    )
    return "MariaDB" in version.stdout


def mysql_server(folder: Path, settings: Settings, binary: MysqlBinary) -> Server:
    """Describe our own MySQL server of a sandbox."""
    data, accounts_file = folder / "mysql", folder / "mysql-accounts.sql"

    def prepare() -> None:
        data.with_name("mysql-tmp").mkdir(exist_ok=True)
        if not data.exists():
            _initialise(binary, data, log=folder / "mysql-install.log")
        write_private(accounts_file, _accounts_sql(settings, mariadb=binary.mariadb))

    return Server(
        name="mysql",
        command=_command(binary, settings, data=data, accounts_file=accounts_file),
        environment={},
        log=folder / "mysql.log",
        prepare=prepare,
        probe=lambda: connect(accounts(settings)[0]).close(),
        not_ready=(pymysql.MySQLError,),
        failure=SourceError,
    )


def _command(
    binary: MysqlBinary, settings: Settings, *, data: Path, accounts_file: Path
) -> tuple[str, ...]:
    return (
        binary.path,
        "--no-defaults",
        f"--datadir={data}",
        f"--init-file={accounts_file}",
        f"--port={settings.ports['mysql']}",
        f"--bind-address={HOST}",
        "--skip-name-resolve",
        # Relative to the data folder: a socket's whole path must be shorter than 108 bytes.
        "--socket=mysql.sock",
        "--pid-file=mysql.pid",
        # A server that starts deletes every temporary table in this folder, also another server's.
        f"--tmpdir={data.with_name('mysql-tmp')}",
        "--character-set-server=utf8mb4",
        "--collation-server=utf8mb4_unicode_ci",
        f"--default-time-zone={settings.mysql_time_zone}",
        "--local-infile=1",
        "--max-connections=200",
        "--max-allowed-packet=64M",
        "--table-open-cache=400",
        "--skip-log-bin",
        "--innodb-buffer-pool-size=512M",
        # A commit survives a killed server but not a power cut: enough here, several times faster.
        "--innodb-flush-log-at-trx-commit=2",
        *_flavour_options(binary),
    )


def _flavour_options(binary: MysqlBinary) -> tuple[str, ...]:
    own = () if binary.mariadb else ("--mysqlx=0", "--secure-file-priv=NULL")
    return (*own, *_run_as_root())


def _run_as_root() -> tuple[str, ...]:
    # Both servers refuse to run as root unless told to.
    return ("--user=root",) if os.geteuid() == 0 else ()


def _initialise(binary: MysqlBinary, data: Path, *, log: Path) -> None:
    """Create the data folder under another name first: a killed start leaves no half of one."""
    draft = data.with_name(f"{data.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    command = _mariadb_install(binary) if binary.mariadb else [binary.path, "--no-defaults"]
    tail = ["--skip-test-db"] if binary.mariadb else ["--initialize-insecure"]
    with log.open("wb") as output:
        outcome = subprocess.run(  # noqa: S603 - an installed binary, no shell
            [*command, f"--datadir={draft}", *tail, *_run_as_root()],
            stdout=output,
            stderr=subprocess.STDOUT,
            # The server that fills the folder deletes temporary tables as every start does.
            env={**os.environ, "TMPDIR": str(data.with_name("mysql-tmp"))},
            check=False,
        )
    if outcome.returncode != 0:
        raise SourceError(
            f"MySQL's data folder could not be created: {last_lines(log)}",
            kept="Nothing was started.",
            remedy=f"Read {log}.",
        )
    draft.rename(data)


def _mariadb_install(binary: MysqlBinary) -> list[str]:
    folders = os.pathsep.join(
        (str(Path(binary.path).parent), os.environ.get("PATH", ""), "/usr/bin", *_FOLDERS)
    )
    for name in ("mariadb-install-db", "mysql_install_db"):
        script = shutil.which(name, path=folders)
        if script is not None:
            return [script, "--no-defaults"]
    raise ConfigError(
        f"{binary.path} is installed, its companion mariadb-install-db is not.",
        kept="Nothing was started.",
        remedy=_INSTALL,
    )


def _accounts_sql(settings: Settings, *, mariadb: bool) -> str:
    """Return the server's init file: one statement per line, run at every start.

    The reader has SELECT for the rows and the information schema, PROCESS for the open transactions
    of INNODB_TRX and the process list, REPLICATION CLIENT (MariaDB: SLAVE MONITOR) to see whether
    the server is a replica: https://mariadb.com/kb/en/grant/, chapter "Global Privileges".
    """
    replica = "REPLICATION CLIENT, SLAVE MONITOR" if mariadb else "REPLICATION CLIENT"
    passwords = {ADMIN: settings.secrets.mysql_admin, READER: settings.secrets.mysql_reader}
    grants = {
        ADMIN: "GRANT ALL ON *.* TO '{user}'@'%' WITH GRANT OPTION;",
        READER: f"GRANT SELECT, PROCESS, {replica} ON *.* TO '{{user}}'@'%';",
    }
    lines = ["ALTER USER IF EXISTS 'root'@'localhost' ACCOUNT LOCK;"]
    for user, password in passwords.items():
        lines += [
            f"CREATE USER IF NOT EXISTS '{user}'@'%' IDENTIFIED BY '{password}';",
            f"ALTER USER '{user}'@'%' IDENTIFIED BY '{password}';",
            grants[user].format(user=user),
        ]
    return "\n".join(lines) + "\n"
