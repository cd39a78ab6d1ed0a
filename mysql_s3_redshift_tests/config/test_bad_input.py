"""Every mistake in `pipelines.yaml` is told by its place, what is valid, and what to do."""

import json
from typing import Any

import pytest

from mysql_s3_redshift.config import InvalidConfigError, load
from mysql_s3_redshift.errors import ConfigError, ExitCode
from mysql_s3_redshift_tests.config.documents import (
    SOURCE,
    STORAGE,
    TABLE_PATH,
    TARGET,
    document,
    loaded,
    with_table,
    with_value,
    write,
)

SHOP = ("pipelines", "shop")
MAIN = ("sources", "main")
LAKE = ("storages", "lake")
WAREHOUSE = ("targets", "warehouse")
ORDERS = "`pipelines.shop.tables.shop.orders"


def changed(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    return with_value(path, value)


def tables(**named: Any) -> dict[str, Any]:
    return with_value((*SHOP, "tables"), {k.replace("__", "."): v for k, v in named.items()})


def query(**options: Any) -> dict[str, Any]:
    return with_table({"cdc_strategy": "custom_sql", **options})


BAD: dict[str, tuple[dict[str, Any], list[str]]] = {
    "unknown section": (
        document(pipeline={}),
        [
            "`pipeline` is not a known key; known: sources, storages, targets, pipelines",
            "Did you mean `pipelines`?",
        ],
    ),
    "unknown key of a source": (
        changed((*MAIN, "pasword"), "x"),
        ["`sources.main.pasword` is not a known key", "Did you mean `password`?"],
    ),
    "unknown key of a nested section": (
        changed((*MAIN, "ssh"), {"host": "b", "user": "u", "key": "x"}),
        ["`sources.main.ssh.key` is not a known key; known: config_file, host, known_hosts"],
    ),
    "unknown key of a pipeline": (
        changed((*SHOP, "schedule"), "* * * * *"),
        ["`pipelines.shop.schedule` is not a known key"],
    ),
    "unknown option of a table": (
        with_table({"cdc_stategy": "hybrid"}),
        [f"{ORDERS}.cdc_stategy` is not a known key", "Did you mean `cdc_strategy`?"],
    ),
    "unknown option of columns": (
        with_table({"columns": {"exclud": ["a"]}}),
        [f"{ORDERS}.columns.exclud` is not a known key", "Did you mean `exclude`?"],
    ),
    "unknown strategy": (
        with_table({"cdc_strategy": "hybird"}),
        [
            f"{ORDERS}.cdc_strategy` is `hybird`; valid values: hybrid, timestamp_only, id_only",
            "Did you mean `hybrid`?",
        ],
    ),
    "unknown load mode": (
        with_table({"load_mode": "merge"}),
        [f"{ORDERS}.load_mode` is `merge`; valid values: append, upsert, replace."],
    ),
    "unknown TLS mode": (
        changed((*MAIN, "tls"), {"mode": "verify-identity"}),
        ["`sources.main.tls.mode` is `verify-identity`; valid values: disabled, required"],
    ),
    "unknown sslmode": (
        changed((*WAREHOUSE, "sslmode"), "prefer"),
        ["`targets.warehouse.sslmode` is `prefer`; valid values: disable, verify-ca, verify-full"],
    ),
    "port that is no number": (
        changed((*MAIN, "port"), "mysql"),
        ["`sources.main.port` is `mysql`, which is not valid: it should be a valid integer"],
    ),
    "port out of range": (
        changed((*MAIN, "port"), 70_000),
        ["`sources.main.port` is `70000`", "less than or equal to 65535"],
    ),
    "boolean for text": (
        changed((*MAIN, "user"), True),
        ["`sources.main.user` is `true`, which is not text", "quotes"],
    ),
    "list for text": (
        changed((*MAIN, "user"), ["a"]),
        ["`sources.main.user` is not valid: it should be a valid string"],
    ),
    "text for a section": (
        changed((*MAIN, "tls"), "required"),
        ["`sources.main.tls` must be a section of keys"],
    ),
    "text for a connection": (
        changed(MAIN, "mysql://u:p@h"),
        ["`sources.main` must be a section of keys"],
    ),
    "list for the sources": (
        document(sources=[SOURCE]),
        ["`sources` must be a section of names"],
    ),
    "false for the pipelines": (
        document(pipelines=False),
        ["`pipelines` must be a section of names"],
    ),
    "host with a port": (
        changed((*MAIN, "host"), "db internal"),
        ["`sources.main.host` is `db internal`", "a host is a name or an address"],
    ),
    "host that is an option of ssh": (
        changed((*MAIN, "ssh"), {"host": "-oProxyCommand=x", "user": "u"}),
        ["`sources.main.ssh.host`", "a host is a name or an address"],
    ),
    "missing host": (
        document(sources={"main": {"user": "u"}}),
        ["`sources.main.host` is missing"],
    ),
    "empty connection": (
        document(storages={"lake": None}),
        ["`storages.lake.bucket` is missing"],
    ),
    "half a client certificate": (
        changed((*MAIN, "tls"), {"mode": "verify_ca", "cert": "c.pem"}),
        ["`sources.main.tls` is not valid: `cert` and `key` belong together"],
    ),
    "half an access key": (
        changed((*LAKE, "access_key_id"), "AKIA"),
        ["`storages.lake` is not valid: `access_key_id` and `secret_access_key` belong together"],
    ),
    "invalid bucket": (
        changed((*LAKE, "bucket"), "Company_Lake"),
        ["`storages.lake.bucket` is `Company_Lake`", "lower-case"],
    ),
    "prefix that climbs": (
        changed((*LAKE, "prefix"), "a/../b"),
        ["`storages.lake.prefix` is `a/../b`", "without `.` and `..`"],
    ),
    "target without a way to sign in": (
        document(targets={"warehouse": {"host": "h", "database": "d", "user": "u"}}),
        ["`targets.warehouse` is not valid: it needs `user` and `password`, or `iam`"],
    ),
    "two ways to sign in": (
        changed((*WAREHOUSE, "iam"), {"iam": True}),
        ["`targets.warehouse` is not valid: `iam` and `password` exclude each other"],
    ),
    "role that is no ARN": (
        changed((*WAREHOUSE, "copy_role"), "copy"),
        ["`targets.warehouse.copy_role` is `copy`", "a role is `default`, or its ARN"],
    ),
    "unknown source": (
        changed((*SHOP, "source"), "mian"),
        [
            "`pipelines.shop.source` is `mian`, which is not in `sources`; known: main.",
            "Did you mean `main`?",
        ],
    ),
    "unknown storage": (
        changed((*SHOP, "storage"), "pond"),
        ["`pipelines.shop.storage` is `pond`, which is not in `storages`; known: lake."],
    ),
    "unknown target": (
        document(targets={}),
        ["`pipelines.shop.target` is `warehouse`, which is not in `targets`; known: none."],
    ),
    "missing source": (
        changed((*SHOP, "source"), None),
        ["`pipelines.shop.source` is missing"],
    ),
    "no tables": (tables(), ["`pipelines.shop.tables`", "a pipeline has at least one table"]),
    "null tables": (
        changed((*SHOP, "tables"), None),
        ["`pipelines.shop.tables` is missing"],
    ),
    "list of tables": (
        changed((*SHOP, "tables"), ["shop.orders"]),
        ["`pipelines.shop.tables` must be a section of keys"],
    ),
    "table without schema": (
        tables(orders=None),
        ["`pipelines.shop.tables.orders` is not a valid key: a table is `schema.table`"],
    ),
    "sync twice": (
        changed((*SHOP, "sync"), {"every": "5m", "schedule": "* * * * *"}),
        ["`pipelines.shop.sync` is not valid: it needs one of `every` and `schedule`"],
    ),
    "sync every nothing": (
        changed((*SHOP, "sync"), {"every": "0s"}),
        ["`pipelines.shop.sync.every` is `0s`", "longer than zero"],
    ),
    "duration without a unit": (
        with_table({"lag": 5}),
        [f"{ORDERS}.lag` is `5`, which is not valid: a duration has units, as in `30s`"],
    ),
    "unknown time zone": (
        with_table({"cdc_timestamp_timezone": "Berlin"}),
        [f"{ORDERS}.cdc_timestamp_timezone` is `Berlin`", "Europe/Berlin"],
    ),
    "schedule that is no cron": (
        changed((*SHOP, "sync"), {"schedule": "every day"}),
        ["`pipelines.shop.sync.schedule` is `every day`", "five cron fields"],
    ),
    "contradicting parallelism": (
        changed((*SHOP, "processing"), {"strategy": "sequential", "max_parallel_tables": 3}),
        ["`pipelines.shop.processing` is not valid: `max_parallel_tables` above 1"],
    ),
    "webhook that is no address": (
        changed((*SHOP, "alerts"), {"webhook": "ops"}),
        ["`pipelines.shop.alerts.webhook` has a value (not shown here)"],
    ),
    "a web UI that is no address": (
        changed((*SHOP, "alerts"), {"command": ["true"], "web_ui": "dagster"}),
        ["the web UI's address is `http://…` or `https://…`"],
    ),
    "alerts for nobody": (
        changed((*SHOP, "alerts"), {}),
        ["`pipelines.shop.alerts` is not valid: it needs `webhook` or `command`"],
    ),
    "pipeline with a bad name": (
        changed(("pipelines", "my pipeline"), document()["pipelines"]["shop"]),
        ["`pipelines.my pipeline` is not a valid key: a name has 1 to 63 letters"],
    ),
    "pipelines that are one group": (
        document(
            pipelines={
                "a-b": {**document()["pipelines"]["shop"], "tables": {"shop.items": None}},
                "a_b": document()["pipelines"]["shop"],
            }
        ),
        ["`pipelines.a_b` and `a-b` are one name in Dagster, `a_b`", "Rename one of them."],
    ),
    "two tables of one target": (
        tables(shop__orders=None, shop__Orders=None),
        [
            "`pipelines.shop.tables.shop.Orders` writes the same Redshift table as",
            "`pipelines.shop.tables.shop.orders`",
            "`target_name`",
        ],
    ),
    "two pipelines of one target table": (
        changed(("pipelines", "again"), document()["pipelines"]["shop"]),
        ["`pipelines.again.tables.shop.orders` writes the same Redshift table as"],
    ),
    "one database under two names": (
        with_value(
            ("pipelines", "again"),
            {**document()["pipelines"]["shop"], "target": "same"},
            start=document(targets={"warehouse": TARGET, "same": {**TARGET, "port": 5439}}),
        ),
        ["`pipelines.again.tables.shop.orders` writes the same Redshift table as"],
    ),
    "two spellings of one table": (
        tables(**{"shop.orders": None, "`shop`.orders": {"target_name": "other"}}),
        ["`pipelines.shop.tables.`shop`.orders` is the same table as"],
    ),
    "one step name in Dagster": (
        tables(**{"shop.a-b": None, "shop.a_b": {"target_name": "other"}}),
        [
            "`pipelines.shop.tables.shop.a_b` gets the same step name in Dagster as",
            "`pipelines.shop.tables.shop.a-b`",
            "a pipeline of its own",
        ],
    ),
    "one ledger table": (
        with_value(
            ("pipelines", "b"),
            {
                **document()["pipelines"]["shop"],
                "target_schema": "shop__a",
                "tables": {"s.b": None},
            },
            start=with_table({}, "shop.a__b"),
        ),
        ["`pipelines.b.tables.s.b` gets the same ledger table or step name as"],
    ),
    "target schema of the ledger": (
        changed((*SHOP, "target_schema"), "mysql_s3_redshift"),
        [f"{ORDERS}` would be written into the schema of the ledger"],
    ),
    "ledger name too long": (
        with_table({"target_name": "t" * 125}),
        [f"{ORDERS}` needs a ledger table whose name is longer than 127 bytes"],
    ),
    "query without a query": (
        query(),
        [f"{ORDERS}.query` is missing, and `cdc_strategy: custom_sql` needs it"],
    ),
    "query of another strategy": (
        with_table({"query": "SELECT 1"}),
        [f"{ORDERS}.query` is given, and only `cdc_strategy: custom_sql` reads it"],
    ),
    "query to upsert without a key": (
        query(query="SELECT 1", load_mode="upsert"),
        [f"{ORDERS}.primary_key` is missing: `load_mode: upsert` of a query needs"],
    ),
    "start without a timestamp": (
        with_table({"cdc_strategy": "id_only", "start_from": "2025-01-01"}),
        [f"{ORDERS}.start_from` needs a timestamp cursor"],
    ),
    "start in a time zone": (
        with_table({"start_from": "2025-01-01T00:00:00Z"}),
        [f"{ORDERS}.start_from` is `2025-01-01T00:00:00Z`", "without a time zone"],
    ),
    "start that is no date": (
        with_table({"start_from": "2025-02-30"}),
        [f"{ORDERS}.start_from` is `2025-02-30`"],
    ),
    "start as a number": (
        with_table({"start_from": 1735689600}),
        [f"{ORDERS}.start_from` is `1735689600`"],
    ),
    "partitions without a column": (
        with_table({"partitions": {"start": "2025-01-01"}}),
        [f"{ORDERS}.partitions.column` is missing"],
    ),
    "partitions that replace": (
        with_table({"partitions": {"column": "c", "start": "2025-01-01"}, "load_mode": "replace"}),
        [f"{ORDERS}.partitions` contradicts `load_mode: replace`"],
    ),
    "chunks of no rows": (with_table({"chunk_rows": 0}), [f"{ORDERS}.chunk_rows` is `0`"]),
    "number with a fraction": (with_table({"chunk_rows": 1.5}), [f"{ORDERS}.chunk_rows` is `1.5`"]),
    "key column twice": (
        with_table({"primary_key": ["a", "a"]}),
        [f"{ORDERS}.primary_key` is not valid: it names something twice"],
    ),
    "empty column name": (
        with_table({"primary_key": ["a", ""]}),
        [f"{ORDERS}.primary_key[1]` is ``", "must not be empty"],
    ),
    "unknown column type": (
        with_table({"columns": {"types": {"a": "varchar(70000)"}}}),
        [f"{ORDERS}.columns.types.a` is `varchar(70000)`", "a type is bool, time, super"],
    ),
    "unknown policy": (
        with_table({"columns": {"overlong": "cut"}}),
        [f"{ORDERS}.columns.overlong` is `cut`; valid values: error, truncate, null"],
    ),
    "unknown encoding": (
        with_table({"columns": {"encodings": {"a": "gzip"}}}),
        [f"{ORDERS}.columns.encodings.a` is `gzip`; valid values: raw, az64"],
    ),
    "rename to a reserved word": (
        with_table({"columns": {"rename": {"a": "select"}}}),
        [f"{ORDERS}.columns.rename.a` is `select`", "for example `select_`"],
    ),
    "excluded and hashed": (
        with_table({"columns": {"exclude": ["a"], "hash": ["a"]}}),
        [f"{ORDERS}.columns` excludes a column and hashes it"],
    ),
    "distribution key of no style": (
        with_table({"diststyle": "key"}),
        [f"{ORDERS}.distkey` is missing, and `diststyle: key` needs it"],
    ),
    "distribution key of another style": (
        with_table({"diststyle": "even", "distkey": "id"}),
        [f"{ORDERS}.distkey` contradicts `diststyle: even`"],
    ),
    "sort style without a key": (
        with_table({"sortstyle": "compound"}),
        [f"{ORDERS}.sortkey` is missing, and `sortstyle: compound` needs it"],
    ),
    "too many interleaved columns": (
        with_table({"sortstyle": "interleaved", "sortkey": list("abcdefghi")}),
        [f"{ORDERS}.sortkey` has 9 columns, and Redshift takes at most 8"],
    ),
    "owner that nobody is": (
        with_table({"owners": "data"}),
        [f"{ORDERS}.owners` is `data`", "an owner is an e-mail address or `team:name`"],
    ),
    "tag that Dagster refuses": (
        with_table({"tags": {"tier": "gold / silver"}}),
        [f"{ORDERS}.tags.tier` is `gold / silver`"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("content", "expected"), BAD.values(), ids=BAD.keys())
def test_a_mistake_is_told_by_its_place_and_remedy(tmp_path, content, expected):
    path = write(tmp_path, content)
    with pytest.raises(InvalidConfigError) as caught:
        loaded(tmp_path, content)
    message = str(caught.value)
    for part in expected:
        assert part in message
    assert message.startswith("pipelines.yaml:")
    assert len(message.splitlines()) == 3
    assert caught.value.exit_code is ExitCode.USAGE
    assert "more problem" not in message, "one mistake is one problem"
    assert path.read_bytes(), "nothing was written"


NAMES = [
    "a/b.c",
    "a.b/c",
    "a..b",
    "a.b..c",
    "a.b\\c",
    "a.\x00",
    "a.b\nc",
    "a.\u202ec",
    " a.b",
    "a. ",
    ".",
]


@pytest.mark.parametrize("name", [*NAMES, ".a", "a.", "``.a", "a.`b", f"a.{'b' * 65}"])
def test_names_that_would_escape_their_place_are_refused(tmp_path, name):
    content = with_value((*SHOP, "tables"), {name: None})
    with pytest.raises(InvalidConfigError) as caught:
        loaded(tmp_path, json.dumps(content))
    assert len(str(caught.value).splitlines()) == 3


def test_half_a_surrogate_pair_is_no_character(tmp_path):
    content = with_value((*SHOP, "tables"), {"a.\ud800": None})
    with pytest.raises(InvalidConfigError):
        loaded(tmp_path, json.dumps(content))


@pytest.mark.parametrize("name", ["..", "a/b", "-a", "a.b", "", "ä", "x" * 64, "a\nb"])
@pytest.mark.parametrize("section", ["sources", "storages", "targets", "pipelines"])
def test_names_of_sections_are_letters_digits_underscores_and_hyphens(tmp_path, section, name):
    content = document()
    content[section] = {**content[section], name: next(iter(content[section].values()))}
    with pytest.raises(
        InvalidConfigError, match="is not a valid key: a name has 1 to 63"
    ) as caught:
        loaded(tmp_path, content)
    assert len(str(caught.value).splitlines()) == 3


def test_several_mistakes_are_counted_and_kept(tmp_path):
    content = with_table({"lag": "x", "slices": 0})
    content["sources"] = {"main": {**SOURCE, "prot": 1}}
    with pytest.raises(InvalidConfigError) as caught:
        loaded(tmp_path, content)
    assert "`sources.main.prot`" in str(caught.value), "the first one of the file comes first"
    assert "(2 more problems.)" in str(caught.value)
    assert len(caught.value.problems) == 3
    assert len(str(caught.value).splitlines()) == 3


def test_a_mistake_is_told_with_its_line(tmp_path):
    text = "sources:\n  main:\n    host: db\n    user: u\n    port: many\n"
    with pytest.raises(InvalidConfigError, match=r"^pipelines.yaml:5: `sources.main.port`"):
        loaded(tmp_path, text)


def test_a_missing_file_is_told_with_its_path(tmp_path):
    with pytest.raises(ConfigError, match=r"no configuration file .*missing.yaml") as caught:
        load(tmp_path / "missing.yaml", environ={})
    assert "--config" in str(caught.value)


def test_a_folder_is_not_a_configuration(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(tmp_path, environ={})


@pytest.mark.parametrize("kind", ["source", "storage", "target", "pipeline"])
def test_asking_for_an_unknown_name_lists_the_known_ones(tmp_path, kind):
    config = loaded(tmp_path, document(storages={"lake": STORAGE}))
    with pytest.raises(ConfigError, match=f"has no {kind} `nowhere`") as caught:
        getattr(config, kind)("nowhere")
    assert "Known: " in str(caught.value)


def test_tables_with_dots_and_backticks_have_a_spelling(tmp_path):
    names = {"shop.a.b": None, "`my.shop`.`odd``name`": None}
    a, b = loaded(tmp_path, with_value(TABLE_PATH[:-1], names)).plans()
    assert (a.schema, a.table) == ("shop", "a.b")
    assert (b.schema, b.table) == ("my.shop", "odd`name")


def test_a_reference_in_the_place_of_a_section_is_told(tmp_path):
    for reference in ("${", "${TARGET}", "file:targets/warehouse"):
        with pytest.raises(ConfigError):
            loaded(tmp_path, with_value(("targets", "warehouse"), reference)).target("warehouse")
