"""Progress on a terminal: a bar per table that is under way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

FEW = 20
"""Tables that fit a terminal; of more, only those are shown that are under way."""


class ProgressBars:
    """A bar per table, and of many tables one for all of them.

    It runs to and fro while rows are extracted, whose number nobody knows before, and fills up as
    their files are loaded.
    """

    def __init__(self, tables: Sequence[str]) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[extracted]:>12,} rows"),
            TextColumn("{task.fields[files]:>5,} files"),
            TextColumn("{task.fields[loaded]:>12,} loaded"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        )
        self._many = len(tables) > FEW
        self._all = self._add(f"{len(tables):,} tables", total=len(tables), visible=self._many)
        self._tables = {name: self._add(name, visible=not self._many) for name in tables}

    def _add(self, name: str, *, visible: bool, total: int | None = None) -> TaskID:
        return self._progress.add_task(
            name, total=total, start=False, visible=visible, extracted=0, files=0, loaded=0
        )

    def shown(self) -> list[str]:
        """What the bars that are visible now are called."""
        return [task.description for task in self._progress.tasks if task.visible]

    def __enter__(self) -> Self:
        self._progress.start()
        self._progress.start_task(self._all)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def __call__(self, table: str, event: str, facts: Mapping[str, object]) -> None:
        """Move a table's bar."""
        task = self._progress.tasks[self._tables[table]]
        if not task.started:
            self._progress.start_task(task.id)
            self._progress.update(task.id, visible=True)
        if event == "finished":
            self._progress.update(self._all, advance=1)
            self._progress.update(task.id, visible=not self._many)
        rows, files = _count(facts.get("rows")), _count(facts.get("files"))
        fields = task.fields
        if event == "extracted":
            total = (task.total or 0) + files
            self._progress.update(
                task.id,
                total=total or None,
                extracted=fields["extracted"] + rows,
                files=fields["files"] + files,
            )
            every = self._progress.tasks[self._all].fields
            self._progress.update(
                self._all, extracted=every["extracted"] + rows, files=every["files"] + files
            )
        elif event in {"loaded", "recovered"}:
            total = max(task.total or 0, task.completed + files)
            self._progress.update(
                task.id, total=total, advance=files, loaded=fields["loaded"] + rows
            )
            every = self._progress.tasks[self._all].fields
            self._progress.update(self._all, loaded=every["loaded"] + rows)


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0
