"""A file written in whole records: what is on the disk can be read at any moment, whatever ends the run.

Records are gathered and written together. An interrupt in the middle of a write leaves part of a record on
the disk; `close` writes from the last whole one again. A disk that is full must not raise into the net that
is being watched: the error is kept in `failed`, the file is cut back to whole records, and `close` raises.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from netarium.errors import CaptureError, UsageError

GATHERED_BYTES: Final = 1 << 18


class RecordFile:
    """A new file at `path`; `what` is its word in messages ("capture", "trace"). Raises UsageError if it
    cannot be made.

    `failed` is the error that ended the writing, or None.
    """

    __slots__ = (
        "_descriptor",
        "_gathered",
        "_gathered_bytes",
        "_seekable",
        "_written_bytes",
        "failed",
        "path",
        "what",
    )

    def __init__(self, path: str | Path, what: str) -> None:
        self.path = Path(path)
        self.what = what
        self.failed: CaptureError | None = None
        try:
            # Unlike open(), this leaves no buffer between the records and the file.
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
            self._descriptor = os.open(self.path, flags, 0o666)
        except OSError as error:
            raise UsageError(
                f"cannot write the {what} {self.path}: {error.strerror}; give a path in a folder you may write to"
            ) from None
        self._seekable = _can_seek(self._descriptor)
        self._gathered: list[bytes] = []
        self._gathered_bytes = 0
        self._written_bytes = 0

    def write(self, record: bytes) -> None:
        """Add a whole record."""
        self._gathered.append(record)
        self._gathered_bytes += len(record)
        if self._gathered_bytes >= GATHERED_BYTES:
            self.flush()

    def flush(self) -> None:
        """Put all records on the disk."""
        if self.failed is not None or self._descriptor < 0:
            self._forget()
            return
        data = b"".join(self._gathered)
        if self._seekable:
            os.lseek(self._descriptor, self._written_bytes, os.SEEK_SET)
        done = 0
        try:
            while done < len(data):
                done += os.write(self._descriptor, data[done:])
        except OSError as error:
            self._fail(error, done)
        else:
            self._written_bytes += len(data)
        self._forget()

    def close(self) -> None:
        """Write the rest and close. Raises CaptureError when not everything could be written; twice is no
        error.
        """
        if self._descriptor < 0:
            return
        self.flush()
        if self._seekable and self.failed is None:
            os.ftruncate(self._descriptor, self._written_bytes)
        try:
            os.close(self._descriptor)
        except OSError as error:
            self._fail(error, 0)
        self._descriptor = -1
        if self.failed is not None:
            raise self.failed

    def _fail(self, error: OSError, done: int) -> None:
        kept = 0
        for record in self._gathered:
            if kept + len(record) > done:
                break
            kept += len(record)
        self._written_bytes += kept
        if self._seekable:
            try:
                os.ftruncate(self._descriptor, self._written_bytes)
            except OSError:
                pass  # the first error tells more
        self.failed = CaptureError(
            f"the {self.what} {self.path} is not complete: {error.strerror} after {self._written_bytes} bytes; "
            "what is there can be read; make room or give another path"
        )

    def _forget(self) -> None:
        self._gathered.clear()
        self._gathered_bytes = 0


def _can_seek(descriptor: int) -> bool:
    try:
        os.lseek(descriptor, 0, os.SEEK_CUR)
    except OSError:
        return False
    return True
