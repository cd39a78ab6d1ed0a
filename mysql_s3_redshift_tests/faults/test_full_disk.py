"""Disks that are really full: under S3, under Redshift, and under the program itself.

S3 and Redshift of this module keep their data on a small file system of their own, which a test
fills to the last page. Where the system does not let a test mount one, S3's process gets a limit on
the size of its files instead: then its writes fail in the same way.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from mysql_s3_redshift.adapters.s3 import client
from mysql_s3_redshift.core import load
from mysql_s3_redshift.errors import ExitCode, StorageError, TargetError
from mysql_s3_redshift.sandbox import sandbox as sandboxes
from mysql_s3_redshift.sandbox.sandbox import SandboxStatus
from mysql_s3_redshift_tests.faults.replication import Replication, new_replication
from mysql_s3_redshift_tests.servers import discard, new_sandbox_folder

pytestmark = pytest.mark.faults

SCRIPT = Path(sys.executable).with_name("mysql-s3-redshift")
DISK_MEGABYTES = 512
"""SeaweedFS reserves 64 MB for every bucket; nothing of it is written before it is needed."""
PAGE = 4096
ROWS_PER_CHUNK, ROW_BYTES = 10, 12_000


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """The data of S3 and Redshift, and the means to leave them no room.

    Attributes:
        mounted: Whether it is a file system of its own.
    """

    folder: Path
    status: SandboxStatus
    mounted: bool

    def fill(self, left: int = 0) -> None:
        """Leave that many bytes."""
        if not self.mounted:
            largest = max(p.stat().st_size for p in (self.folder / "s3").rglob("*.dat"))
            self._limit_s3(largest + left)
            return
        with self._ballast.open("wb") as ballast:
            while (bytes_left := self._free() - left) > 0:
                ballast.write(bytes(max(min(bytes_left, 1 << 20), 1)))
                ballast.flush()

    def make_room(self) -> None:
        """Give the space back."""
        if self.mounted:
            self._ballast.unlink(missing_ok=True)
        else:
            self._limit_s3(resource.RLIM_INFINITY)

    @property
    def _ballast(self) -> Path:
        return self.folder / "ballast"

    def _free(self) -> int:
        disk = os.statvfs(self.folder)
        return disk.f_bavail * disk.f_bsize

    def _limit_s3(self, largest: int) -> None:
        process = self.status.settings.processes["s3"].pid
        resource.prlimit(process, resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))


def mount(folder: Path) -> bool:
    """Put a small file system in memory onto a folder, where the system allows it."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MEGABYTES}m,mode=755", "tmpfs"]
    try:
        return subprocess.run([*command, str(folder)], check=False).returncode == 0
    except OSError:  # there is no such command
        return False


@pytest.fixture(scope="module")
def small_disk(sandbox: SandboxStatus) -> Iterator[SmallDisk]:
    """S3 and Redshift on a small disk, beside the MySQL of all tests."""
    with new_sandbox_folder() as folder:
        disk = folder / "disk"
        disk.mkdir(mode=0o755)
        mounted = mount(disk)
        try:
            own = sandboxes.up(disk, ("s3", "redshift")).settings
            passwords = {
                "mysql_admin": sandbox.settings.secrets.mysql_admin,
                "mysql_reader": sandbox.settings.secrets.mysql_reader,
            }
            settings = replace(
                own,
                ports={**own.ports, "mysql": sandbox.settings.ports["mysql"]},
                secrets=replace(own.secrets, **passwords),
                mysql_url=sandbox.settings.mysql_url,
            )
            yield SmallDisk(disk, replace(sandbox, folder=disk, settings=settings), mounted)
        finally:
            discard(disk)
            if mounted:
                subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.fixture
def replication(
    small_disk: SmallDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Replication]:
    """A table of chunks of 120 KB that cannot be compressed."""
    monkeypatch.setattr(client, "ATTEMPTS", 2)
    monkeypatch.setattr(load, "LONGEST_PAUSE_SECONDS", 0.05)
    with new_replication(small_disk.status, tmp_path) as opened:
        opened.sql(
            "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, "
            f"ts DATETIME(6) NOT NULL DEFAULT NOW(6), noise VARBINARY({ROW_BYTES}), KEY (ts, id))"
        )
        opened.table("t", cdc_timestamp_column="ts", load_mode="append", chunk_rows=ROWS_PER_CHUNK)
        yield opened
        small_disk.make_room()


