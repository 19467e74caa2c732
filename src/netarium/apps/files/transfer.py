"""One file's bytes over a channel, out or in. Both ends of `put` and `get` are these two functions.

The receiver says how much it has of the file and its digest (`go`); the sender hashes as much of its own and goes on
there if they are equal, else at 0. So a resume is verified before it starts, and the whole file after it ended.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from netarium.apps.files.channel import Channel
from netarium.apps.files.chunks import send_blocks, send_by_kernel
from netarium.apps.files.digest import DigestCache, FileHasher, update_from_file
from netarium.apps.files.folder import Folder, Partial
from netarium.apps.files.intake import Intake
from netarium.apps.files.pace import Pace
from netarium.apps.files.protocol import FileHeader, PeerError, Refused, new_digest, number

DONE_PATIENCE = 20.0  # times the stall: the peer may have to bring gigabytes to its disk before it can say so
ROOM_KEPT_BYTES = 1 << 20


def _ignore(count: int) -> None:
    pass


@dataclass
class Options:
    """How one side transfers: `rate` in bytes a second (0: no limit), and who is told of each piece moved.

    `skipped` is told too when a piece is there already and does not go over the line.
    """

    rate: int = 0
    sync: bool = False
    moved: Callable[[int], None] = _ignore
    size_max: int = 0
    cache: DigestCache | None = None
    skipped: Callable[[int], None] = _ignore

    def skip(self, count: int) -> None:
        """So many bytes need not be moved."""
        self.moved(count)
        self.skipped(count)


# Out


def send_file(channel: Channel, handle: int, header: FileHeader, options: Options) -> str:
    """Send a file that was put or offered, as far as the peer lacks it: "sent", "resumed" or "same"."""
    cache = options.cache
    if cache is None or header.algorithm == "none":
        return _send_file(channel, handle, header, options, "")[0]
    key = cache.key(handle, header.algorithm)
    try:
        result, digest = _send_file(channel, handle, header, options, cache.get(key))
    except PeerError:
        cache.drop(key)  # it may be that our digest did not fit
        raise
    cache.put(key, handle, digest)
    return result


def _send_file(
    channel: Channel, handle: int, header: FileHeader, options: Options, known: str
) -> tuple[str, str]:
    """The result and the file's digest, which is not worked out again if it is `known`."""
    go = channel.expect("go")
    have = go.get("have")
    if isinstance(have, str) and have and header.algorithm != "none":
        whole = known or _digest_of(channel, handle, header)
        if hmac.compare_digest(have.encode("utf-8", "replace"), whole.encode()):
            channel.send({"type": "skip"})
            channel.expect("done")
            options.skip(header.size)
            return "same", whole
    offset, digest = _verified_offset(channel, handle, header, go)
    channel.send(replace(header, offset=offset).message("file"))
    options.skip(offset)
    send = send_blocks if channel.is_tls or not hasattr(os, "sendfile") else send_by_kernel
    hexadecimal = send(channel, handle, offset, header, None if known else digest, options)
    _still_the_same(handle, header)
    channel.send({"type": "digest", "digest": known or hexadecimal})
    channel.expect("done", patience=DONE_PATIENCE)
    return "resumed" if offset else "sent", known or hexadecimal


def _still_the_same(handle: int, header: FileHeader) -> None:
    """A file that changed while it was sent is a mixture: its digest would not fit, and this is why."""
    status = os.fstat(handle)
    if (status.st_size, status.st_mtime_ns) != (header.size, header.mtime_ns):
        raise Refused(f"{header.name} was changed while it was sent", "changed")


def _digest_of(channel: Channel, handle: int, header: FileHeader) -> str:
    digest = new_digest(header.algorithm)
    update_from_file(digest, handle, 0, header.size, channel.wait)
    return str(digest.hexdigest())


def _verified_offset(
    channel: Channel, handle: int, header: FileHeader, go: dict[str, Any]
) -> tuple[int, Any]:
    """Where to go on: the peer's offset if its bytes are ours, else 0; and the digest up to there."""
    offset, prefix, digest = number(go, "offset", header.size), go.get("prefix"), new_digest(header.algorithm)
    if not offset or header.algorithm == "none" or not isinstance(prefix, str):
        return 0, digest
    update_from_file(digest, handle, 0, offset, channel.wait)
    if hmac.compare_digest(prefix.encode("utf-8", "replace"), digest.hexdigest().encode()):
        return offset, digest
    return 0, new_digest(header.algorithm)


# In


