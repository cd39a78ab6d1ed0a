"""Cells of a fault matrix side by side: as many at a time as there are launchers."""

from __future__ import annotations

import queue
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from mysql_s3_redshift_tests.faults.launcher import Launcher

LOG_CHARACTERS = 3000
Cell = TypeVar("Cell")


def play_all(
    cells: Sequence[Cell],
    launchers: Sequence[Launcher],
    play: Callable[[Launcher, Cell], None],
    *,
    log: Path,
) -> None:
    """Play every cell, each with a launcher of its own while it lasts.

    Raises:
        AssertionError: Names all cells that failed, with the end of the drivers' log.
    """
    free: queue.Queue[Launcher] = queue.Queue()
    for one in launchers:
        free.put(one)

    def play_one(cell: Cell) -> None:
        launcher = free.get()
        try:
            play(launcher, cell)
        finally:
            free.put(launcher)

    with ThreadPoolExecutor(len(launchers)) as pool:
        outcomes = [(cell, pool.submit(play_one, cell)) for cell in cells]
    problems = [(cell, error) for cell, outcome in outcomes if (error := outcome.exception())]
    told = [(cell, error, getattr(error, "__notes__", ())) for cell, error in problems]
    assert not told, f"{told}\n{log.read_text()[-LOG_CHARACTERS:]}"
