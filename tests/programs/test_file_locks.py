"""Locks on files wait in virtual time; what would stop the whole net is refused by name."""

from __future__ import annotations

import fcntl
import os
import struct
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from netarium import Net
from netarium.errors import NetariumError, NotSupportedInNetError
from netarium.programs.shims.os import RefusedError


def _holds(path: Path, lock: Any, seconds: float, close: bool) -> list[float]:
    lock = getattr(fcntl, lock)  # the dispatcher: what a decorator has captured is the real one
    with open(path, "a") as file:
        lock(file, fcntl.LOCK_EX)
        got = time.monotonic()
        time.sleep(seconds)
        if not close:
            lock(file, fcntl.LOCK_UN)
            time.sleep(100)
    return [got]


@pytest.mark.parametrize("close", [False, True], ids=["unlock", "close"])
@pytest.mark.parametrize("lock", ["flock", "lockf"])
def test_a_second_program_waits_for_the_first(
    empty_net: Net, host: Any, tmp_path: Path, lock: Any, close: bool
) -> None:
    services = [host.run(_holds, tmp_path / "lock", lock, 5, close) for _ in range(3)]
    empty_net.run(check=False)
    times = [service.result[0] for service in services]
    assert [round(each) for each in times] == [0, 5, 10], [each.stderr for each in services]


