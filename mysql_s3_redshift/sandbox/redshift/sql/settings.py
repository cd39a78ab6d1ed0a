"""SET, RESET and SHOW: only the parameters that Redshift has."""

from __future__ import annotations

from mysql_s3_redshift.sandbox.redshift.errors import RedshiftError, not_offered, syntax_error
from mysql_s3_redshift.sandbox.redshift.sql.lexer import Reader, fold, render
from mysql_s3_redshift.sandbox.redshift.sql.statement import Statement
from mysql_s3_redshift.sandbox.redshift.sql.words import word_set

_OF_POSTGRES = word_set(
    """
    application_name client_encoding datestyle extra_float_digits search_path
    statement_timeout timezone
    """
)
_OF_REDSHIFT = word_set(
    """
    analyze_threshold_percent enable_case_sensitive_super_attribute enable_numeric_rounding
    enable_result_cache_for_session json_serialization_enable mv_enable_aqmv_for_session
    query_group wlm_query_slot_count
    """
)
_NOT_OFFERED = frozenset({"enable_case_sensitive_identifier", "describe_field_name_in_uppercase"})


def set_parameter(reader: Reader) -> Statement:
    """Translate what follows SET or RESET."""
    scope = reader.accept_any("SESSION", "LOCAL")
    if reader.peek().upper in ("AUTHORIZATION", "CHARACTERISTICS", "TRANSACTION", "ROLE"):
        raise not_offered(f"SET {scope} {reader.peek().upper}".replace("  ", " "))
    name = _parameter(reader)
    if reader.accept_any("TO", "="):
        value = render(reader.rest())
        if not value:
            raise syntax_error("")
        return Statement(f"set {scope} {name} to {value}".replace("  ", " "), "SET")
    reader.finish()
    return Statement(f"reset {name}", "RESET")


def show_parameter(reader: Reader) -> Statement:
    """Translate what follows SHOW."""
    if reader.peek().upper in ("TABLES", "COLUMNS", "SCHEMAS", "DATABASES", "TABLE", "VIEW"):
        raise not_offered(f"SHOW {reader.peek().upper}")
    name = _parameter(reader)
    reader.finish()
    return Statement(f"show {name}", "SHOW")


def _parameter(reader: Reader) -> str:
    name = fold(reader.take().name)
    if name in _OF_POSTGRES:
        return name
    if name in _OF_REDSHIFT:
        return f"rs.{name}"
    if name in _NOT_OFFERED:
        raise not_offered(f"The parameter {name}")
    raise RedshiftError("42704", f'unrecognized configuration parameter "{name}"')
