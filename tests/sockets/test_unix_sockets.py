"""AF_UNIX: datagrams, seqpackets, names, and descriptors that are passed; the kernel and the virtual stack agree."""

from __future__ import annotations

import array
import errno
import os
import socket
import struct
import tempfile
import threading
from collections.abc import Callable
from typing import Any

import pytest

Both = Callable[[Callable[[], Any]], Any]


def failure(call: Callable[..., Any], *arguments: Any) -> int:
    try:
        call(*arguments)
    except OSError as error:
        return error.errno or 0
    return 0


def test_datagrams_keep_their_bounds_and_tell_their_sender(both: Both) -> None:
    def run() -> Any:
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            one, other, unnamed = (socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(3))
            one.bind("one")
            other.bind("other")
            other.sendto(b"first", "one")
            other.sendto(b"", "one")
            unnamed.sendto(b"from nobody", "one")
            found = [one.recvfrom(3), one.recvfrom(10), one.recvfrom(20)]
            other.connect("one")
            one.sendto(b"answer", "other")
            found.append((other.recv(10), b""))
            found.append((failure(unnamed.send, b"x"), failure(unnamed.sendto, b"x", "nowhere")))
            stranger = failure(unnamed.sendto, b"x", "other")
            for each in (one, other, unnamed):
                each.close()
            os.unlink("one")
            os.unlink("other")
            os.chdir("/")
            return found, stranger

    found, stranger = both(run)
    assert found == [
        (b"fir", "other"),
        (b"", "other"),
        (b"from nobody", None),
        (b"answer", b""),
        (errno.ENOTCONN, errno.ENOENT),
    ]
    assert stranger == errno.EPERM


def test_a_full_queue_of_datagrams_makes_the_sender_wait(both: Both) -> None:
    def run() -> Any:
        sender, receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        sender.setblocking(False)
        taken = 0
        try:
            while taken < 10_000:
                sender.send(b"x")
                taken += 1
        except BlockingIOError as error:
            number = error.errno
        sender.setblocking(True)
        done = []
        thread = threading.Thread(target=lambda: done.append(sender.send(b"last")))
        thread.start()
        got = [receiver.recv(10) for _ in range(taken + 1)]
        thread.join()
        result = number, got[-1], done, failure(sender.send, b"x" * 300_000)
        sender.close()
        gone = failure(receiver.send, b"x")
        receiver.close()
        return *result, gone

    number, last, done, too_long, gone = both(run)
    assert (number, last, done) == (errno.EAGAIN, b"last", [4])
    assert (too_long, gone) == (errno.EMSGSIZE, errno.ECONNREFUSED)


def test_a_seqpacket_connection_keeps_messages_apart(both: Both) -> None:
    def run() -> Any:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.bind("\0seqpacket of a test")
        listener.listen()
        client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        client.connect("\0seqpacket of a test")
        server, _ = listener.accept()
        client.send(b"first")
        client.send(b"second")
        first = server.recvmsg(3)[:3]
        rest = server.recv(100)
        client.close()
        end = server.recv(100)
        broken = failure(server.send, b"x")
        server.close()
        listener.close()
        return first, rest, end, broken

    first, rest, end, broken = both(run)
    assert first == (b"fir", [], socket.MSG_TRUNC)
    assert (rest, end, broken) == (b"second", b"", errno.EPIPE)


def test_names_are_files_and_stay_until_they_are_unlinked(both: Both) -> None:
    def run() -> Any:
        import stat

        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "name")
            client = socket.socket(socket.AF_UNIX)
            found: list[Any] = [failure(client.connect, path)]
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(path)
            found.append(failure(client.connect, path))
            listener.listen()
            client.connect(path)
            found += [
                stat.S_ISSOCK(os.stat(path).st_mode),
                os.path.exists(path),
                listener.getsockname() == path,
            ]
            found += [client.getsockname(), client.getpeername() == path]
            listener.close()
            again = socket.socket(socket.AF_UNIX)
            found += [failure(again.connect, path), failure(again.bind, path)]
            os.unlink(path)
            found += [os.path.exists(path), failure(os.unlink, path)]
            again.bind(path)
            found.append(failure(again.bind, path + "2"))
            missing = socket.socket(socket.AF_UNIX)
            found.append(failure(missing.bind, os.path.join(folder, "no", "folder")))
            with open(os.path.join(folder, "file"), "w"):
                pass
            found.append(failure(missing.bind, os.path.join(folder, "file")))
            for each in (client, again, missing):
                each.close()
            os.remove(path)
            return found

    assert both(run) == [
        errno.ENOENT, errno.ECONNREFUSED, True, True, True, "", True, errno.ECONNREFUSED, errno.EADDRINUSE,
        False, errno.ENOENT, errno.EINVAL, errno.ENOENT, errno.EADDRINUSE,
    ]  # fmt: skip


