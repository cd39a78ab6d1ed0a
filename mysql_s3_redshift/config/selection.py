"""From `-p` and `-t` of the command line to plans."""

from __future__ import annotations

from collections.abc import Sequence

from mysql_s3_redshift.config.config import Config
from mysql_s3_redshift.config.problems import listed, refusal
from mysql_s3_redshift.config.table_names import split_table_name
from mysql_s3_redshift.core.model import TablePlan


def select(config: Config, pipeline: str | None, tables: Sequence[str]) -> tuple[TablePlan, ...]:
    """Find the tables that a command means.

    Args:
        config: The configuration.
        pipeline: Name of the pipeline; may be left out where the tables tell it, or where there is
            only one.
        tables: `schema.table` or `SOURCE:schema.table`; none means all tables of the pipeline.

    Returns:
        The plans, each once, in the order they were asked for.

    Raises:
        ConfigError: A name is unknown or means more than one table.
    """
    if pipeline is None and not tables and len(config.pipelines) != 1:
        raise refusal(
            f"{config.path.name} has {len(config.pipelines)} pipelines; which one is meant?",
            f"Add `-p PIPELINE`: {listed(config.pipelines)}.",
        )
    candidates = config.plans(pipeline)
    if not tables:
        return candidates
    found = (_find(config, name, candidates, pipeline=pipeline) for name in tables)
    return tuple({plan.display_name: plan for plan in found}.values())


def _find(
    config: Config, name: str, candidates: Sequence[TablePlan], *, pipeline: str | None
) -> TablePlan:
    matches = [plan for plan in candidates if _is_named(plan, name)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        choices = (f"`-p {plan.pipeline} -t {plan.scoped_name}`" for plan in matches)
        raise refusal(
            f"Table `{name}` is in {len(matches)} pipelines.", f"Say which one: {listed(choices)}."
        )
    elsewhere = dict.fromkeys(p.pipeline for p in config.plans(None) if _is_named(p, name))
    if elsewhere:
        raise refusal(
            f"Pipeline `{pipeline}` has no table `{name}`.",
            f"It is in {listed(elsewhere)}: name that one with `-p`, or none.",
        )
    is_scoped = ":" in name
    known = dict.fromkeys(p.scoped_name if is_scoped else p.qualified_name for p in candidates)
    raise config.unknown("table", name, tuple(known))


def _is_named(plan: TablePlan, name: str) -> bool:
    if name in {plan.qualified_name, plan.scoped_name}:
        return True
    source, _, rest = name.partition(":")
    for table, scope in ((name, plan.source), (rest, source)):
        try:
            parts = split_table_name(table)
        except ValueError:
            continue
        if scope == plan.source and parts == (plan.schema, plan.table):
            return True
    return False
