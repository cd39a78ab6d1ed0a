"""What damaged documents still tell: numbers that were used, so that none is used twice."""

from __future__ import annotations

import json
from typing import Any

from mysql_s3_redshift.adapters.redshift.ledger import TargetTable
from mysql_s3_redshift.adapters.s3.states import TableStates


def salvage(states: TableStates, target: TargetTable) -> tuple[int, int]:
    """A generation, and a number for the next file, above all that can be read anywhere."""
    generations, numbers = [0], [1]
    for document in (states.extract, states.load):
        found = states.bucket.get(document.key)
        facts = _object(found[0]) if found else {}
        generations.append(_integer(facts.get("generation")))
        numbers += [_integer(facts.get("next_seq")), _integer(facts.get("loaded_through")) + 1]
    for file in target.files():
        generations.append(file.generation)
        numbers.append(file.seq + 1)
    return max(generations) + 1, max(numbers)


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _integer(value: object) -> int:
    return value if isinstance(value, int) else 0
