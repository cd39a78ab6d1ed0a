"""A fingerprint of a table's whole content, independent of how it was cut into batches.

Tells a full snapshot that nothing changed since the last one, so that an idle table is not loaded
again. Each column has its own hash over values, lengths and NULLs.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc


class ContentDigest:
    """Hashes the rows it is given, column by column, in order."""

    def __init__(self, schema_id: str) -> None:
        self._schema_id = schema_id
        self._columns: list[tuple[hashlib.blake2b, hashlib.blake2b]] = []
        self._rows = 0

    def update(self, batch: pa.RecordBatch) -> None:
        """Add some rows."""
        if not self._columns:
            self._columns = [(_new(), _new()) for _ in range(batch.num_columns)]
        self._rows += batch.num_rows
        for (shape, content), array in zip(self._columns, batch.columns, strict=True):
            nulls = pc.is_null(array).to_numpy(zero_copy_only=False)
            if pa.types.is_string(array.type) or pa.types.is_binary(array.type):
                lengths = pc.fill_null(pc.binary_length(array), -1).to_numpy(zero_copy_only=False)
                shape.update(lengths.astype(np.int32).tobytes())
                content.update(_text_bytes(array))
            else:
                shape.update(nulls.tobytes())
                content.update(_fixed_bytes(array, nulls))

    def hexdigest(self) -> str:
        """The fingerprint of everything so far, row count and schema included."""
        whole = _new()
        whole.update(f"{self._schema_id} {self._rows} ".encode())
        for shape, content in self._columns:
            whole.update(shape.digest() + content.digest())
        return whole.hexdigest()


def _new() -> hashlib.blake2b:
    return hashlib.blake2b(digest_size=16)


def _text_bytes(array: pa.Array) -> bytes:
    """The values one after the other; NULLs add nothing."""
    kept = array.drop_null()
    if len(kept) == 0:
        return b""
    edges = np.frombuffer(kept.buffers()[1], dtype=np.int32)
    offsets = edges[kept.offset : kept.offset + len(kept) + 1]
    return bytes(memoryview(kept.buffers()[2])[int(offsets[0]) : int(offsets[-1])])


def _fixed_bytes(array: pa.Array, nulls: npt.NDArray[np.bool_]) -> bytes:
    """Fixed-width values with NULLs as zeros."""
    if pa.types.is_boolean(array.type):
        return bytes(pc.fill_null(array, False).cast(pa.uint8()).to_numpy().tobytes())
    width = array.type.bit_width // 8
    raw = np.frombuffer(array.buffers()[1], dtype=np.uint8)
    values = raw[array.offset * width : (array.offset + len(array)) * width].reshape(-1, width)
    if nulls.any():
        values = np.where(nulls[:, None], np.uint8(0), values)
    return values.tobytes()
