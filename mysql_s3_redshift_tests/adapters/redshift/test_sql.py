"""Every statement that is sent to Redshift, as it is sent."""

from __future__ import annotations

from dataclasses import replace

from mysql_s3_redshift.adapters.redshift import key_sql, sql
from mysql_s3_redshift.adapters.redshift.target import copy_authorization
from mysql_s3_redshift.config import StorageConfig, TargetConfig
from mysql_s3_redshift.core.drift import TargetChange, TargetChangeKind
from mysql_s3_redshift.core.model import TargetOptions
from mysql_s3_redshift.core.schema import Column, TableSchema

SCHEMA = TableSchema(
    columns=(
        Column("ID", "bigint", "id", "int64", "BIGINT", "BIGINT", nullable=False),
        Column("update_at", "datetime", "update_at", "timestamp[us]", "TIMESTAMP", "TIMESTAMP"),
        Column("doc", "json", "doc", "string", "SUPER", "VARCHAR(65535)", cast="JSON_PARSE({})"),
    ),
    primary_key=("id",),
)
TARGET = sql.qualified("shop", "orders")


def test_target_is_created_with_its_layout():
    options = TargetOptions(distkey="ID", sortkey=("update_at", "ID"), sortstyle="compound")
    assert sql.create_table(TARGET, SCHEMA, options) == (
        'CREATE TABLE IF NOT EXISTS "shop"."orders" ("id" BIGINT NOT NULL, "update_at" TIMESTAMP, '
        '"doc" SUPER, PRIMARY KEY ("id")) DISTSTYLE KEY DISTKEY ("id") '
        'COMPOUND SORTKEY ("update_at", "id")'
    )


def test_staging_takes_what_copy_can_load():
    assert sql.create_staging(SCHEMA, TargetOptions(distkey="id")) == (
        'CREATE TEMP TABLE "mysql_s3_redshift_staging" ("id" BIGINT, "update_at" TIMESTAMP, '
        '"doc" VARCHAR(65535)) DISTSTYLE KEY DISTKEY ("id")'
    )


def test_staging_is_sorted_like_the_target_by_columns_that_are_not_cast():
    by_time = sql.create_staging(SCHEMA, TargetOptions(sortkey=("update_at", "ID")))
    assert by_time.endswith(' SORTKEY ("update_at", "id")')
    assert "KEY" not in sql.create_staging(SCHEMA, TargetOptions(distkey="doc", sortkey=("doc",)))
    interleaved = TargetOptions(sortkey=("update_at",), sortstyle="interleaved")
    assert "SORTKEY" not in sql.create_staging(SCHEMA, interleaved)


def test_copy_leaves_the_statistics_of_a_small_staging_table():
    statement = sql.copy(TARGET, SCHEMA, "s3://b/m", auth="a", manifest=True, statistics=False)
    assert statement.endswith(" FORMAT AS PARQUET MANIFEST STATUPDATE OFF")


def test_copy_names_its_columns_and_its_manifest():
    """I-26: the column list is that of the files."""
    assert sql.copy(
        TARGET, SCHEMA, "s3://b/it's.manifest", auth="IAM_ROLE default", manifest=True
    ) == (
        'COPY "shop"."orders" ("id", "update_at", "doc") FROM \'s3://b/it\'\'s.manifest\' '
        "IAM_ROLE default FORMAT AS PARQUET MANIFEST"
    )


def test_merge_deletes_what_is_not_newer_and_inserts_what_is_missing():
    assert key_sql.delete_older(TARGET, SCHEMA, ["id"], version="update_at", staging="s1") == (
        'DELETE FROM "shop"."orders" USING "s1" s WHERE "shop"."orders"."id" = s."id" AND '
        '("shop"."orders"."update_at" IS NULL OR "shop"."orders"."update_at" <= s."update_at")'
    )
    assert key_sql.insert_missing(TARGET, SCHEMA, ["id"], staging="s1") == (
        'INSERT INTO "shop"."orders" ("id", "update_at", "doc") SELECT s."id", s."update_at", '
        'JSON_PARSE(s."doc") FROM "s1" s WHERE NOT EXISTS '
        '(SELECT 1 FROM "shop"."orders" t WHERE t."id" = s."id")'
    )


def test_texts_that_differ_in_trailing_blanks_are_different_keys():
    code = replace(
        SCHEMA.columns[0], name="code", target_type="VARCHAR(20)", staging_type="VARCHAR(20)"
    )
    schema = replace(SCHEMA, columns=(*SCHEMA.columns, code), primary_key=("code",))
    assert 't."code" = s."code" AND LEN(t."code") = LEN(s."code")' in key_sql.insert_missing(
        TARGET, schema, ["code"], staging="s1"
    )
    assert 'DISTINCT "code", LEN("code") FROM' in key_sql.key_counts(TARGET, schema, ["code"])
    newest = key_sql.create_newest(schema, ["code"], "update_at")
    assert 'PARTITION BY "code", LEN("code") ' in newest
    assert newest.endswith(' GROUP BY "id", "update_at", "doc", LEN("doc"), "code", LEN("code")')


def test_names_and_values_cannot_leave_their_quotes():
    evil = 'x"; DROP TABLE y; --'
    assert sql.qualified(evil, "t") == '"x""; DROP TABLE y; --"."t"'
    assert sql.literal("a'b\\c") == "'a''b\\\\c'"
    assert sql.delete_window(TARGET, evil) == (
        'DELETE FROM "shop"."orders" WHERE "x""; DROP TABLE y; --" >= ? AND '
        '"x""; DROP TABLE y; --" < ?'
    )


def test_columns_are_added_and_widened_one_a_statement():
    add = TargetChange(TargetChangeKind.ADD_COLUMN, "n", "BIGINT", "", encoding="az64")
    widen = TargetChange(TargetChangeKind.WIDEN_VARCHAR, "v", "VARCHAR(99)", "")
    assert sql.change_column(TARGET, add) == (
        'ALTER TABLE "shop"."orders" ADD COLUMN "n" BIGINT ENCODE az64'
    )
    assert sql.change_column(TARGET, widen) == (
        'ALTER TABLE "shop"."orders" ALTER COLUMN "v" TYPE VARCHAR(99)'
    )


def test_ledger_is_locked_by_name_and_searched_by_range():
    assert sql.lock(TARGET) == 'LOCK "shop"."orders"'
    assert sql.ledger_files(TARGET) == 'SELECT uri FROM "shop"."orders" WHERE seq BETWEEN ? AND ?'


def test_copy_signs_in_by_role_or_by_the_keys_of_the_store():
    role = "arn:aws:iam::123456789012:role/copy"
    login = {"host": "localhost", "database": "d", "user": "u", "password": "p"}
    plain = StorageConfig.model_validate({"bucket": "lake"})
    keys = StorageConfig.model_validate(
        {"bucket": "lake", "access_key_id": "AK", "secret_access_key": "S'K"}
    )
    with_role = TargetConfig.model_validate({**login, "copy_role": role})
    without = TargetConfig.model_validate(login)
    assert copy_authorization(with_role, keys) == f"IAM_ROLE '{role}'"
    assert copy_authorization(without, plain) == "IAM_ROLE default"
    assert copy_authorization(without, keys) == "ACCESS_KEY_ID 'AK' SECRET_ACCESS_KEY 'S''K'"
