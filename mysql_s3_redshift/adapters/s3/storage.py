"""What one table has on S3 (see `core.ports.Storage`)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby, takewhile

import pyarrow as pa

from mysql_s3_redshift.adapters.s3.bucket import Bucket, PreconditionFailedError
from mysql_s3_redshift.adapters.s3.documents import StateDocument, printable, read_json
from mysql_s3_redshift.adapters.s3.parquet import ParquetUpload
from mysql_s3_redshift.core import s3_names
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.core.schema import TableSchema
from mysql_s3_redshift.core.state import ExtractState, LoadState
from mysql_s3_redshift.errors import StateUnreadableError, StorageError


class TableStorage:
    """Data files, schema documents and manifests of one table."""

    def __init__(self, bucket: Bucket, plan: TablePlan) -> None:
        self.bucket, self.plan = bucket, plan

    @property
    def data_uri(self) -> str:
        """Folder of the table's parquet files."""
        return self.bucket.uri(s3_names.data_prefix(self.bucket.prefix, self.plan))

    @property
    def manifests_uri(self) -> str:
        """Folder of the table's manifests."""
        return self.bucket.uri(s3_names.manifest_prefix(self.bucket.prefix, self.plan))

    def open_file(
        self, run_id: str, seq: int, *, schema: pa.Schema, day: datetime
    ) -> ParquetUpload:
        """Begin a parquet file; `day` is UTC and names its folder."""
        now = datetime.now(UTC)
        when = day.replace(hour=now.hour, minute=now.minute, second=now.second)
        key = s3_names.data_key(self.bucket.prefix, self.plan, when=when, run_id=run_id, seq=seq)
        return ParquetUpload(self.bucket, key, schema)

    def delete_files(self, uris: Sequence[str]) -> None:
        """Delete exactly these data files."""
        self.bucket.delete([self.bucket.key(uri) for uri in uris])

    def etags(self, uris: Sequence[str]) -> dict[str, str | None]:
        """ETags of these data files as S3 has them now; those that are not there are left out.

        They are listed, not asked one by one: a thousand are one request, and a load needs no
        permission to read its table's files.
        """
        keys = sorted(self.bucket.key(uri) for uri in uris)
        return {
            self.bucket.uri(key): etag
            for _, together in groupby(keys, key=lambda key: key.rpartition("/")[0])
            for key, etag in self._listed(list(together))
        }

    def _listed(self, keys: Sequence[str]) -> Iterator[tuple[str, str | None]]:
        """ETags of some keys of one folder, in order; lists from the first to the last of them."""
        wanted, first, last = set(keys), keys[0], keys[-1]
        pairs = zip(first, last, strict=False)
        common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        for found in self.bucket.list(first[:common], after=first[:-1]):
            if found.key > last:
                return
            if found.key in wanted:
                yield found.key, found.etag

    def put_schema(self, schema: TableSchema) -> None:
        """Store a schema document; one that is there already is the same."""
        key = s3_names.schema_key(self.bucket.prefix, self.plan, schema.fingerprint)
        body = json.dumps(schema.to_json(), indent=1, ensure_ascii=False).encode()
        try:
            self.bucket.put(key, body, if_absent=True)
        except PreconditionFailedError:
            return

    def get_schema(self, fingerprint: str) -> TableSchema:
        """Read a schema document.

        Raises:
            StorageError: It is missing.
            StateUnreadableError: It is damaged.
        """
        key = s3_names.schema_key(self.bucket.prefix, self.plan, fingerprint)
        found = self.bucket.get(key)
        if found is None:
            raise StorageError(
                f"Schema document {self.bucket.uri(key)} is missing.",
                kept="Files that have this schema stay pending.",
                remedy="Restore the object, or reload the table after `watermark reset`.",
            )
        try:
            return TableSchema.from_json(read_json(found[0]))
        except (KeyError, TypeError, ValueError) as error:
            raise StateUnreadableError(
                f"Schema document {self.bucket.uri(key)} cannot be used: {printable(error)}.",
                kept="It was left as it is; files that have this schema stay pending.",
                remedy="Restore the object from a backup or an earlier version.",
            ) from error

    def put_manifest(self, load_id: str, manifest: Mapping[str, object]) -> str:
        """Store a COPY manifest; returns its URI."""
        key = s3_names.manifest_key(self.bucket.prefix, self.plan, load_id)
        self.bucket.put(key, json.dumps(manifest, indent=1).encode())
        return self.bucket.uri(key)

    def get_manifest(self, load_id: str) -> Mapping[str, object] | None:
        """Read the manifest of a load; None where it was deleted.

        Raises:
            StateUnreadableError: It is damaged.
        """
        key = s3_names.manifest_key(self.bucket.prefix, self.plan, load_id)
        found = self.bucket.get(key)
        if found is None:
            return None
        try:
            manifest: Mapping[str, object] = read_json(found[0])
        except ValueError as error:
            raise StateUnreadableError(
                f"Manifest {self.bucket.uri(key)} cannot be used: it is not JSON.",
                kept="It was left as it is.",
                remedy="Restore the object from a backup or an earlier version.",
            ) from error
        return manifest

    def extract_states(self) -> StateDocument[ExtractState]:
        """The table's extract state."""
        key = s3_names.state_key(self.bucket.prefix, self.plan.extract_key)
        return StateDocument(self.bucket, key, ExtractState)

    def load_states(self) -> StateDocument[LoadState]:
        """The table's load state."""
        key = s3_names.state_key(self.bucket.prefix, self.plan.load_key)
        return StateDocument(self.bucket, key, LoadState)
