"""Mistakes in connections and pipelines: the configuration, and what is told of it."""

from typing import Any, TypeAlias

from mysql_s3_redshift_tests.config.documents import (
    SOURCE,
    TARGET,
    document,
    with_table,
    with_value,
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


Mistakes: TypeAlias = dict[str, tuple[dict[str, Any], list[str]]]

CONNECTIONS: Mistakes = {
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
}

PIPELINES: Mistakes = {
    "unknown key of a pipeline": (
        changed((*SHOP, "schedule"), "* * * * *"),
        ["`pipelines.shop.schedule` is not a known key"],
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
}