def test_abstract_names_are_bytes_and_go_with_their_socket(both: Both) -> None:
    def run() -> Any:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        sock.bind(b"\0abstract\0name of a test")
        name = sock.getsockname()
        second = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        taken = failure(second.bind, name)
        sock.close()
        second.bind(name)
        automatic = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        automatic.bind("")
        chosen = automatic.getsockname()
        automatic.close()
        second.close()
        wrong = socket.socket(socket.AF_UNIX)
        refused = failure(wrong.connect, "\0nobody has this name")
        wrong.close()
        return name, taken, (len(chosen), chosen[:1]), refused

    name, taken, chosen, refused = both(run)
    assert name == b"\0abstract\0name of a test"
    assert (taken, chosen, refused) == (errno.EADDRINUSE, (6, b"\0"), errno.ECONNREFUSED)


def test_descriptors_are_passed_with_the_bytes_they_came_with(both: Both) -> None:
    def run() -> Any:
        left, right = socket.socketpair()
        reader, writer = os.pipe()
        left.send(b"before ")
        socket.send_fds(left, [b"with"], [reader, writer])
        left.send(b" after")
        data, numbers, flags, _ = socket.recv_fds(right, 100, 10)
        rest = right.recv(100)
        os.close(reader)
        os.close(writer)
        got_reader, got_writer = numbers
        os.write(got_writer, b"through the pipe")
        through = os.read(got_reader, 100)
        os.close(got_writer)
        end = os.read(got_reader, 1)
        os.close(got_reader)
        inheritable = flags & ~socket.MSG_CMSG_CLOEXEC
        left.close()
        right.close()
        return data, rest, through, end, inheritable

    assert both(run) == (b"before with", b" after", b"through the pipe", b"", 0)


def test_a_file_and_a_socket_are_passed_and_what_nobody_takes_is_closed(both: Both) -> None:
    def run() -> Any:
        left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        one, other = socket.socketpair()
        with tempfile.TemporaryFile() as file:
            file.write(b"content")
            file.flush()
            socket.send_fds(left, [b"x"], [one.fileno(), file.fileno()])
        one.close()
        _, numbers, _, _ = socket.recv_fds(right, 10, 2)
        with open(numbers[1], "rb") as again:
            again.seek(0)
            content = again.read()
        with socket.socket(fileno=numbers[0]) as same:
            same.send(b"still open")
        said = other.recv(100)
        # No room for the second of two, and none for any: the rest is closed, and the flag says so.
        reader, writer = os.pipe()
        for _ in range(2):
            socket.send_fds(left, [b"y"], [writer, writer])
        os.close(writer)
        integer = array.array("i").itemsize
        _, told, flags, _ = right.recvmsg(10, socket.CMSG_LEN(integer))
        cut = len(told), len(told[0][2]), bool(flags & socket.MSG_CTRUNC)
        os.close(array.array("i", told[0][2])[0])
        plain = right.recv(10)
        end = os.read(reader, 1)
        os.close(reader)
        for each in (left, right, other):
            each.close()
        return content, said, cut, plain, end

    assert both(run) == (b"content", b"still open", (1, 4, True), b"y", b"")


