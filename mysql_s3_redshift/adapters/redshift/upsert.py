"""Upsert: of every key the newest version wins, by cursor, then by number of the file."""

from __future__ import annotations

from collections.abc import Sequence

from mysql_s3_redshift.adapters.redshift import key_sql, sql
from mysql_s3_redshift.adapters.redshift.staging import KeyCounts, Staging
from mysql_s3_redshift.core.faultpoints import reach
from mysql_s3_redshift.core.names import quote_redshift
from mysql_s3_redshift.core.ports import AppliedLoad
from mysql_s3_redshift.core.state import DataFile
from mysql_s3_redshift.errors import ConfigError


class Upsert:
    """Brings staged rows into the target."""

    def __init__(self, staging: Staging) -> None:
        self._staging, self._connection = staging, staging.connection
        self._schema, self._target = staging.schema, staging.names.target
        self._key, self._version = staging.key(), staging.version()

    def accept_copied(self, staged: int) -> bool:
        """Whether the rows that went straight into the empty target have different keys.

        Else the target is emptied again, for the way by staging.

        Raises:
            ConfigError: A key is NULL.
        """
        reach("load.during_apply")
        if self._is_unique(self._staging.count_keys(self._key, self._target)):
            return True
        self._staging.prove(self._connection.execute(sql.delete_all(self._target)), staged)
        return False

    def merge(self, files: Sequence[DataFile], staged: int) -> AppliedLoad:
        """Merge the staged rows of these files."""
        if self._is_unique(self._staging.count_keys(self._key)):
            return self._merge(sql.STAGING, staged)
        self._connection.execute(sql.drop_temp(sql.NEWEST))
        if self._version is not None:
            self._connection.execute(key_sql.create_newest(self._schema, self._key, self._version))
            if self._newest_is_unique():
                return self._merge(sql.NEWEST, staged)
        elif len(files) == 1:
            return self._merge_distinct(files[0], staged)
        return self._merge_one_by_one(files, staged)

    def _merge_one_by_one(self, files: Sequence[DataFile], staged: int) -> AppliedLoad:
        """Versions with the same cursor value: the file with the higher number is the newer one."""
        inserted = updated = 0
        for file in files:
            self._staging.prove(self._staging.fill(file.uri, manifest=False), file.rows)
            if self._is_unique(self._staging.count_keys(self._key)):
                applied = self._merge(sql.STAGING, file.rows)
            else:
                applied = self._merge_distinct(file, file.rows)
            inserted, updated = inserted + applied.inserted, updated + applied.updated
        return AppliedLoad(copied=staged, inserted=inserted, updated=updated)

    def _merge_distinct(self, file: DataFile, staged: int) -> AppliedLoad:
        """One file with several rows of a key, which must be equal, or the key is not one."""
        self._connection.execute(sql.drop_temp(sql.NEWEST))
        statement = (
            key_sql.create_distinct(self._schema)
            if self._version is None
            else key_sql.create_newest(self._schema, self._key, self._version)
        )
        self._connection.execute(statement)
        if not self._newest_is_unique():
            raise ConfigError(
                f"{self._staging.table.plan.display_name}: {', '.join(self._key)} is not a key: "
                f"{file.uri} has different rows with the same values there.",
                kept="The transaction was rolled back; the target is unchanged.",
                remedy="Set primary_key to columns that identify a row, or load_mode: append.",
            )
        return self._merge(sql.NEWEST, staged)

    def _merge(self, staging: str, staged: int) -> AppliedLoad:
        deleted = self._connection.execute(
            key_sql.delete_older(
                self._target, self._schema, self._key, version=self._version, staging=staging
            )
        )
        reach("load.during_apply")
        inserted = self._connection.execute(
            key_sql.insert_missing(self._target, self._schema, self._key, staging=staging)
        )
        updated = min(deleted, inserted)
        return AppliedLoad(copied=staged, inserted=inserted - updated, updated=updated)

    def _is_unique(self, counts: KeyCounts) -> bool:
        """Whether the rows have different keys.

        Raises:
            ConfigError: A key is NULL, which no comparison finds again.
        """
        if counts.nulls:
            raise ConfigError(
                f"{self._staging.table.plan.display_name}: {counts.nulls} rows have a NULL in the "
                f"key ({', '.join(self._key)}), so they could be neither found nor replaced.",
                kept="The transaction was rolled back; the target is unchanged.",
                remedy="Set primary_key to columns that are never NULL, or load_mode: append.",
            )
        return counts.rows == counts.keys

    def _newest_is_unique(self) -> bool:
        newest = self._staging.count_rows(quote_redshift(sql.NEWEST))
        return newest == self._staging.count_keys(self._key).keys
