"""The only YAML reader: strict, bounded, and with line numbers.

It builds plain mappings, lists, text, whole numbers, booleans and null from the parser's events.
Compared with PyYAML's own loaders it

* refuses a key that a mapping already has, tags, and anchors that contain themselves;
* bounds size, depth and the number of values that aliases expand to (the "billion laughs");
* follows YAML 1.2 where 1.1 changes values silently: `no` and `on` are text, not booleans;
  `1:30`, `0123`, `1_000`, `1.10` and `2025-01-01` stay the text that was written;
* takes `{user: ${NAME}}`, where YAML would see the braces of `${NAME}` as its own.

A message never quotes an anchor, an alias or a tag: an unquoted password may look like one.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from mysql_s3_redshift.config.problems import (
    InvalidConfigError,
    Problem,
    YamlPath,
    invalid,
    refusal,
    shortened,
)
from mysql_s3_redshift.errors import ConfigError

MAX_BYTES = 10_000_000
MAX_DEPTH = 40
MAX_VALUES = 1_000_000

_QUOTE_REMEDY = "Put text that begins with a special character in quotes."
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_REFERENCE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*(?::-[^{}$\\'\"\r\n]*)?\}")
_TOKEN_MARK = re.compile("\ue000" + r"|\\u[eE]000|\\U0000[eE]000")
_TAB_INDENT = re.compile(r" *\t")
_TOKEN = re.compile("\ue000([0-9]+)\ue001")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML document as it was written, before any variable is filled in.

    Attributes:
        name: Name of the file, for messages.
        root: Its value.
        lines: Line of each value that has a place of its own; aliased ones have their alias's.
    """

    name: str
    root: Any = field(repr=False)
    lines: Mapping[YamlPath, int] = field(default_factory=dict, repr=False)

    def line_of(self, path: YamlPath) -> int | None:
        """Find the line of a value, or of the nearest section around it."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return None

    def error(self, problems: Iterable[Problem]) -> InvalidConfigError:
        """Make the error of one or more problems, each with its line."""
        located = (
            problem if problem.line else replace(problem, line=self.line_of(problem.path))
            for problem in problems
        )
        return invalid(self.name, located)

    def at(self, path: YamlPath) -> Any:
        """Return what was written at a path; for a path below a scalar, the scalar."""
        value = self.root
        for part in path:
            if isinstance(value, dict):
                value = value.get(part)
            elif isinstance(value, list) and isinstance(part, int) and part < len(value):
                value = value[part]
        return value


def read_document(path: Path) -> Document:
    """Read one YAML file."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        message = f"There is no configuration file {path}."
        remedy = "Give its path with `--config`, or start from the example in the documentation."
        raise refusal(message, remedy) from error
    except OSError as error:
        message = f"The configuration file {path} cannot be read: {error.strerror}."
        remedy = "Check that it is a file and that this user may read it."
        raise refusal(message, remedy) from error
    return parse_document(content, path.name)