def test_bad_ancillary_data(both: Both) -> None:
    def run() -> Any:
        left, right = socket.socketpair()
        closed = os.dup(left.fileno())
        os.close(closed)
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [closed]))]
        found = [
            failure(left.sendmsg, [b"x"], rights),
            failure(left.sendmsg, [b"x"], [(socket.SOL_SOCKET, 77, b"1234")]),
        ]
        for wrong in ([object()], [(1, 1)], [(1, 1, object())], object()):
            try:
                left.sendmsg([b"x"], wrong)  # type: ignore[arg-type]
            except TypeError:
                found.append(-1)
        left.close()
        right.close()
        return found

    assert both(run) == [errno.EBADF, errno.EINVAL, -1, -1, -1, -1]


def test_credentials_of_the_peer(both: Both) -> None:
    def run() -> Any:
        left, right = socket.socketpair()
        size = struct.calcsize("3i")
        pid, uid, gid = struct.unpack("3i", left.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
        right.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        left.send(b"who am I")
        data, told, _, _ = right.recvmsg(100, socket.CMSG_SPACE(size))
        level, kind, content = told[0]
        left.close()
        right.close()
        same = struct.unpack("3i", content) == (os.getpid(), os.getuid(), os.getgid())
        return (pid, uid, gid) == (os.getpid(), os.getuid(), os.getgid()), data, (level, kind), same

    assert both(run) == (True, b"who am I", (socket.SOL_SOCKET, socket.SCM_CREDENTIALS), True)


def test_streams_and_datagrams_do_not_meet(both: Both) -> None:
    def run() -> Any:
        stream = socket.socket(socket.AF_UNIX)
        stream.bind("\0stream of a test")
        stream.listen()
        datagram = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        pair, other = socket.socketpair()
        found = [
            failure(datagram.connect, "\0stream of a test"),
            failure(datagram.sendto, b"x", "\0stream of a test"),
            failure(datagram.listen),
            failure(pair.sendto, b"x", "\0stream of a test"),
            failure(stream.recv, 1),
            failure(socket.socketpair, socket.AF_INET),
            failure(socket.socketpair, socket.AF_UNIX, socket.SOCK_RDM),
        ]
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "path")
            named = socket.socket(socket.AF_UNIX)
            named.bind(path)
            named.listen()
            found.append(failure(datagram.connect, path))
            os.unlink(path)
        for each in (stream, datagram, pair, other, named):
            each.close()
        return found

    assert both(run) == [
        errno.ECONNREFUSED, errno.ECONNREFUSED, errno.EOPNOTSUPP, errno.EISCONN, errno.EINVAL, errno.EOPNOTSUPP,
        errno.ESOCKTNOSUPPORT, errno.EPROTOTYPE,
    ]  # fmt: skip


def test_a_full_backlog_lets_the_next_client_wait(both: Both) -> None:
    def run() -> Any:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind("\0backlog of a test")
        listener.listen(0)
        first = socket.socket(socket.AF_UNIX)
        first.connect("\0backlog of a test")
        second = socket.socket(socket.AF_UNIX)
        second.setblocking(False)
        full = failure(second.connect, "\0backlog of a test")
        second.setblocking(True)
        done: list[Any] = []
        thread = threading.Thread(target=lambda: done.append(second.connect("\0backlog of a test")))
        thread.start()
        one, _ = listener.accept()
        two, _ = listener.accept()
        thread.join()
        second.send(b"hello")
        data = two.recv(10)
        for each in (listener, first, second, one, two):
            each.close()
        return full, done, data

    assert both(run) == (errno.EAGAIN, [None], b"hello")


def test_a_file_that_was_passed_is_the_receivers_to_read_and_to_close(both: Any, tmp_path: Any) -> None:
    (tmp_path / "file").write_bytes(b"content")

    def program() -> list[Any]:
        left, right = socket.socketpair()
        with left, right, open(tmp_path / "file", "rb") as file:
            socket.send_fds(left, [b"x"], [file.fileno()])
            _, numbers, _, _ = socket.recv_fds(right, 1, 1)
        seen = [os.read(numbers[0], 100), os.close(numbers[0])]
        with pytest.raises(OSError) as caught:
            os.close(numbers[0])
        return [*seen, caught.value.errno]

    assert both(program) == [b"content", None, errno.EBADF]
