"""The IO manager of the state documents, which are the values of the assets.

The core commits a document after every chunk and every load, with a condition on the version that
it read. So there is nothing left to write when a step ends: `handle_output` confirms that the
stored document is the one that the asset committed.
"""

from typing import TYPE_CHECKING, Any

import dagster as dg

from mysql_s3_redshift.core import s3_names
from mysql_s3_redshift.core.state import ExtractState, LoadState
from mysql_s3_redshift.defs.config_memory import state_paths
from mysql_s3_redshift.defs.failures import shown_in_dagster
from mysql_s3_redshift.defs.resources import S3Resource
from mysql_s3_redshift.errors import ConfigError, StateConflictError

if TYPE_CHECKING:
    from mysql_s3_redshift.adapters.s3.documents import StateDocument

STAMPS = {"updated_at", "write_id"}
"""Metadata that the store itself adds to every version."""


class StateIOManager(dg.ConfigurableIOManager):
    """Serves extract states to loads, and confirms what assets committed."""

    storage: dg.ResourceDependency[S3Resource]

    def handle_output(self, context: dg.OutputContext, obj: object) -> None:
        """Confirm that the document is stored as the asset returned it.

        Raises:
            Failure: The value is no state, or another run committed since.
        """
        with shown_in_dagster():
            if not isinstance(obj, ExtractState | LoadState):
                message = (
                    f"{context.asset_key.to_user_string()} returned a {type(obj).__name__}; "
                    "the value of an asset is its state document"
                )
                raise TypeError(message)
            document = self._document(context.asset_key, type(obj))
            stored = document.read()
            if stored is None or _content(stored) != _content(obj):
                raise StateConflictError(document.key)
            context.add_output_metadata({"state_uri": dg.MetadataValue.path(document.uri)})

    def load_input(self, context: dg.InputContext) -> ExtractState:
        """Read the extract state that a load works from.

        Raises:
            Failure: It cannot be read, or the table was never extracted.
        """
        with shown_in_dagster():
            document = self._document(context.asset_key, ExtractState)
            state: ExtractState | None = document.read()
            if state is None:
                raise ConfigError(
                    f"{'/'.join(context.asset_key.path)} was never extracted, so there is nothing "
                    "to load.",
                    kept="Nothing was changed.",
                    remedy="Run `sync` without --redshift-only, or materialize the S3 asset first.",
                )
            # Metadata of an input would be an observation of the asset at every run, among which
            # nobody finds those of operators.
            context.log.info("the extract state is %s", document.uri)
            return state

    def _document(self, key: dg.AssetKey, kind: type[Any]) -> "StateDocument[Any]":
        """The document of an asset; an odd table name is spelled out in S3 and not in Dagster."""
        from mysql_s3_redshift.adapters.s3.documents import StateDocument

        path = state_paths(self.storage.config_path)[key]
        bucket = self.storage.bucket()
        return StateDocument(bucket, s3_names.state_key(bucket.prefix, path), kind)


def _content(state: ExtractState | LoadState) -> str:
    kept = {name: value for name, value in state.metadata.items() if name not in STAMPS}
    return state.with_(metadata=kept).model_dump_json(by_alias=True)
