"""Rows of the `settlement` schema: a year of a parcel carrier's settlement system.

Everything is a function of the row's number and a fixed seed, so two sandboxes hold the same rows.
The year ends at a fixed date: rows that traffic adds later are always newer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mysql_s3_redshift.sandbox.bulk_load import Batch, BulkTable
from mysql_s3_redshift.sandbox.columns import (
    ColumnFactory,
    Integers,
    concatenated,
    days,
    numbered,
    timestamps,
    whole_seconds,
)

ROWS: Mapping[str, int] = {
    "settle_orders": 500_000,
    "settlement_normal_delivery_detail": 600_000,
    "settlement_claim_detail": 60_000,
    "settlement_partners": 2_400,
    "uni_parcels": 340_000,
    "exchange_rates": 5_475,
}
YEAR_START, YEAR_END = datetime(2024, 9, 1), datetime(2025, 9, 1)  # noqa: DTZ001 - MySQL DATETIME

REGIONS = ("us", "ca", "mx", "uk", "de")
CURRENCIES = ("USD", "CAD", "MXN", "GBP", "EUR")
CITIES = ("New York", "Montréal", "Ciudad de México", "London", "München", "São Paulo", "Łódź")
REMARKS = (
    "Leave at the door 📦",
    "Customer called twice, wants a refund 😡",
    "Fragile: 陶器 inside",
    "Paid in cash\nreceipt attached",
    'tab\tseparated \\ and "quoted" by O\'Hara',
    "",
)
SIGNATURES = ("J. Smith", "Ana María López", "王小明", "Зоя Петрова", "Ngô Thị Hằng", "O'Brien 🙂")

_BATCH_ROWS = 100_000
_SEED = 20_250_901
_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_YEAR = (YEAR_END - YEAR_START) // timedelta(microseconds=1)
# On that night a migration touched every 40th row: thousands of rows share one timestamp.
_MIGRATION = (datetime(2025, 3, 1, 4) - YEAR_START) // timedelta(microseconds=1)  # noqa: DTZ001

_EXPRESSIONS = {
    "settlement_normal_delivery_detail": {"trace_id": "UNHEX(@trace_id)"},
    "settlement_partners": {"active": "@active + 0"},
}

_Columns = Callable[[ColumnFactory, Mapping[str, int]], Batch]


def settlement_tables(scale: float = 1.0) -> list[BulkTable]:
    """Return the six tables, the largest first.

    Args:
        scale: Fraction of the full number of rows.
    """
    rows = {name: max(1, round(count * scale)) for name, count in ROWS.items()}
    tables = [
        BulkTable(
            name,
            partial(_batches, number, columns, name, rows),
            _EXPRESSIONS.get(name, {}),
        )
        for number, (name, columns) in enumerate(_COLUMNS.items())
    ]
    return sorted(tables, key=lambda table: -rows[table.name])


def _batches(number: int, columns: _Columns, name: str, rows: Mapping[str, int]) -> Iterator[Batch]:
    for first in range(1, rows[name] + 1, _BATCH_ROWS):
        count = min(_BATCH_ROWS, rows[name] + 1 - first)
        factory = ColumnFactory((_SEED, number, first), first=first, rows=count)
        yield columns(factory, rows)


def _created(make: ColumnFactory, total: int) -> Integers:
    """Spread the rows over the year in the order of their numbers."""
    return (make.numbers - 1) * (_YEAR // total) + make.integers(0, _YEAR // total - 1)


def _updated(make: ColumnFactory, created: Integers) -> Integers:
    """Change each row some time after its creation, mostly soon, and before the year ends."""
    delay = np.minimum(make.skewed(0, 30 * _DAY), (_YEAR - created) * 9 // 10)
    migrated = (make.numbers % 40 == 0) & (created < _MIGRATION)
    return np.where(migrated, _MIGRATION, created + delay)


def _orders(make: ColumnFactory, rows: Mapping[str, int]) -> Batch:
    created = _created(make, rows["settle_orders"])
    updated = _updated(make, created)
    place = make.skewed(0, len(REGIONS) - 1)
    status = make.integers(0, 3)
    settled = days(timestamps(YEAR_START, updated))
    return {
        "ID": pa.array(make.numbers),
        "order_no": numbered("SO2025", make.numbers, 10),
        "partner_id": pa.array(make.skewed(1, rows["settlement_partners"])),
        "region": pa.array(REGIONS).take(place),
        "warehouse_code": numbered("WH", make.skewed(1, 900), 4),
        "order_type": make.choice(("standard", "express", "return", "bulk"), (70, 18, 8, 4)),
        "status": pa.array(status),
        "is_billed": pa.array((status >= 2).astype(np.int64)),
        "weight_kg": make.decimals(make.skewed(50, 68_000), 3),
        "freight_amount": make.decimals(make.skewed(299, 250_000), 2),
        "surcharge": make.sometimes(make.decimals(make.skewed(0, 900_000), 4), 0.4),
        "currency": pa.array(CURRENCIES).take(place),
        "attributes": make.sometimes(
            concatenated(
                '{"insured": ',
                make.choice(("true", "false")),
                ', "pieces": ',
                pa.array(make.skewed(1, 12)),
                ', "labels": ["',
                make.choice(("fragile", "cold", "gift 🎁", "none")),
                '"]}',
            ),
            0.8,
        ),
        "remark": make.sometimes(make.choice(REMARKS), 0.15),
        "receiver_city": make.choice(CITIES),
        "settled_on": pc.if_else(pa.array(status == 3), settled, pa.scalar(None, pa.date32())),
        "created_at": whole_seconds(timestamps(YEAR_START, created)),
        "update_at": whole_seconds(timestamps(YEAR_START, updated)),
    }


def _deliveries(make: ColumnFactory, rows: Mapping[str, int]) -> Batch:
    created = _created(make, rows["settlement_normal_delivery_detail"])
    delivered = created + make.skewed(600, 9 * 3600) * _SECOND
    return {
        "id": pa.array(make.numbers),
        "order_id": pa.array(make.integers(1, rows["settle_orders"])),
        "parcel_id": pa.array(make.integers(1, rows["uni_parcels"])),
        "driver_id": pa.array(make.skewed(1000, 9999)),
        "190_time": whole_seconds(timestamps(YEAR_START, created)),
        "200_time": make.sometimes(whole_seconds(timestamps(YEAR_START, delivered)), 0.97),
        "distance_km": pa.array(make.floats(0.1, 180.0)),
        "stop_number": pa.array(make.integers(1, 240)),
        "base_fee": make.decimals(make.skewed(150, 4_000), 2),
        "extra_fee": make.sometimes(make.decimals(make.skewed(1, 250_000), 4), 0.2),
        "trace_id": make.hexadecimal(32),
        "signed_by": make.sometimes(make.choice(SIGNATURES), 0.6),
        "update_at": timestamps(YEAR_START, _updated(make, created)),
    }


def _claims(make: ColumnFactory, rows: Mapping[str, int]) -> Batch:
    created = _created(make, rows["settlement_claim_detail"])
    updated = timestamps(YEAR_START, _updated(make, created))
    handled = concatenated(
        pa.array(make.skewed(0, 700)),
        numbered(":", make.integers(0, 59), 2),
        numbered(":", make.integers(0, 59), 2),
        numbered(".", make.integers(0, 999), 3),
    )
    evidence = concatenated(
        '{"photos": ',
        pa.array(make.integers(0, 5)),
        ', "statement": "',
        make.choice(("box crushed", "never arrived", "tarde 3 días")),
        '"}',
    )
    return {
        "claim_id": pa.array(make.numbers),
        "order_id": pa.array(make.integers(1, rows["settle_orders"])),
        "reasons": make.choice(("damaged", "lost", "late", "damaged,late", "late,wrong_item")),
        "amount": make.decimals(make.skewed(1_000_000, 900_000_000_000), 6),
        "approved": make.sometimes(make.integers(0, 1), 0.7),
        "handling_time": make.sometimes(handled, 0.9),
        "claim_year": pc.year(updated),
        "evidence": make.sometimes(evidence, 0.5),
        "note": make.sometimes(make.choice(REMARKS), 0.5),
        "update_time": pc.floor_temporal(updated, unit="millisecond").cast(pa.timestamp("ms")),
    }


def _partners(make: ColumnFactory, rows: Mapping[str, int]) -> Batch:
    created = _created(make, rows["settlement_partners"])
    names = make.choice(("Kurier", "Paquetería", "Express", "快递", "Livraison", "Parcel & Sons"))
    return {
        "id": pa.array(make.numbers),
        "name": concatenated(names, numbered(" ", make.numbers, 5)),
        "email": concatenated(numbered("partner", make.numbers, 5), "@example.com"),
        "iban": make.sometimes(numbered("DE89370400", make.numbers, 12), 0.9),
        "active": pa.array(make.integers(0, 1)),
        "rating": make.sometimes(make.floats(1.0, 5.0).astype(np.float32), 0.85),
        "credit_limit": make.decimals(make.skewed(100_000, 900_000_000), 2),
        "rate_card": concatenated(
            '{"up_to_5kg": ', make.decimals(make.integers(199, 899), 2), ', "over_5kg": null}'
        ),
        "contract_start": days(timestamps(YEAR_START, created)),
        "created_at": whole_seconds(timestamps(YEAR_START, created)),
        "update_at": whole_seconds(timestamps(YEAR_START, _updated(make, created))),
    }


def _parcels(make: ColumnFactory, rows: Mapping[str, int]) -> Batch:
    hubs = ("JFK", "EWR", "LAX", "YYZ", "MEX", "LHR", "MUC")
    return {
        "parcel_id": pa.array(make.numbers),
        "order_id": pa.array(make.integers(1, rows["settle_orders"])),
        "tracking_no": concatenated(numbered("UP", make.numbers, 12), "X"),
        "length_mm": pa.array(make.skewed(80, 1_500)),
        "width_mm": pa.array(make.skewed(60, 900)),
        "height_mm": pa.array(make.skewed(10, 800)),
        "volumetric_kg": pa.array(make.floats(0.01, 68.0)),
        "hub_path": concatenated(make.choice(hubs), ">", make.choice(hubs), ">", make.choice(hubs)),
    }


def _rates(make: ColumnFactory, _rows: Mapping[str, int]) -> Batch:
    pairs = [(base, quote) for base in CURRENCIES for quote in CURRENCIES if base < quote]
    pairs += [(base, "JPY") for base in CURRENCIES]
    day, pair = np.divmod(make.numbers - 1, len(pairs))
    return {
        "base_currency": pa.array([base for base, _ in pairs]).take(pair),
        "quote_currency": pa.array([quote for _, quote in pairs]).take(pair),
        "rate_date": days(timestamps(YEAR_START, day * _DAY)),
        "rate": make.decimals(make.integers(5_000_000, 20_000_000_000), 8),
        "source": make.choice(("ECB", "BOC", "FED")),
    }


_COLUMNS: Mapping[str, _Columns] = {
    "settle_orders": _orders,
    "settlement_normal_delivery_detail": _deliveries,
    "settlement_claim_detail": _claims,
    "settlement_partners": _partners,
    "uni_parcels": _parcels,
    "exchange_rates": _rates,
}
