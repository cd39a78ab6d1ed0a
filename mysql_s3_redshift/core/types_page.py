"""The page `docs/types.md`, written from the type table.

`python -m mysql_s3_redshift.core.types_page > docs/types.md` writes it again.
"""

from __future__ import annotations

import sys

from mysql_s3_redshift.core.type_rules import TypeRule
from mysql_s3_redshift.core.types import HASH_RULE, RULES

_INTRODUCTION = """\
# Types

<!-- Written from the type table in `mysql_s3_redshift/core/types.py`. Do not edit. -->

Every value arrives exactly as MySQL holds it. Where Redshift cannot hold it, the run stops and
names table, column and key, unless a policy of the column allows a change; then every changed value
is counted in `values_changed` of the run.

## What each type becomes

In `DECIMAL(p,s)`, p and s are those of the MySQL column; n is a number of bytes.
"""

_OPTIONS = """\
## What `columns: {types: …}` can choose instead

Staged columns are filled by COPY and cast by the INSERT that follows.
"""

_POLICIES = """\
## Policies for values that do not fit

Each is set per column under `columns:`, or for all columns with the name `*`. Key columns are never
changed: there such a value is always an error.

| policy | concerns | choices (first: default) | counted as |
| --- | --- | --- | --- |
| `zero_dates` | `0000-00-00` and dates with a zero or impossible month or day | `null`, `error` \
| `zero_dates_nulled:column` |
| `overlong` | values longer than their Redshift column | `error`, `truncate` (between two \
characters; not for documents and geometries), `null` | `overlong_truncated:column`, \
`overlong_nulled:column` |
| `invalid_text` | text that is not UTF-8 or contains NUL | `error`, `replace` (each by U+FFFD), \
`null` | `invalid_text_replaced:column`, `invalid_text_nulled:column` |
"""


def types_page() -> str:
    """Return the page as Markdown."""
    defaults = [rule for rule in RULES if not rule.option]
    options = [rule for rule in RULES if rule.option]
    return "\n".join(
        [
            _INTRODUCTION,
            "| MySQL | parquet | Redshift | why |\n| --- | --- | --- | --- |",
            *(_default_row(rule) for rule in defaults),
            "",
            _OPTIONS,
            "| option | for | parquet | staged as | Redshift | why |",
            "| --- | --- | --- | --- | --- | --- |",
            *(_option_row(f"`types: {rule.option}`", rule) for rule in options),
            _option_row("`hash`", HASH_RULE),
            "",
            _POLICIES,
        ]
    )


def _default_row(rule: TypeRule) -> str:
    return f"| {_kinds(rule)} | {_named(rule.arrow)} | {_named(rule.target)} | {rule.why} |"


def _option_row(option: str, rule: TypeRule) -> str:
    staged = _named(rule.staging) if rule.staging else ""
    return (
        f"| {option} | {_kinds(rule)} | {_named(rule.arrow)} | {staged} | {_named(rule.target)} "
        f"| {rule.why} |"
    )


def _kinds(rule: TypeRule) -> str:
    """Write type names in upper case; words around them stay."""
    words = {"with", "over", "digits,", "or", "after", "the", "point", "to", "every", "type"}
    return ", ".join(
        " ".join(word if word in words else word.upper() for word in kind.split())
        for kind in rule.mysql
    )


def _named(type_text: str) -> str:
    return "`" + type_text.replace("{bytes}", "n").replace("{p}", "p").replace("{s}", "s") + "`"


if __name__ == "__main__":
    sys.stdout.write(types_page())
