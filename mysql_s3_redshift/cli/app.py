"""What all commands share: the global options, the configuration, the choice of tables.

The modules that declare commands import click and nothing heavy, so that `--help` answers at once;
what a command needs is imported when it runs.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mysql_s3_redshift.errors import ConfigError, ReplicationError

if TYPE_CHECKING:
    from mysql_s3_redshift.config import Config
    from mysql_s3_redshift.core.model import TablePlan

DOCUMENT_VERSION = "1.0"
"""Version of every JSON document that a command prints; see docs/cli.md."""

LARGEST = 2**63 - 1
"""Of all numbers of rows and files that options take: what both databases can count."""

F = TypeVar("F", bound=Callable[..., Any])


@dataclass
class App:
    """The global options of one call, and what follows from them.

    Attributes:
        config_path: The configuration file.
        debug: Whether to log everything and to show tracebacks.
        as_json: Whether stdout gets one JSON document and nothing else.
    """

    config_path: Path = Path("pipelines.yaml")
    debug: bool = False
    as_json: bool = False

    @cached_property
    def config(self) -> Config:
        """The configuration, read at first use."""
        from mysql_s3_redshift.adapters.configuration import load_config

        return load_config(self.config_path)

    def select(self, pipeline: str | None, tables: tuple[str, ...]) -> tuple[TablePlan, ...]:
        """The tables that `-p` and `-t` name."""
        from mysql_s3_redshift.config import select

        self.plans(pipeline)
        return select(self.config, pipeline, tables)

    def select_all(self, pipeline: str | None, tables: tuple[str, ...]) -> tuple[TablePlan, ...]:
        """As `select`, but without `-p` and `-t` every table of the file."""
        if pipeline is None and not tables:
            return self.plans(None)
        return self.select(pipeline, tables)

    def plans(self, pipeline: str | None) -> tuple[TablePlan, ...]:
        """The tables of one pipeline, or of all.

        Raises:
            ConfigError: There are none: a command that compared nothing must not look as if all
                were well.
        """
        plans = self.config.plans(pipeline)
        if not plans:
            raise ConfigError(
                f"{self.config_path} has no pipelines, so there are no tables.",
                kept="Nothing was changed.",
                remedy="Add some: `mysql-s3-redshift discover SOURCE` prints what fits a source.",
            )
        return plans

    def select_one(self, pipeline: str | None, table: str) -> TablePlan:
        """The one table that a command changes."""
        return self.select(pipeline, (table,))[0]

    def print_json(self, command: str, document: Mapping[str, Any]) -> None:
        """Print the command's one document."""
        head = {"version": DOCUMENT_VERSION, "command": command}
        click.echo(json.dumps({**head, **document}, indent=2, ensure_ascii=False, default=str))

    def confirm(self, question: str, *, yes: bool) -> None:
        """Ask before something that is hard to undo.

        Args:
            question: The consequences, and on its last line the question.
            yes: Whether the answer is given already; the consequences are told all the same.

        Raises:
            ConfigError: The answer is no, or there is nobody to ask.
        """
        if yes:
            consequences = question.rpartition("\n")[0]
            if consequences:
                click.echo(consequences, err=True)
            return
        if self.as_json:
            raise _refused("With --json nobody is asked.")
        try:
            if click.confirm(question, err=True):
                return
        except click.Abort as error:
            raise _refused("There was no answer.") from error
        raise _refused("The answer was no.")


def _refused(why: str) -> ConfigError:
    return ConfigError(why, kept="Nothing was changed.", remedy="Add --yes to go on unasked.")


pass_app = click.make_pass_decorator(App, ensure=True)


def _set_config(context: click.Context, _: click.Parameter, value: Path | None) -> None:
    if value is not None:
        _app_of(context).config_path = value
        context.find_root().params["config"] = value


