"""The statements of the live application that the traffic plays: one function per business event.

Each takes an open cursor and a source of random choices, writes inside the caller's transaction and
returns the rows it wrote.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from pymysql.cursors import Cursor

from mysql_s3_redshift.sandbox.settlement import CITIES, CURRENCIES, REGIONS, REMARKS, SIGNATURES


@dataclass(frozen=True, slots=True)
class Written:
    """Rows written, by table."""

    inserted: Counter[str] = field(default_factory=Counter)
    updated: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: Written) -> Written:
        return Written(self.inserted + other.inserted, self.updated + other.updated)

    @property
    def rows(self) -> int:
        """Inserts and updates of all tables."""
        return self.inserted.total() + self.updated.total()


Event: TypeAlias = Callable[[Cursor, random.Random], Written]


def place_order(cursor: Cursor, choose: random.Random) -> Written:
    """Insert an order and its parcels."""
    place = choose.randrange(len(REGIONS))
    attributes = {"insured": choose.random() < 0.5, "labels": ["live ✨"]}
    cursor.execute(
        "INSERT INTO settle_orders (order_no, partner_id, region, warehouse_code, weight_kg,"
        " freight_amount, surcharge, currency, attributes, remark, receiver_city)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            f"LIVE{choose.getrandbits(80):020x}",
            choose.randint(1, _newest(cursor, "settlement_partners", "id")),
            REGIONS[place],
            f"WH{choose.randint(1, 900):04d}",
            choose.randint(50, 68_000) / 1_000,
            choose.randint(299, 250_000) / 100,
            choose.choice((None, 1.25, 0.0375)),
            CURRENCIES[place],
            json.dumps(attributes, ensure_ascii=False),
            choose.choice((None, *REMARKS)),
            choose.choice(CITIES),
        ),
    )
    order = cursor.lastrowid
    parcels = [
        (order, f"LV{choose.getrandbits(64):020d}", choose.uniform(0.1, 60.0))
        for _ in range(choose.randint(1, 3))
    ]
    cursor.executemany(
        "INSERT INTO uni_parcels (order_id, tracking_no, length_mm, width_mm, height_mm,"
        " volumetric_kg, hub_path) VALUES (%s, %s, 300, 200, 100, %s, 'JFK>EWR>LAX')",
        parcels,
    )
    return Written(inserted=Counter(settle_orders=1, uni_parcels=len(parcels)))


def reprice_orders(cursor: Cursor, choose: random.Random) -> Written:
    """Change one order or a range of orders; a range gets one `update_at` for all its rows."""
    first = choose.randint(1, _newest(cursor, "settle_orders", "ID"))
    changed = cursor.execute(
        "UPDATE settle_orders SET status = (status + 1) %% 4,"
        " freight_amount = freight_amount + 0.01 WHERE ID BETWEEN %s AND %s",
        (first, first + choose.choice((0, 0, 0, 4, 24))),
    )
    return Written(updated=Counter(settle_orders=changed))


def deliver_parcel(cursor: Cursor, choose: random.Random) -> Written:
    """Insert a delivery and complete up to three older ones."""
    table = "settlement_normal_delivery_detail"
    cursor.execute(
        f"INSERT INTO {table} (order_id, parcel_id, driver_id, `190_time`, distance_km,"
        " stop_number, base_fee, trace_id, signed_by)"
        " VALUES (%s, %s, %s, NOW(), %s, %s, %s, %s, %s)",
        (
            _newest(cursor, "settle_orders", "ID"),
            _newest(cursor, "uni_parcels", "parcel_id"),
            choose.randint(1_000, 9_999),
            choose.uniform(0.1, 180.0),
            choose.randint(1, 240),
            choose.randint(150, 4_000) / 100,
            choose.randbytes(16),
            choose.choice((None, *SIGNATURES)),
        ),
    )
    first = choose.randint(1, cursor.lastrowid)
    changed = cursor.execute(
        f"UPDATE {table} SET `200_time` = NOW(), extra_fee = COALESCE(extra_fee, 0) + 0.0001"
        " WHERE id BETWEEN %s AND %s",
        (first, first + 2),
    )
    return Written(Counter({table: 1}), Counter({table: changed}))


def handle_claims(cursor: Cursor, choose: random.Random) -> Written:
    """Insert a claim and approve another one."""
    cursor.execute(
        "INSERT INTO settlement_claim_detail (order_id, reasons, amount, claim_year, note)"
        " VALUES (%s, 'lost,late', %s, YEAR(NOW()), %s)",
        (
            _newest(cursor, "settle_orders", "ID"),
            choose.randint(1, 10**9) / 10**6,
            choose.choice(REMARKS),
        ),
    )
    changed = cursor.execute(
        "UPDATE settlement_claim_detail SET approved = 1, amount = amount + 0.000001"
        " WHERE claim_id = %s",
        (choose.randint(1, cursor.lastrowid),),
    )
    return Written(Counter(settlement_claim_detail=1), Counter(settlement_claim_detail=changed))


def raise_credit_limit(cursor: Cursor, choose: random.Random) -> Written:
    """Change one partner."""
    changed = cursor.execute(
        "UPDATE settlement_partners SET credit_limit = credit_limit + 1 WHERE id = %s",
        (choose.randint(1, _newest(cursor, "settlement_partners", "id")),),
    )
    return Written(updated=Counter(settlement_partners=changed))


def correct_rates(cursor: Cursor, choose: random.Random) -> Written:
    """Correct all exchange rates of one day and currency in place."""
    cursor.execute(
        "SELECT MIN(rate_date), DATEDIFF(MAX(rate_date), MIN(rate_date)) FROM exchange_rates"
    )
    first, days = cursor.fetchone() or (None, 0)
    changed = cursor.execute(
        "UPDATE exchange_rates SET rate = rate + 0.00000001"
        " WHERE rate_date = DATE_ADD(%s, INTERVAL %s DAY) AND base_currency = %s",
        (first, choose.randint(0, days), choose.choice(CURRENCIES)),
    )
    return Written(updated=Counter(exchange_rates=changed))


# How often each event happens.
EVENTS: dict[Event, int] = {
    place_order: 40,
    reprice_orders: 30,
    deliver_parcel: 15,
    handle_claims: 6,
    raise_credit_limit: 5,
    correct_rates: 4,
}


def _newest(cursor: Cursor, table: str, key: str) -> int:
    cursor.execute(f"SELECT COALESCE(MAX(`{key}`), 1) FROM `{table}`")
    row = cursor.fetchone()
    return int(row[0]) if row else 1
