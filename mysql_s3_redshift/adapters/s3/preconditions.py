"""Whether a store keeps the preconditions of writes; without them two runs would overwrite.

Amazon S3 does ("How to prevent object overwrites with conditional writes", S3 User Guide); among
the compatible stores some ignore the headers, and say nothing. So before the first state document
of a table is written, two writes that must be refused are tried on an object beside it. Once a
table has its document nothing is asked again, and an idle sync sends no request more.
"""

from __future__ import annotations

from mysql_s3_redshift.adapters.s3.bucket import Bucket, PreconditionFailedError
from mysql_s3_redshift.core.s3_names import precondition_probe_key
from mysql_s3_redshift.errors import StorageError

_BODY = b"Shows that this store refuses writes whose precondition does not hold.\n"
_NO_ETAG = '"00000000000000000000000000000000"'


def require_conditional_writes(bucket: Bucket, key: str = "") -> None:
    """Prove, once for each `Bucket`, that conditional writes are kept.

    Args:
        bucket: Where states are to be written.
        key: An object to try it on, in place of the one that stays beside the states.

    Raises:
        StorageError: They are not, or S3 cannot be reached.
    """
    if bucket.keeps_preconditions:
        return
    key = key or precondition_probe_key(bucket.prefix)
    created = _is_written(bucket, key, if_absent=True)
    if (created and _is_written(bucket, key, if_absent=True)) or _is_written(
        bucket, key, if_match=_NO_ETAG
    ):
        raise StorageError(
            f"The store of s3://{bucket.name} ignores the precondition of a write "
            "(If-None-Match, If-Match), so two runs could overwrite each other's state.",
            kept=f"No state was written; only {bucket.uri(key)}.",
            remedy="Use Amazon S3, or a store (or a version of it) with conditional writes.",
        )
    bucket.keeps_preconditions = True


def _is_written(
    bucket: Bucket, key: str, *, if_absent: bool = False, if_match: str | None = None
) -> bool:
    try:
        bucket.put(key, _BODY, if_absent=if_absent, if_match=if_match)
    except PreconditionFailedError:
        return False
    except StorageError as error:
        if "NotImplemented" not in error.happened:
            raise
        raise StorageError(
            f"The store of s3://{bucket.name} has no conditional writes: {error.happened}",
            kept="No state was written.",
            remedy="Use Amazon S3, or a store (or a version of it) with conditional writes.",
        ) from error
    return True
