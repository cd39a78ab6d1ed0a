"""The functions of Redshift that the stand-in offers; a call of any other is refused.

PostgreSQL has hundreds of functions that Redshift has not (`c_unsupported-postgresql-functions`),
and some that Redshift has with another meaning. So the list is a list of what may pass.
"""

from __future__ import annotations

from mysql_s3_redshift.sandbox.redshift.sql.words import word_set

AS_IN_POSTGRES = word_set(
    """
    abs ascii avg bool_and bool_or btrim ceil ceiling char_length character_length chr
    coalesce count cume_dist current_database current_schema current_schemas current_setting
    date_part date_trunc dense_rank exp extract first_value floor greatest
    has_database_privilege has_schema_privilege has_table_privilege initcap lag last_value
    lead least left length ln lower lpad ltrim max md5 min mod nth_value ntile nullif
    octet_length percent_rank percentile_cont pg_backend_pid pg_cancel_backend pg_get_userbyid
    pg_terminate_backend position power quote_ident quote_literal random rank repeat replace
    reverse right round row_number rpad rtrim sign split_part sqrt stddev stddev_pop
    stddev_samp strpos substr substring sum to_char to_date to_number to_timestamp translate
    trim upper var_pop var_samp variance
    """
)

OF_THE_STAND_IN = word_set(
    """
    add_months can_json_parse concat convert_timezone dateadd datediff from_hex from_varbyte
    func_sha1 getdate is_valid_json json_parse json_serialize json_typeof last_day nvl2
    pg_last_copy_count pg_last_copy_id pg_last_query_id sha sha1 sha2 st_asbinary st_asewkb
    st_ashexewkb st_ashexwkb st_geomfromewkb st_geomfromwkb st_srid strtol to_hex to_varbyte
    trunc version
    """
)
"""Functions that PostgreSQL lacks or gives another meaning; `catalog/` has them in schema `rs`."""

RENAMED = {"nvl": "coalesce", "len": "length", "ifnull": "coalesce", "pow": "power"}

FROM_INSIDE = frozenset({"EXTRACT", "TRIM", "SUBSTRING"})
"""Functions whose arguments are set apart by FROM."""

DATE_PART_FIRST = frozenset({"dateadd", "datediff", "date_part"})
"""Functions whose first argument is a bare word that names a part of a date."""

BEFORE_PARENTHESIS = word_set(
    """
    INSERT ALL AND ANY AS BETWEEN BY CASE CAST CUBE DISTINCT ELSE EXCEPT EXISTS FROM GROUP HAVING IN
    INNER INTERSECT INTO IS JOIN LEFT LIKE ILIKE LIMIT MINUS NOT ON OR ORDER OUTER OVER
    PARTITION RIGHT ROLLUP SELECT SETS SIMILAR SOME THEN TO UNION USING VALUES WHEN WHERE WITH
    OFFSET SET CROSS NATURAL FULL
    """
)
"""Words before a parenthesis that are no function."""

NAME_FOLLOWS = frozenset({"INTO", "TABLE", "VIEW", "UPDATE", "AS"})
"""Words after which `name (` is a table or an alias with its columns, not a call."""
