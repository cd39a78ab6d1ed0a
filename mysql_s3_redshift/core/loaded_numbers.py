"""Loaded files by their numbers: all up to one, and those beyond it."""

from __future__ import annotations


def fold(through: int, have: set[int], *, known: set[int]) -> tuple[int, tuple[int, ...]]:
    """Move `loaded_through` up over every number that is loaded or was never registered.

    A number that is neither in `have` nor in `known` and lies below the newest loaded one belongs
    to a reset generation, so nothing waits for it.

    Returns:
        The new `loaded_through` and the loaded numbers beyond it.
    """
    top = max(have, default=through)
    waiting = (n for n in known if n > through and n not in have)
    through = max(through, min(min(waiting, default=top + 1) - 1, top))
    return through, tuple(sorted(n for n in have if n > through))