def parse_document(content: bytes, name: str) -> Document:
    """Parse the content of a YAML file."""
    if len(content) > MAX_BYTES:
        raise invalid(name, [Problem((), f"is larger than {MAX_BYTES:,} bytes")])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise invalid(name, [Problem((), "is not UTF-8 text", line=line)]) from None
    if _TOKEN_MARK.search(text):
        raise invalid(name, [Problem((), "holds the private-use character U+E000")])
    references = _REFERENCE.findall(text)
    counter = itertools.count()
    # Braces end a plain scalar inside `{…}`, so the parser sees a token for each `${NAME}`.
    masked = _REFERENCE.sub(lambda _: f"\ue000{next(counter)}\ue001", text)
    builder = _Builder(name, references)
    try:
        for event in yaml.parse(masked, Loader=_Loader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        # The cause is dropped: PyYAML's text quotes the file, and the file may hold secrets.
        raise invalid(name, [_malformed(error, text)]) from None
    except yaml.YAMLError:
        raise invalid(name, [Problem((), "holds a character YAML does not allow")]) from None
    if not builder.complete:
        raise invalid(name, [Problem((), "is empty")])
    return Document(name, builder.root, builder.lines)


def _malformed(error: yaml.MarkedYAMLError, text: str) -> Problem:
    mark = error.problem_mark
    line = mark.line + 1 if mark else None
    if line and any(map(_TAB_INDENT.match, text.split("\n")[line - 1 : line])):
        what = "is indented with a tab, which YAML does not allow"
        return Problem((), what, remedy="Indent with blanks.", line=line)
    return Problem((), f"is not valid YAML: {error.problem or error.context}", line=line)


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end has not come yet."""

    value: dict[str, Any] | list[Any]
    anchor: str | None
    path: YamlPath
    key: str | None = None
    size: int = 1
    inherited: list[dict[str, Any]] = field(default_factory=list)


class _Builder:
    """Builds the value of one document from the parser's events, without recursion."""

    def __init__(self, name: str, references: Sequence[str]) -> None:
        self.root: Any = None
        self.complete = False
        self.lines: dict[YamlPath, int] = {}
        self._name = name
        self._references = references
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int] | None] = {}

    def take(self, event: Any) -> None:
        line = event.start_mark.line + 1
        if getattr(event, "tag", None) is not None:
            raise self._refusal("uses a YAML tag (`!…`), which is not supported", line)
        if isinstance(event, yaml.ScalarEvent):
            self._take_scalar(event, line)
        elif isinstance(event, yaml.MappingStartEvent):
            self._begin({}, event.anchor, line)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._begin([], event.anchor, line)
        elif isinstance(event, yaml.AliasEvent):
            self._take_alias(event.anchor, line)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._end(line)
        elif isinstance(event, yaml.DocumentStartEvent) and self.complete:
            raise self._refusal("holds a second document (`---`)", line)

    def _take_scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        text = _TOKEN.sub(lambda token: self._references[int(token[1])], event.value)
        if self._awaits_key():
            self._take_key(text, line)
            return
        value = _scalar(text) if event.implicit[0] else text
        self._remember(event.anchor, value, 1)
        self._add(value, 1, line)

    def _take_key(self, key: str, line: int) -> None:
        container = self._open[-1]
        if key in container.value or (key == "<<" and container.inherited):
            path = (*container.path, key)
            what = f"is given a second time (first in line {self.lines.get(path, '?')})"
            raise invalid(self._name, [Problem(path, what, "Keep one of the two.", line)])
        container.key = key

    def _take_alias(self, anchor: str | None, line: int) -> None:
        if self._awaits_key():
            raise self._refusal("uses an alias (`*…`) as a key", line)
        if anchor is None or anchor not in self._anchors:
            raise self._refusal("uses an alias (`*…`) that nothing before it defines", line)
        known = self._anchors[anchor]
        if known is None:
            raise self._refusal("uses an alias (`*…`) inside the value it stands for", line)
        self._add(*known, line)

    def _begin(self, value: dict[str, Any] | list[Any], anchor: str | None, line: int) -> None:
        if self._awaits_key():
            raise self._refusal("uses a mapping or list as a key", line)
        if len(self._open) >= MAX_DEPTH:
            raise self._refusal(f"is nested more than {MAX_DEPTH} levels deep", line)
        if anchor is not None:
            self._anchors[anchor] = None
        path = self._path_of_next()
        self.lines[path] = line
        self._open.append(_Open(value, anchor, path))

    def _end(self, line: int) -> None:
        done = self._open.pop()
        for inherited in done.inherited:
            assert isinstance(done.value, dict)  # noqa: S101 - only mappings inherit
            done.value.update({k: v for k, v in inherited.items() if k not in done.value})
        if done.anchor is not None:
            self._anchors[done.anchor] = (done.value, done.size)
        self._add(done.value, done.size, self.lines.get(done.path, line))

    def _add(self, value: Any, size: int, line: int) -> None:
        if not self._open:
            self.root, self.complete = value, True
            return
        container = self._open[-1]
        container.size += size
        if container.size > MAX_VALUES:
            raise self._refusal(f"expands to more than {MAX_VALUES:,} values", line)
        if isinstance(container.value, list):
            self.lines.setdefault(self._path_of_next(), line)
            container.value.append(value)
        elif container.key == "<<":
            container.inherited += self._merge_sources(value, line)
            container.key = None
        elif container.key is not None:
            self.lines[self._path_of_next()] = line
            container.value[container.key] = value
            container.key = None

    def _merge_sources(self, value: Any, line: int) -> list[dict[str, Any]]:
        sources = value if isinstance(value, list) else [value]
        if not sources or not all(isinstance(source, dict) for source in sources):
            raise self._refusal("merges (`<<`) something that is not a mapping", line)
        return sources

    def _remember(self, anchor: str | None, value: Any, size: int) -> None:
        if anchor is not None:
            self._anchors[anchor] = (value, size)

    def _awaits_key(self) -> bool:
        if not self._open:
            return False
        container = self._open[-1]
        return isinstance(container.value, dict) and container.key is None

    def _path_of_next(self) -> YamlPath:
        if not self._open:
            return ()
        container = self._open[-1]
        if isinstance(container.value, list):
            return (*container.path, len(container.value))
        return (*container.path, container.key or "")

    def _refusal(self, what: str, line: int) -> ConfigError:
        return invalid(self._name, [Problem((), shortened(what), _QUOTE_REMEDY, line)])


def _scalar(text: str) -> str | int | bool | None:
    """Resolve an unquoted scalar as YAML 1.2 does, numbers with a fraction left as text."""
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    # `-0` and `007` would not survive int() and back, so they stay text; long numbers too.
    return int(text) if _INTEGER.fullmatch(text) and text != "-0" else text
