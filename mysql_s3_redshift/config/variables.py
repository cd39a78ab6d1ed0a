"""Variables and secrets in `pipelines.yaml`: `${VAR}`, `file:…` and `secretsmanager:…`.

* `${VAR}` and `${VAR:-default}` may stand anywhere in a text; the default counts where the variable
  is not set or empty. `$${` stands for a literal `${`. A value is never looked through again.
* A text that begins with `file:` is replaced by that file's content, less one trailing newline.
* `secretsmanager:name#key` is replaced by a key of a JSON secret, `secretsmanager:name` by the
  whole secret.

Variables come from the process, then from `.env` beside the file, then from `.sandbox/env` beside
it. All are read anew for each request, so a rotated secret counts for the next connection.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from mysql_s3_redshift.config.problems import Problem, YamlPath, did_you_mean, refusal

FILES = (".env", ".sandbox/env")
FILE_PREFIX = "file:"
SECRET_PREFIX = "secretsmanager:"  # noqa: S105 - a prefix, not a password

_MAX_SECRET_BYTES = 65_536
_REFERENCE = re.compile(
    r"(?P<escape>\$\$\{)|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^${}]*))?\}|\$\{"
)
_ASSIGNMENT = re.compile(r"(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*(?P<value>.*)")
_QUOTED = re.compile(r"""(?:'(?P<single>[^']*)'|"(?P<double>(?:[^"\\]|\\.)*)")\s*(?:#.*)?""")
_ESCAPES = {r"\n": "\n", r"\t": "\t", r"\"": '"', r"\\": "\\", r"\$": "$"}


class SecretReader(Protocol):
    """Reads secrets from a store; raises `ConfigError` where one cannot be read."""

    def read(self, name: str) -> str:
        """Return the text of the secret with this name or ARN."""
        ...


@dataclass(frozen=True, slots=True)
class Environment:
    """Where variables and secrets come from.

    Attributes:
        folder: Folder of `pipelines.yaml`; relative paths start here.
        process: Variables of the process; looked at anew each time.
        secret_reader: Reads `secretsmanager:` references; without one they are refused.
    """

    folder: Path
    process: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    secret_reader: SecretReader | None = None

    def variables(self) -> dict[str, str]:
        """Collect all variables; the process wins over the files."""
        merged: dict[str, str] = {}
        for name in reversed(FILES):
            merged |= _read_assignments(self.folder / name)
        return merged | dict(self.process)


class UnresolvedError(ValueError):
    """A reference that cannot be resolved; says why, never the value."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.remedy = remedy


class Resolver:
    """Fills in the references of one section and collects what cannot be resolved."""

    def __init__(self, environment: Environment) -> None:
        self.problems: list[Problem] = []
        self._environment = environment
        self._variables = environment.variables()

    def resolve(self, value: Any, path: YamlPath, deferred: frozenset[str] = frozenset()) -> Any:
        """Return the value with every reference below it filled in.

        Args:
            value: What was written.
            path: Its place, for messages.
            deferred: Keys whose values are left as written.
        """
        if isinstance(value, dict):
            return {
                key: item if key in deferred else self.resolve(item, (*path, key), deferred)
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [self.resolve(item, (*path, i), deferred) for i, item in enumerate(value)]
        if not isinstance(value, str) or not is_reference(value):
            return value
        try:
            return self._text(value)
        except UnresolvedError as error:
            self.problems.append(Problem(path, str(error), error.remedy))
            return value

    def _text(self, written: str) -> str:
        text = _REFERENCE.sub(self._variable, written)
        if written.startswith(FILE_PREFIX):
            return self._file(text.removeprefix(FILE_PREFIX))
        if written.startswith(SECRET_PREFIX):
            return self._secret(text.removeprefix(SECRET_PREFIX))
        return text

    def _variable(self, match: re.Match[str]) -> str:
        if match["escape"]:
            return "${"
        name, default = match["name"], match["default"]
        if name is None:
            what = "has a `${` that begins no `${NAME}` or `${NAME:-default}`"
            raise UnresolvedError(what, "Write `$${` for a literal `${`.")
        value = self._variables.get(name)
        if default is not None:
            return value or default
        if value is None:
            hint = did_you_mean(name, self._variables)
            raise UnresolvedError(
                f"needs the variable {name}, which is not set",
                f"Set {name} in the environment or in a .env file beside the file. {hint}".strip(),
            )
        return value

    def _file(self, name: str) -> str:
        remedy = "Check the path and that this user may read the file."
        try:
            path = (self._environment.folder / Path(name).expanduser()).absolute()
            with path.open("rb") as file:
                content = file.read(_MAX_SECRET_BYTES + 1)
        except (OSError, ValueError, RuntimeError) as error:  # the last: nobody's home folder
            reason = getattr(error, "strerror", None) or "not a valid path"
            raise UnresolvedError(f"names a file that cannot be read: {reason}", remedy) from None
        if len(content) > _MAX_SECRET_BYTES:
            what = f"names a file larger than {_MAX_SECRET_BYTES:,} bytes"
            raise UnresolvedError(what, remedy)
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            raise UnresolvedError("names a file that is not UTF-8 text", remedy) from None
        return text.removesuffix("\n").removesuffix("\r")

    def _secret(self, reference: str) -> str:
        name, _, key = reference.partition("#")
        reader = self._environment.secret_reader
        if reader is None:
            raise UnresolvedError(
                "names a secret of AWS Secrets Manager, and no reader of secrets is set up",
                "Use `${VAR}` or `file:…` here, or run where AWS Secrets Manager is available.",
            )
        text = reader.read(name)
        if not key:
            return text
        try:
            value = json.loads(text)[key]
        except (ValueError, KeyError, TypeError, RecursionError):
            what = "names a key that its secret does not have"
            raise UnresolvedError(what, "Write `secretsmanager:name#key`.") from None
        return value if isinstance(value, str) else json.dumps(value)


def is_reference(text: str) -> bool:
    """Tell whether a text needs variables, files or secrets to become a value."""
    return "${" in text or text.startswith((FILE_PREFIX, SECRET_PREFIX))


def _read_assignments(path: Path) -> dict[str, str]:
    """Read a file of `KEY=VALUE` lines; a missing one has none."""
    remedy = f"Correct {path} (KEY=VALUE lines), or remove it."
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError):
        message = f"{path} cannot be read as UTF-8 text."
        raise refusal(message, remedy) from None
    variables = {}
    for number, line in enumerate(text.splitlines(), start=1):
        statement = line.strip()
        if not statement or statement.startswith("#"):
            continue
        match = _ASSIGNMENT.fullmatch(statement)
        value = _unquoted(match["value"]) if match else None
        if match is None or value is None:
            raise refusal(f"{path}:{number} is not a KEY=VALUE line.", remedy)
        variables[match["name"]] = value
    return variables


def _unquoted(text: str) -> str | None:
    """Take the quotes or the trailing comment off a value; None where a quote is not closed."""
    if not text.startswith(("'", '"')):
        return re.split(r"(?:^|\s+)#", text, maxsplit=1)[0]
    match = _QUOTED.fullmatch(text)
    if match is None:
        return None
    if match["single"] is not None:
        return match["single"]
    return re.sub(r"\\.", lambda escape: _ESCAPES.get(escape[0], escape[0]), match["double"])
