"""The record of an operation: one observation on every asset that it concerns."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from mysql_s3_redshift.adapters.operations import Changed
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.core.next_query import next_query
from mysql_s3_redshift.core.state import ExtractState
from mysql_s3_redshift.defs.metadata import Metadata, watermark_text
from mysql_s3_redshift.defs.names import extract_key, load_key
from mysql_s3_redshift.errors import ReplicationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What an operation did.

    Attributes:
        action: What it is called, as in the history.
        sentence: What happened, for people.
        who: Who asked for it, and `why`; empty where nothing was changed.
        before: What was there, and `after` it; empty where nothing can be compared.
        facts: Further metadata.
        touches_target: Whether the Redshift table or its state is concerned, too.
        failure: Why the job fails all the same: what it found is not as it should be.
    """

    action: str
    sentence: str
    who: str = ""
    why: str = ""
    before: str = ""
    after: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    touches_target: bool = False
    failure: ReplicationError | None = None

    def metadata(self) -> Metadata:
        """What the asset's page shows."""
        told = {"who": self.who, "why": self.why, "before": self.before, "after": self.after}
        written = {name: text for name, text in told.items() if text}
        return {"operator_action": self.action, **written, **self.facts}


def observations(plan: TablePlan, audit: Audit) -> Iterator[dg.AssetObservation]:
    """The record on each asset."""
    yield dg.AssetObservation(
        extract_key(plan), description=audit.sentence, metadata=audit.metadata()
    )
    if audit.touches_target:
        yield dg.AssetObservation(
            load_key(plan), description=audit.sentence, metadata=audit.metadata()
        )


def position_text(plan: TablePlan, state: ExtractState | None) -> str:
    """Where a table stands: watermark, and the query that begins there."""
    query = next_query(plan, state)
    where = query.where or query.note
    return f"{watermark_text(state)}; next: {where}"


def change_facts(changed: Changed) -> Metadata:
    """The copies that undo a change, and how."""
    if not changed.history:
        return {}
    return {
        "history": dg.MetadataValue.md("\n".join(f"* `{uri}`" for uri in changed.history)),
        "version_before": changed.version,
        **({} if changed.deleted_rows is None else {"deleted_rows": changed.deleted_rows}),
    }
