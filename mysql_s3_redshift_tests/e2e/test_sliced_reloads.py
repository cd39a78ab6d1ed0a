"""Reloads in slices that are stopped, tried again, overtaken, or begun anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from mysql_s3_redshift.adapters.cleaning import list_files
from mysql_s3_redshift.adapters.operations import Operation
from mysql_s3_redshift.core import extraction
from mysql_s3_redshift.core.clean import Standing
from mysql_s3_redshift.core.model import RunLimits
from mysql_s3_redshift.core.operate import ManualChange
from mysql_s3_redshift.core.state import ExtractState
from mysql_s3_redshift.errors import ConfigError, ReplicationError, StateConflictError
from mysql_s3_redshift_tests.e2e.sliced import SlicedRun
from mysql_s3_redshift_tests.e2e.sliced_orders import (
    ALL,
    BY_ID,
    assert_same,
    days,
    make_orders,
    reload_of,
)
from mysql_s3_redshift_tests.faults.replication import Replication


def test_a_retry_reads_the_slices_that_are_left_and_a_new_request_all_of_them(
    shared: Replication,
) -> None:
    """A stop inside a slice, a run re-executed from its failure, a request made later."""
    make_orders(shared, "resumed", "append")
    shared.sql("UPDATE resumed SET v = -v, ts = ts")
    first = SlicedRun(shared, "resumed", window=ALL)
    works = first.plan()
    read = [first.read(works[2]).rows]
    calls = iter([False, True, True])
    with pytest.raises(ReplicationError, match="was stopped"):
        first.read(works[0], stopping=lambda: next(calls))
    assert shared.load("resumed").pending == 0
    retry = SlicedRun(shared, "resumed", window=ALL, retries=first)
    read += [retry.read(work).rows for work in works]
    assert read[3] == 0
    assert retry.finish().rows == sum(read) == 120
    shared.load("resumed")
    assert sum(row[3] < 0 for row in shared.target_rows("resumed")) == 120
    late = SlicedRun(shared, "resumed", window=ALL)
    late.read(late.plan()[0])
    shared.sql("UPDATE resumed SET v = 0, ts = ts")
    assert shared.extract("resumed", window=ALL).rows == 120
    shared.load("resumed")
    assert sum(row[3] == 0 for row in shared.target_rows("resumed")) == 120
    shared.check_evidence("resumed")


def test_the_last_step_reads_what_no_worker_has_read(
    shared: Replication, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One slice after the other, each with its commit; cut off, it goes on after the last."""
    make_orders(shared, "alone", "append")
    shared.sql("UPDATE alone SET v = -v, ts = ts")
    run = SlicedRun(shared, "alone", window=ALL)
    run.read(run.plan()[1])
    commits = iter(range(9))

    def crash(point: str) -> None:
        if point == "extract.after_commit" and next(commits) == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(extraction, "reach", crash)
        with pytest.raises(KeyboardInterrupt):
            run.finish()
    reload = reload_of(shared, "alone")
    assert reload is not None
    assert reload.slices.open_slices() == (4,)
    report = run.finish()
    assert (report.rows, len({f.uri for f in report.files})) == (120, len(report.files))
    shared.load("alone")
    assert sum(row[3] < 0 for row in shared.target_rows("alone")) == 120
    shared.check_evidence("alone")


def test_what_comes_in_between_ends_a_reload_and_its_files_are_orphans(
    shared: Replication,
) -> None:
    """I-16, I-35, H-26: workers stop with a conflict; the next reload begins anew."""
    make_orders(shared, "ended", "append", **BY_ID)

    def refused_by_a_limit() -> None:
        with pytest.raises(ConfigError, match="more rows than the limit"):
            shared.extract("ended", RunLimits(limit=20), window=ALL)

    ends: tuple[Callable[[], object], ...] = (
        lambda: shared.extract("ended"),
        lambda: shared.extract("ended", window=days(0, 1)),
        refused_by_a_limit,
    )
    for end in ends:
        run = SlicedRun(shared, "ended", window=ALL)
        works = run.plan()
        run.read(works[0])
        kept = {f.uri for f in kept_files(shared.extract_state("ended"))}
        assert standings(shared, "ended", kept) == {Standing.PENDING}
        end()
        assert standings(shared, "ended", kept) == {Standing.ORPHAN}
        state = shared.extract_state("ended")
        with pytest.raises(StateConflictError):
            run.read(works[1])
        assert shared.extract_state("ended") == state
    SlicedRun(shared, "ended", window=ALL).all()
    shared.load("ended")
    assert_same(shared, "ended")


def kept_files(state: ExtractState) -> tuple[Any, ...]:
    reload = state.mysql_state.reload
    return reload.files if reload else ()


def standings(replication: Replication, table: str, uris: set[str]) -> set[Standing]:
    """What `s3clean` says of some files."""
    with replication.connections() as connections:
        change = ManualChange("look", "test", "")
        files = list_files(Operation(replication.plan(table), connections, change))
    return {f.standing for f in files if f.file.uri in uris}


def test_columns_that_change_between_slices_begin_the_reload_anew(shared: Replication) -> None:
    """I-25: files of one set have one schema; a reload that is complete keeps its own."""
    make_orders(shared, "columns", "append")
    run = SlicedRun(shared, "columns", window=ALL)
    works = run.plan()
    run.read(works[0])
    shared.sql("ALTER TABLE columns ADD COLUMN extra INT DEFAULT 7")
    with pytest.raises(ReplicationError, match="columns changed"):
        run.read(works[1])
    again = SlicedRun(shared, "columns", window=ALL)
    assert [w.number for w in again.plan()] == [1, 2, 3, 4]
    for work in again.plan():
        again.read(work)
    shared.sql("ALTER TABLE columns ADD COLUMN later INT DEFAULT 8")
    report = again.finish()
    assert report.rows == 120
    shared.load("columns")
    extra = Counter(row[0] for row in shared.target_rows("columns", "extra").elements())
    assert extra == {7: 120, None: 40}
    shared.sync("columns")
    shared.check_evidence("columns")