def _set_debug(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        _app_of(context).debug = True
        logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
        # Ours alone: botocore would log signed headers.
        logging.getLogger("mysql_s3_redshift").setLevel(logging.DEBUG)


def _set_json(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        _app_of(context).as_json = True
        context.find_root().params["as_json"] = True


def _app_of(context: click.Context) -> App:
    return context.find_root().ensure_object(App)


def global_options() -> list[click.Option]:
    """`--config`, `--debug` and `--json`, which stand before or after a command's name."""
    return [
        click.Option(
            ["--config"],
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE",
            help="The configuration; default: pipelines.yaml.",
            callback=_set_config,
            expose_value=False,
            is_eager=True,
        ),
        click.Option(
            ["--debug"],
            is_flag=True,
            help="Log everything to stderr, show tracebacks.",
            callback=_set_debug,
            expose_value=False,
            is_eager=True,
        ),
        click.Option(
            ["--json", "as_json"],
            is_flag=True,
            help="Print one JSON document on stdout.",
            callback=_set_json,
            expose_value=False,
            is_eager=True,
        ),
    ]


class Command(click.Command):
    """A command that takes the global options after its name too, and shows its examples.

    Args:
        examples: Command lines, shown under the options.
    """

    def __init__(self, *args: Any, examples: tuple[str, ...] = (), **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.params += global_options()
        self.examples = examples

    def format_epilog(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples below the options, unwrapped: they are copied into a shell."""
        if self.examples:
            with formatter.section("Examples"):
                for example in self.examples:
                    formatter.write(f"{'':{formatter.current_indent}}mysql-s3-redshift {example}\n")
        super().format_epilog(context, formatter)


class Group(click.Group):
    """A group whose commands are `Command`s."""

    command_class = Command
    group_class = type


class LazyGroup(click.Group):
    """The root: it knows the commands by name and imports the one that is called.

    Args:
        commands_by_name: Name → where the command is (`module:attribute`), and its short help.
    """

    def __init__(
        self, *args: Any, commands_by_name: Mapping[str, tuple[str, str]], **attributes: Any
    ) -> None:
        super().__init__(*args, **attributes)
        self.params += global_options()
        self._known = commands_by_name

    def list_commands(self, _: click.Context) -> list[str]:
        """The commands in the order of an operator's day."""
        return list(self._known)

    def get_command(self, _: click.Context, name: str) -> click.Command | None:
        """Import a command."""
        if name not in self._known:
            return None
        module, _colon, attribute = self._known[name][0].partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)  # noqa: S101  the table above names commands
        return command

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing any."""
        shown = [(name, help_) for name, (_where, help_) in self._known.items() if help_]
        with formatter.section("Commands"):
            formatter.write_dl(shown)


def _plans_to_complete(context: click.Context) -> tuple[TablePlan, ...]:
    """The tables of the file; none where it cannot be read, for a shell shows no errors."""
    try:
        return _app_of(context).config.plans()
    except ReplicationError:
        return ()


def complete_pipeline(context: click.Context, _: click.Parameter, typed: str) -> list[str]:
    """Names of pipelines, for the shell."""
    names = dict.fromkeys(plan.pipeline for plan in _plans_to_complete(context))
    return [name for name in names if name.startswith(typed)]


def complete_table(context: click.Context, _: click.Parameter, typed: str) -> list[str]:
    """Names of tables, those of the chosen pipeline, for the shell."""
    chosen = context.params.get("pipeline")
    plans = [p for p in _plans_to_complete(context) if chosen in (None, p.pipeline)]
    return [p.qualified_name for p in plans if p.qualified_name.startswith(typed)]


def table_options(*, many: bool) -> Callable[[F], F]:
    """`-p` and `-t`; a command that changes something takes exactly one table."""
    table = click.option(
        "-t",
        "--table",
        "tables" if many else "table",
        multiple=many,
        required=not many,
        metavar="[SOURCE:]SCHEMA.TABLE",
        help="Table; may be given again." if many else "The table.",
        shell_complete=complete_table,
    )
    pipeline = click.option(
        "-p",
        "--pipeline",
        metavar="NAME",
        help="Pipeline; not needed where the table tells it.",
        shell_complete=complete_pipeline,
    )
    return lambda function: pipeline(table(function))


yes_option = click.option("-y", "--yes", is_flag=True, help="Do not ask.")

why_option = click.option(
    "--why", default="", metavar="TEXT", help="The reason; kept with the document."
)