@pytest.mark.parametrize("lock", ["flock", "lockf"])
def test_a_lock_that_is_taken_is_eagain_where_nobody_waits(
    empty_net: Net, host: Any, tmp_path: Path, lock: Any
) -> None:
    def tries() -> Any:
        time.sleep(1)
        with open(tmp_path / "lock", "a") as file:
            take = getattr(fcntl, lock)
            try:
                take(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                refused = error.errno
            time.sleep(10)
            take(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return refused

    host.run(_holds, tmp_path / "lock", lock, 5, True)
    second = host.run(tries)
    empty_net.run(check=False)
    assert second.result == 11, second.stderr


def test_two_threads_with_a_file_each_wait_for_flock(host: Any, tmp_path: Path) -> None:
    def program() -> list[float]:
        got: list[float] = []

        def work() -> None:
            got.extend(_holds(tmp_path / "lock", "flock", 2, True))

        threads = [threading.Thread(target=work) for _ in range(3)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        return got

    assert [round(each) for each in host.call(program)] == [0, 2, 4]


def test_a_killed_program_gives_its_locks_back(empty_net: Net, host: Any, tmp_path: Path) -> None:
    first = host.run(_holds, tmp_path / "lock", "flock", 100, True)
    second = host.run(_holds, tmp_path / "lock", "flock", 1, True)
    empty_net.at("3s", lambda: first.process.kill(9))
    empty_net.run(check=False)
    assert round(second.result[0]) == 3


def test_parts_of_a_file_are_locked_apart(empty_net: Net, host: Any, tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(bytes(100))

    def holds() -> None:
        with open(path, "r+b") as file:
            fcntl.lockf(file, fcntl.LOCK_EX, 30, 10)
            fcntl.lockf(file, fcntl.LOCK_UN, 10, 20)
            time.sleep(5)

    def tries() -> list[bool]:
        time.sleep(1)
        with open(path, "r+b") as file:
            found = []
            for start, size in ((0, 10), (10, 10), (20, 10), (30, 10), (40, 0), (0, 11)):
                try:
                    fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB, size, start)
                    found.append(True)
                except BlockingIOError:
                    found.append(False)
            os.lseek(file.fileno(), 15, os.SEEK_SET)
            try:
                os.lockf(file.fileno(), os.F_TEST, 1)
            except OSError as error:
                found.append(error.errno == 13)
        return found

    host.run(holds)
    second = host.run(tries)
    empty_net.run(check=False)
    assert second.result == [True, False, True, False, True, False, True], second.stderr


def test_a_lock_nobody_gives_back_is_a_deadlock_that_is_told(
    empty_net: Net, host: Any, tmp_path: Path
) -> None:
    def program() -> None:
        with open(tmp_path / "lock", "w") as one, open(tmp_path / "lock", "w") as other:
            fcntl.flock(one, fcntl.LOCK_EX)
            fcntl.flock(other, fcntl.LOCK_EX)

    host.run(program)
    with pytest.raises(NetariumError, match=r"flock\(\)"):
        empty_net.run()


def test_a_fifo_is_refused_by_name(host: Any, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for function in ((tmp_path / "fifo").read_bytes, lambda: os.open(tmp_path / "fifo", os.O_RDONLY)):
        with pytest.raises(NotSupportedInNetError, match=r"open\(\) of program .*FIFO"):
            host.call(function)


def test_semaphores_and_memory_of_multiprocessing_are_refused_by_name(host: Any) -> None:
    import multiprocessing
    from multiprocessing import shared_memory

    before = sorted(os.listdir("/dev/shm"))
    with pytest.raises(NotSupportedInNetError, match=r"multiprocessing.Lock"):
        host.call(multiprocessing.Lock)
    with pytest.raises(NotSupportedInNetError, match=r"SharedMemory\(\)"):
        host.call(lambda: shared_memory.SharedMemory(create=True, size=10))
    assert sorted(os.listdir("/dev/shm")) == before
    with multiprocessing.Lock():
        pass


def test_os_open_reads_the_hosts_own_machine_files(host: Any) -> None:
    def program() -> tuple[bytes, bytes]:
        number = os.open("/etc/hosts", os.O_RDONLY)
        with open("/etc/hosts", "rb") as file:
            return os.read(number, 10_000), file.read()

    numbered, opened = host.call(program)
    assert numbered == opened


def test_multiprocessing_says_that_there_are_no_processes(host: Any) -> None:
    import multiprocessing
    import sys

    sys.modules.pop("multiprocessing.popen_fork", None)
    with pytest.raises(
        RefusedError,
        match=r"multiprocessing\.Process\.start\(\) of program .*: a simulated program cannot start",
    ):
        host.call(lambda: multiprocessing.get_context("fork").Process(target=print).start())


def _record(kind: int, start: int = 0, length: int = 0) -> bytes:
    return struct.pack("hhqqi4x", kind, os.SEEK_SET, start, length, 0)


@pytest.mark.parametrize("command", ["F_SETLKW", "F_OFD_SETLKW"])
def test_record_locks_wait_in_virtual_time(empty_net: Net, host: Any, tmp_path: Path, command: str) -> None:
    def holds() -> float:
        with open(tmp_path / "lock", "w") as file:
            fcntl.fcntl(file, getattr(fcntl, command), _record(fcntl.F_WRLCK, 10, 5))
            got = time.monotonic()
            time.sleep(5)
            return got

    def elsewhere() -> float:
        with open(tmp_path / "lock", "r+") as file:
            time.sleep(1)
            fcntl.fcntl(file, getattr(fcntl, command), _record(fcntl.F_WRLCK, 15, 5))
            return time.monotonic()

    (tmp_path / "lock").write_text("")
    services = [host.run(holds), host.run(holds), host.run(elsewhere)]
    empty_net.run(check=False)
    assert [round(each.result) for each in services] == [0, 5, 1], [each.stderr for each in services]


def test_who_holds_a_record_is_told_and_nobody_waits_with_setlk(
    empty_net: Net, host: Any, tmp_path: Path
) -> None:
    path = tmp_path / "lock"

    def holds() -> int:
        with open(path, "w") as file:
            fcntl.fcntl(file, fcntl.F_SETLK, _record(fcntl.F_WRLCK, 10, 5))
            time.sleep(5)
        return os.getpid()

    def looks() -> list[Any]:
        time.sleep(1)
        with open(path, "r+") as file:
            told = struct.unpack("hhqqi4x", fcntl.fcntl(file, fcntl.F_GETLK, _record(fcntl.F_RDLCK)))
            free = struct.unpack("hhqqi4x", fcntl.fcntl(file, fcntl.F_GETLK, _record(fcntl.F_RDLCK, 20)))
            errors = []
            for command, record in [
                (fcntl.F_SETLK, _record(fcntl.F_RDLCK)),
                (fcntl.F_SETLK, _record(9)),
                (fcntl.F_GETLK, _record(fcntl.F_UNLCK)),
            ]:
                with pytest.raises(OSError) as caught:
                    fcntl.fcntl(file, command, record)
                errors.append(caught.value.errno)
            return [told, free[0], errors]

    holder, looker = host.run(holds), host.run(looks)
    empty_net.run(check=False)
    told = (fcntl.F_WRLCK, os.SEEK_SET, 10, 5, holder.result)
    assert looker.result == [told, fcntl.F_UNLCK, [11, 22, 22]], looker.stderr


def test_programs_that_wait_in_a_circle_for_records_get_edeadlk(
    empty_net: Net, host: Any, tmp_path: Path
) -> None:
    path = tmp_path / "lock"
    path.write_text("")

    def takes(first: int, second: int) -> int:
        with open(path, "r+") as file:
            fcntl.lockf(file, fcntl.LOCK_EX, 1, first)
            time.sleep(1 + first)
            try:
                fcntl.lockf(file, fcntl.LOCK_EX, 1, second)
            except OSError as error:
                return error.errno or 0
        return 0

    services = [host.run(takes, 0, 1), host.run(takes, 1, 2), host.run(takes, 2, 0)]
    empty_net.run(check=False)
    assert [each.result for each in services] == [0, 0, 35], [each.stderr for each in services]