def add_chunks(replication: Replication, count: int) -> None:
    """Rows for some chunks, of bytes that are all different."""
    rows = [(os.urandom(ROW_BYTES),) for _ in range(count * ROWS_PER_CHUNK)]
    with replication.mysql() as connection, connection.cursor() as cursor:
        cursor.executemany("INSERT INTO t (noise) VALUES (%s)", rows)


def assert_exact(replication: Replication) -> None:
    source = replication.source_rows("t", "id, ts, LOWER(HEX(noise))")
    assert replication.target_rows("t", "id, ts, noise") == source
    replication.check_evidence("t")


@pytest.mark.parametrize(("left", "committed"), [(0, 0), (45, 1), (100, 2)])
def test_a_full_disk_under_s3_fails_the_run_and_with_space_the_next_is_exact(
    replication: Replication, small_disk: SmallDisk, left: int, committed: int
) -> None:
    """I-36, H-11, H-20: full at the first chunk, or when some are committed: exit code 6."""
    add_chunks(replication, 1)
    replication.sync("t")
    add_chunks(replication, 5)
    small_disk.fill(left * PAGE)
    with pytest.raises(StorageError) as failure:
        replication.sync("t")
    assert failure.value.exit_code is ExitCode.S3
    assert "S3 refused PutObject" in failure.value.happened
    small_disk.make_room()
    state = replication.extract_state("t")
    assert 1 + committed <= state.mysql_state.total_files < 6
    assert state.mysql_state.total_rows == state.mysql_state.total_files * ROWS_PER_CHUNK
    assert {f.uri: f.bytes for f in state.files}.items() <= replication.objects().items()
    replication.sync("t")
    assert_exact(replication)


def test_a_full_disk_under_redshift_leaves_the_target_as_it_was(
    replication: Replication, small_disk: SmallDisk
) -> None:
    """I-36, I-38, H-20: the load is rolled back, and its files stay pending."""
    add_chunks(replication, 1)
    replication.sync("t")
    add_chunks(replication, 12)
    replication.extract("t")
    before = replication.target_rows("t", "id, ts")
    small_disk.fill(50 * PAGE if small_disk.mounted else 0)
    with pytest.raises(TargetError if small_disk.mounted else StorageError) as failure:
        replication.load("t")
    assert failure.value.exit_code in {ExitCode.REDSHIFT, ExitCode.S3}
    small_disk.make_room()
    assert replication.target_rows("t", "id, ts") == before
    assert len(replication.extract_state("t").pending(replication.load_state("t"))) == 12
    replication.sync("t")
    assert_exact(replication)


def no_files() -> None:
    """In the child: nothing can be written to any file; pipes and sockets are none."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))


def test_the_engine_needs_no_local_disk(replication: Replication) -> None:
    """Rows go from socket to socket: a full disk under the program stops neither half."""
    add_chunks(replication, 3)
    command = [sys.executable, "-m", "mysql_s3_redshift_tests.faults.driver"]
    command += ["--config", str(replication.config_path), "-t", f"{replication.database}.t"]
    done = subprocess.run(command, preexec_fn=no_files, capture_output=True, check=False)
    assert done.returncode == 0, done
    assert_exact(replication)


def test_a_full_disk_under_the_command_line_is_told_and_loses_nothing(
    replication: Replication, tmp_path: Path
) -> None:
    """I-36, H-32: a run that cannot be recorded in the Dagster instance does not begin."""
    home = tmp_path / "dagster"
    home.mkdir()
    command = [str(SCRIPT), "--config", str(replication.config_path)]
    command += ["sync", "-t", f"{replication.database}.t"]
    environment = {**os.environ, "DAGSTER_HOME": str(home)}

    def run_script(before: Callable[[], None] | None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, env=environment, preexec_fn=before, capture_output=True, text=True, check=False
        )

    add_chunks(replication, 2)
    new = run_script(no_files)
    assert run_script(None).returncode == 0
    states = (replication.extract_state("t"), replication.load_state("t"))
    add_chunks(replication, 2)
    known = run_script(no_files)
    for done in (new, known):
        assert done.returncode == ExitCode.USAGE, done.stderr
        assert f"The Dagster instance in {home} cannot be " in done.stderr
        assert len(done.stderr.splitlines()) == 3, done.stderr
    assert (replication.extract_state("t"), replication.load_state("t")) == states
    replication.sync("t")
    assert_exact(replication)
