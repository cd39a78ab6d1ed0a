"""What is wrong with a configuration, told in at most three lines.

Checks collect `Problem`s; `InvalidConfigError` tells the first one (in the order of the file), how
many others there are, and keeps all of them in `problems`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mysql_s3_redshift.errors import ConfigError

YamlPath = tuple[str | int, ...]

_KEPT = "Nothing was read or changed."
_REMEDY = "Correct the file, then run again."
_SHOWN_CHARACTERS = 80
_LISTED_NAMES = 30


class InvalidConfigError(ConfigError):
    """`pipelines.yaml` has one or more problems.

    Args:
        problems: One sentence per problem, in the order of the file.
        remedy: What to do about the first one.
    """

    problems: tuple[str, ...] = ()

    def __init__(self, problems: Sequence[str], remedy: str = "") -> None:
        self.problems = tuple(one_line(problem) for problem in problems)
        others = len(self.problems) - 1
        count = f" ({others} more {'problem' if others == 1 else 'problems'}.)" if others else ""
        super().__init__(
            f"{self.problems[0]}{count}", kept=_KEPT, remedy=one_line(remedy or _REMEDY)
        )

    def __reduce__(self) -> tuple[object, ...]:
        """Keep every problem when the error crosses a process boundary."""
        return (type(self), (self.problems, self.remedy))


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        path: Where in the YAML document; empty for the document as a whole.
        what: The rest of the sentence that the path begins, without a full stop.
        remedy: What to do; empty for the general advice.
        line: Line of the file, counted from 1, where it is known.
        structural: Whether it lies in the shape of the file, whatever its variables stand for.
    """

    path: YamlPath
    what: str
    remedy: str = ""
    line: int | None = None
    structural: bool = False

    def sentence(self, file: str) -> str:
        """Tell the problem, beginning with its place."""
        place = file if self.line is None else f"{file}:{self.line}"
        subject = f"`{dotted(self.path)}` " if self.path else ""
        return f"{place}: {subject}{self.what}."


def invalid(file: str, problems: Iterable[Problem]) -> InvalidConfigError:
    """Make the error of one or more problems, in the order of the file."""
    ordered = sorted(problems, key=lambda problem: problem.line or 0)
    return InvalidConfigError([each.sentence(file) for each in ordered], ordered[0].remedy)


def refusal(happened: str, remedy: str) -> ConfigError:
    """Make the error of something that is wrong around the file rather than in it."""
    return ConfigError(one_line(happened), kept="Nothing was changed.", remedy=one_line(remedy))


def dotted(path: YamlPath) -> str:
    """Write a path as people do: `pipelines.shop.tables.shop.orders.primary_key[0]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{shortened(part)}" if text else shortened(part)
    return text


def shortened(text: str) -> str:
    """Cut a long text, so that a message stays readable."""
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"


def one_line(text: str) -> str:
    """Escape line breaks and control characters: a value must not forge lines of a message."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text
    )


def listed(names: Iterable[str]) -> str:
    """List names for a message; a long list is cut, and says so."""
    known = [shortened(name) for name in names]
    if not known:
        return "none"
    rest = len(known) - _LISTED_NAMES
    return ", ".join(known[:_LISTED_NAMES]) + (f" and {rest} more" if rest > 0 else "")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Suggest the known name that is closest, or nothing."""
    by_lower = {each.lower(): each for each in known}
    close = difflib.get_close_matches(name.lower()[:_SHOWN_CHARACTERS], by_lower, n=1, cutoff=0.6)
    return f"Did you mean `{by_lower[close[0]]}`?" if close else ""
