"""Calls of `os` on descriptors that are sockets and pipes: they work or fail as on the kernel."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import termios
from collections.abc import Callable
from pathlib import Path
from stat import S_ISFIFO, S_ISSOCK
from typing import Any

from netarium import Net

Both = Callable[[Callable[[], Any]], Any]


def failure(function: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    except termios.error as error:
        return errno.errorcode[error.args[0]]


def test_vectors_on_pipes_and_sockets(both: Both) -> None:
    def seen() -> Any:
        reader, writer = os.pipe()
        one, other = socket.socketpair()
        found: list[Any] = []
        for source, target in ((reader, writer), (one.fileno(), other.fileno())):
            first, second = bytearray(1), bytearray(8)
            found += [os.writev(target, [b"ab", b"", b"cd"]), os.readv(source, [first, second])]
            found += [bytes(first), bytes(second[:3])]
        one.close()
        other.close()
        return found

    assert both(seen) == [4, 4, b"a", b"bcd"] * 2


def test_what_only_files_can_do_fails_with_the_kernels_errno(both: Both) -> None:
    def seen() -> Any:
        writer = os.pipe()[1]
        with socket.socket() as sock:
            return [
                (
                    failure(os.lseek, number, 0, 0),
                    failure(os.pread, number, 1, 0),
                    failure(os.ftruncate, number, 0),
                    failure(os.fsync, number),
                    failure(os.fchdir, number),
                    failure(os.ttyname, number),
                    failure(os.get_terminal_size, number),
                    failure(termios.tcgetattr, number),
                    failure(os.fchmod, number, 0o600),
                )
                for number in (writer, sock.fileno())
            ]

    expected = ("ESPIPE", "ESPIPE", "EINVAL", "EINVAL", "ENOTDIR", "ENOTTY", "ENOTTY", "ENOTTY", None)
    assert both(seen) == [expected, expected]


def test_the_kind_of_a_descriptor_by_stat_of_its_number(both: Both) -> None:
    def seen() -> Any:
        reader = os.pipe()[0]
        with socket.socket() as sock:
            number = sock.fileno()
            kinds = (
                S_ISFIFO(os.stat(reader).st_mode),
                S_ISSOCK(os.stat(number).st_mode),
                os.path.exists(number),
            )
        return kinds, os.path.exists(number), failure(os.fstat, number), os.isatty(number)

    assert both(seen) == ((True, True, True), False, "EBADF", False)


def test_splice_moves_between_pipes_sockets_and_files(both: Both, tmp_path: Path) -> None:
    def seen() -> Any:
        reader, writer = os.pipe()
        one, other = socket.socketpair()
        file = os.open(tmp_path / "data", os.O_RDWR | os.O_CREAT)
        os.write(file, b"0123456789")
        os.write(writer, b"hello")
        found: list[Any] = [os.splice(reader, one.fileno(), 3), other.recv(9)]
        found += [os.splice(file, writer, 4, offset_src=2), os.read(reader, 9)]
        other.send(b"net")
        found += [os.splice(one.fileno(), writer, 9), os.splice(reader, file, 9, offset_dst=0)]
        found += [os.pread(file, 10, 0), failure(os.splice, one.fileno(), file, 1)]
        found.append(failure(os.splice, reader, one.fileno(), 1, 0))
        os.close(file)
        one.close()
        other.close()
        return found

    assert both(seen) == [3, b"hel", 4, b"lo2345", 3, 3, b"net3456789", "EINVAL", "ESPIPE"]


def test_sendfile_takes_of_the_file_what_the_socket_has_taken(both: Both, tmp_path: Path) -> None:
    def seen() -> Any:
        one, other = socket.socketpair()
        file, copy = (os.open(tmp_path / name, os.O_RDWR | os.O_CREAT) for name in ("data", "copy"))
        os.write(file, bytes(1_000_000))
        os.lseek(file, 0, os.SEEK_SET)
        one.setblocking(False)
        taken = 0
        while True:
            count = failure(os.sendfile, one.fileno(), file, None, 1_000_000)
            if count == "EAGAIN":
                break
            taken += count
        found = [
            os.lseek(file, 0, os.SEEK_CUR) == taken,
            failure(os.sendfile, one.fileno(), other.fileno(), 0, 1),
        ]
        found += [os.sendfile(copy, file, 0, 10), failure(os.sendfile, one.fileno(), 9999, 0, 1)]
        os.close(file)
        os.close(copy)
        one.close()
        other.close()
        return found

    assert both(seen) == [True, "ESPIPE", 10, "EBADF"]


def test_a_daemon_that_closes_all_descriptors_closes_its_own(tmp_path: Path) -> None:
    host = Net(seed=1).host("h", address="10.0.0.1/24")
    real = os.open(tmp_path / "outside", os.O_RDWR | os.O_CREAT)

    def program() -> Any:
        own = os.open(tmp_path / "own", os.O_RDWR | os.O_CREAT)
        other = os.dup(own)
        for number in range(3, 1024):
            failure(os.close, number)
        os.closerange(3, 1 << 31)
        return failure(os.write, own, b"x"), failure(os.fstat, other), os.fstat(1).st_mode != 0

    assert host.call(program) == ("EBADF", "EBADF", True)
    assert os.write(real, b"still open") == 10
    os.close(real)


def test_names_of_standard_streams_are_the_programs_own() -> None:
    def program() -> None:
        with open("/dev/stdout", "w") as out:
            out.write("by /dev/stdout\n")
        number = os.open("/dev/fd/2", os.O_WRONLY)
        os.write(number, b"by /dev/fd/2\n")
        print(failure(os.open, "/dev/tty", os.O_RDWR), failure(open, "/proc/self/fd/0"))

    service = Net(seed=1).host("h", address="10.0.0.1/24").run(program)
    assert service.wait() == 0
    assert service.stdout.startswith("by /dev/stdout\nENXIO <")
    assert service.stderr == "by /dev/fd/2\n"


def test_a_file_for_a_sockets_number_is_refused_with_the_way_out() -> None:
    def program() -> None:
        with socket.socket() as sock:
            os.dup2(sock.fileno(), 200)

    service = Net(seed=1).host("h", address="10.0.0.1/24").run(program)
    assert service.wait() == 1
    assert "use os.dup" in service.stderr


def test_the_window_is_asked_of_standard_output_which_is_no_terminal() -> None:
    def seen() -> Any:
        return (
            failure(os.get_terminal_size),
            failure(lambda: os.fchmod(fd=1, mode=0o600)),
            shutil.get_terminal_size((5, 6)),
        )

    assert Net(seed=1).host("host").call(seen) == ("ENOTTY", None, (5, 6))
