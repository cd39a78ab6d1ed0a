"""Decides what a statement is, by its first words; what has no entry here is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mysql_s3_redshift.sandbox.redshift.errors import (
    not_offered,
    not_supported,
    syntax_error,
)
from mysql_s3_redshift.sandbox.redshift.sql.alter_table import alter_table
from mysql_s3_redshift.sandbox.redshift.sql.copy_statement import copy_from
from mysql_s3_redshift.sandbox.redshift.sql.create_table import create_table
from mysql_s3_redshift.sandbox.redshift.sql.expressions import rewrite
from mysql_s3_redshift.sandbox.redshift.sql.lexer import (
    Kind,
    Reader,
    Token,
    quote_name,
    render,
)
from mysql_s3_redshift.sandbox.redshift.sql.settings import set_parameter, show_parameter
from mysql_s3_redshift.sandbox.redshift.sql.statement import Statement
from mysql_s3_redshift.sandbox.redshift.sql.users import (
    alter_user,
    create_user,
    drop_user,
    grant,
)
from mysql_s3_redshift.sandbox.redshift.sql.words import word_set
from mysql_s3_redshift.sandbox.redshift.sql.writes import merge, write

_Translator = Callable[[Reader], Statement]


def translate(tokens: Sequence[Token]) -> Statement:
    """Translate one statement.

    Raises:
        RedshiftError: When Redshift refuses it, or the stand-in does not offer it.
    """
    if not tokens:
        return Statement()
    reader = Reader(tokens)
    verb = reader.take().upper
    if verb in _NOT_SUPPORTED:
        raise not_supported(f"SQL command {verb}")
    if verb in _NOT_OFFERED:
        raise not_offered(f"SQL command {verb}")
    if verb in ("SELECT", "WITH", "EXPLAIN", "("):
        return _query(tokens)
    if verb not in _TRANSLATORS:
        raise syntax_error(tokens[0].text)
    return _TRANSLATORS[verb](reader)


def _query(tokens: Sequence[Token]) -> Statement:
    words = {token.upper for token in tokens if token.kind is Kind.WORD}
    if tokens[0].upper == "WITH" and words & {"INSERT", "UPDATE", "DELETE", "MERGE"}:
        raise not_supported("A statement that writes, with a WITH clause")
    return Statement(render(rewrite(tokens)), tokens[0].upper)


def _create(reader: Reader) -> Statement:
    replace = reader.accept("OR", "REPLACE")
    if reader.accept("VIEW"):
        return _create_view(reader, replace=replace)
    if replace:
        raise not_offered(f"CREATE OR REPLACE {reader.peek().text}")
    reader.accept("LOCAL")
    temporary = bool(reader.accept_any("TEMP", "TEMPORARY"))
    if reader.accept("TABLE"):
        return create_table(reader, temporary=temporary)
    if reader.accept("SCHEMA"):
        return _create_schema(reader)
    if reader.accept("USER"):
        return create_user(reader)
    if reader.peek().upper in ("INDEX", "UNIQUE", "SEQUENCE", "TRIGGER", "TYPE", "DOMAIN", "RULE"):
        raise not_supported(f"CREATE {reader.peek().upper}")
    raise not_offered(f"CREATE {reader.peek().text}")


def _create_view(reader: Reader, *, replace: bool) -> Statement:
    name = reader.qualified_name()
    columns = (
        f" ({', '.join(map(quote_name, reader.names()))})" if reader.peek().text == "(" else ""
    )
    reader.expect("AS")
    query = reader.rest()
    if [token.upper for token in query[-4:]] == ["WITH", "NO", "SCHEMA", "BINDING"]:
        raise not_offered("A late-binding view")
    verb = "create or replace view" if replace else "create view"
    return Statement(f"{verb} {name}{columns} as {render(rewrite(query))}", "CREATE VIEW")


def _create_schema(reader: Reader) -> Statement:
    missing = "if not exists " if reader.accept("IF", "NOT", "EXISTS") else ""
    name = quote_name(reader.identifier())
    owner = ""
    if reader.accept("AUTHORIZATION"):
        owner = f" authorization {quote_name(reader.identifier())}"
    reader.finish()
    return Statement(f"create schema {missing}{name}{owner}", "CREATE SCHEMA")


def _alter(reader: Reader) -> Statement:
    if reader.accept("TABLE"):
        return alter_table(reader)
    if reader.accept("USER"):
        return alter_user(reader)
    raise not_offered(f"ALTER {reader.peek().text}")


def _drop(reader: Reader) -> Statement:
    if reader.accept("USER"):
        return drop_user(reader)
    kind = reader.accept_any("TABLE", "VIEW", "SCHEMA")
    if not kind:
        raise not_offered(f"DROP {reader.peek().text}")
    missing = "if exists " if reader.accept("IF", "EXISTS") else ""
    names = [reader.qualified_name()]
    while reader.accept(","):
        names.append(reader.qualified_name())
    mode = reader.accept_any("CASCADE", "RESTRICT")
    reader.finish()
    sql = f"drop {kind.lower()} {missing}{', '.join(names)} {mode}".strip()
    return Statement(sql, f"DROP {kind}")


def _truncate(reader: Reader) -> Statement:
    reader.accept("TABLE")
    table = reader.qualified_name()
    reader.finish()
    return Statement(f"truncate {table}", "TRUNCATE", commits=True)


def _begin(reader: Reader) -> Statement:
    reader.accept_any("WORK", "TRANSACTION")
    mode = ""
    while clause := reader.accept_any("ISOLATION", "READ", ","):
        if clause == "ISOLATION":
            # Every level is accepted and none changes anything (r_BEGIN).
            reader.expect("LEVEL")
            if not reader.accept("SERIALIZABLE") and not reader.accept("REPEATABLE", "READ"):
                reader.expect("READ")
                reader.accept_any("COMMITTED", "UNCOMMITTED")
        elif clause == "READ":
            mode = "read only" if reader.accept_any("ONLY", "WRITE") == "ONLY" else "read write"
    reader.finish()
    return Statement(f"begin {mode}".strip(), "BEGIN")


def _start(reader: Reader) -> Statement:
    reader.expect("TRANSACTION")
    return _begin(reader)


def _end(sql: str) -> _Translator:
    def translator(reader: Reader) -> Statement:
        reader.accept_any("WORK", "TRANSACTION")
        if reader.peek().upper == "TO":
            raise not_supported("ROLLBACK TO SAVEPOINT")
        reader.finish()
        return Statement(sql, sql.upper())

    return translator


def _lock(reader: Reader) -> Statement:
    reader.accept("TABLE")
    tables = [reader.qualified_name()]
    while reader.accept(","):
        tables.append(reader.qualified_name())
    # Redshift's LOCK takes no mode: it is ACCESS EXCLUSIVE (r_LOCK).
    reader.finish()
    return Statement(f"lock table {', '.join(tables)} in access exclusive mode", "LOCK TABLE")


def _vacuum(reader: Reader) -> Statement:
    while reader.accept_any("FULL", "SORT", "DELETE", "REINDEX", "RECLUSTER", "ONLY"):
        pass
    table = reader.qualified_name() if reader.peek().is_name and reader.peek().upper != "TO" else ""
    if reader.accept("TO"):
        reader.take()
        reader.expect("PERCENT")
    reader.accept("BOOST")
    reader.finish()
    return Statement(f"vacuum {table}".strip(), "VACUUM", alone="VACUUM")


def _analyze(reader: Reader) -> Statement:
    if reader.accept("COMPRESSION"):
        raise not_offered("ANALYZE COMPRESSION")
    reader.accept("VERBOSE")
    if not reader.peek().is_name:
        reader.finish()
        return Statement("analyze", "ANALYZE")
    table = reader.qualified_name()
    columns = (
        f" ({', '.join(map(quote_name, reader.names()))})" if reader.peek().text == "(" else ""
    )
    if not columns and (reader.accept("PREDICATE", "COLUMNS") or reader.accept("ALL", "COLUMNS")):
        columns = ""
    reader.finish()
    return Statement(f"analyze {table}{columns}", "ANALYZE")


def _comment(reader: Reader) -> Statement:
    reader.expect("ON")
    kind = reader.accept_any("TABLE", "COLUMN", "VIEW", "DATABASE")
    if not kind:
        raise not_offered(f"COMMENT ON {reader.peek().text}")
    return Statement(f"comment on {kind.lower()} {render(reader.rest())}", "COMMENT")


def _grant(reader: Reader) -> Statement:
    return grant(reader, revoke=False)


def _revoke(reader: Reader) -> Statement:
    return grant(reader, revoke=True)


_TRANSLATORS: dict[str, _Translator] = {
    "INSERT": write("INSERT", "INTO"),
    "UPDATE": write("UPDATE"),
    "DELETE": write("DELETE", "FROM"),
    "MERGE": merge,
    "COPY": copy_from,
    "CREATE": _create,
    "ALTER": _alter,
    "DROP": _drop,
    "TRUNCATE": _truncate,
    "BEGIN": _begin,
    "START": _start,
    "COMMIT": _end("commit"),
    "END": _end("commit"),
    "ROLLBACK": _end("rollback"),
    "ABORT": _end("rollback"),
    "LOCK": _lock,
    "VACUUM": _vacuum,
    "ANALYZE": _analyze,
    "ANALYSE": _analyze,
    "COMMENT": _comment,
    "GRANT": _grant,
    "REVOKE": _revoke,
    "SET": set_parameter,
    "RESET": set_parameter,
    "SHOW": show_parameter,
}
_NOT_SUPPORTED = word_set(
    """
    SAVEPOINT RELEASE LISTEN NOTIFY UNLISTEN DO VALUES REINDEX CLUSTER CHECKPOINT
    """
)
_NOT_OFFERED = word_set(
    """
    UNLOAD CALL DECLARE FETCH CLOSE PREPARE EXECUTE DEALLOCATE REFRESH CANCEL USE DESC
    """
)