def receive_file(channel: Channel, folder: Folder, header: FileHeader, name: str, options: Options) -> str:
    """Receive a file that was put or offered under `name`: "received", "resumed" or "same".

    After Refused the caller tells the peer and closes the channel, and after Broken and PeerError he closes it.
    """
    if options.size_max and header.size > options.size_max:
        raise Refused(f"{name} has {header.size} bytes; at most {options.size_max} are taken", "size")
    have = _same_already(channel, folder, header, name)
    partial = folder.open_partial(name)
    try:
        digest, offset = _prefix(channel, partial, header)
        free = partial.free_bytes() - ROOM_KEPT_BYTES
        if header.size - offset > free:
            raise Refused(
                f"no room for {name}: {header.size - offset} bytes to come, {max(free, 0)} free", "disk-full"
            )
        go = {"type": "go", "offset": offset, "prefix": digest.hexdigest() if offset else "", "have": have}
        channel.send(go)
        answer = channel.expect("file", "skip")
        if answer["type"] == "skip":
            partial.discard()  # what an earlier transfer left is of no use any more
            channel.send({"type": "done"})
            options.skip(header.size)
            return "same"
        result = _receive_body(channel, partial, header, _offset_of(answer, offset), digest, options)
    except BaseException:
        partial.keep()
        raise
    channel.send({"type": "done"})
    return result


def _offset_of(answer: dict[str, Any], offset: int) -> int:
    chosen = number(answer, "offset")
    if chosen not in (0, offset):
        raise Refused(f"the file begins at {chosen}; {offset} or 0 was wanted", "header")
    return chosen


def _same_already(channel: Channel, folder: Folder, header: FileHeader, name: str) -> str:
    """The digest of the file that is there already if it may be the same one, else ""."""
    if header.algorithm == "none":
        return ""
    try:
        handle, status = folder.open_file(name)
    except Refused:
        return ""
    try:
        if (status.st_size, status.st_mtime_ns) != (header.size, header.mtime_ns):
            return ""
        digest = new_digest(header.algorithm)
        update_from_file(digest, handle, 0, header.size, channel.wait)
        return str(digest.hexdigest())
    finally:
        os.close(handle)


def _prefix(channel: Channel, partial: Partial, header: FileHeader) -> tuple[Any, int]:
    """The digest of what an earlier transfer left, and how much that is; 0 when it cannot be of use."""
    digest = new_digest(header.algorithm)
    if header.algorithm == "none" or not 0 < partial.size <= header.size:
        return digest, 0
    reached = update_from_file(digest, partial.handle, 0, partial.size, channel.wait)
    return digest, reached


def _receive_body(
    channel: Channel, partial: Partial, header: FileHeader, offset: int, digest: Any, options: Options
) -> str:
    """The bytes and their digest; the file takes its name only if it fits."""
    if not offset:
        digest = new_digest(header.algorithm)
    partial.truncate(offset)
    options.skip(offset)
    try:
        hexadecimal = _receive_bytes(channel, partial, offset, header.size, digest, options)
        told = channel.expect("digest").get("digest")
    except PeerError as error:
        if offset <= error.offset < header.size:  # behind that there are zeros and no bytes of the file
            partial.cut(error.offset)
        raise
    if not isinstance(told, str) or not hmac.compare_digest(
        told.encode("utf-8", "replace"), hexadecimal.encode()
    ):
        partial.discard()
        raise Refused(
            f"{header.name}: the {header.algorithm} digest does not fit; what came was deleted", "digest"
        )
    try:
        partial.finish(header, options.sync)
    except OSError as error:
        raise Refused(f"{header.name}: {(error.strerror or str(error)).lower()}", "disk") from None
    return "resumed" if offset else "received"


def _receive_bytes(
    channel: Channel, partial: Partial, offset: int, size: int, digest: Any, options: Options
) -> str:
    """The bytes from `offset` to `size`, to the disk; the digest of all."""
    pace, left = Pace(options.rate), 0
    with (
        FileHasher(digest, partial.handle, offset, offset) as hasher,
        Intake(channel, partial.handle, size - offset, batch=not options.rate) as intake,
    ):
        while offset < size:
            if not left:
                left = _next_chunk(channel, intake, size - offset)
            count = intake.take(pace.step(left))
            offset, left = offset + count, left - count
            hasher.reach(offset)
            options.moved(count)
            pace.moved(count)
            channel.wait()  # "bytes come": much may lie in the system's queues, and the peer sees none of it go
        return hasher.finish(channel.wait)


def _next_chunk(channel: Channel, intake: Intake, left: int) -> int:
    """How many bytes come next. When the data end early the peer says why, which is raised as PeerError."""
    count = intake.length()
    if count > left:
        raise Refused(f"a chunk of {count} bytes where {left} are left", "header")
    if count:
        return count
    intake.settle()
    channel.receive()
    raise Refused("the data ended early without an error", "header")
