"""signal.set_wakeup_fd and its errors, getsignal and pthread_kill, and clocks of processor time."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from datetime import datetime
from typing import Any

import pytest

from netarium import Net


def _handled(number: int, frame: Any) -> None:
    pass


@pytest.mark.parametrize("kind", ["pipe", "unix", "udp", "tcp"])
def test_the_number_of_a_signal_is_written_to_any_descriptor(host: Any, kind: str) -> None:
    def program() -> bytes:
        signal.signal(signal.SIGUSR1, _handled)
        if kind == "pipe":
            reads, writes = os.pipe()
            os.set_blocking(writes, False)
            signal.set_wakeup_fd(writes)
            signal.raise_signal(signal.SIGUSR1)
            return os.read(reads, 10)
        if kind == "unix":
            left, right = socket.socketpair()
        else:
            right = socket.socket(type=socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
            right.bind(("127.0.0.1", 0))
            left = socket.socket(type=right.type)
            if kind == "tcp":
                right.listen()
            left.connect(right.getsockname())
            right = right.accept()[0] if kind == "tcp" else right
        left.setblocking(False)
        signal.set_wakeup_fd(left.fileno())
        signal.raise_signal(signal.SIGUSR1)
        return right.recv(10)

    assert host.call(program) == bytes((signal.SIGUSR1,))


def test_a_full_wakeup_buffer_is_told_unless_it_is_not_wanted(empty_net: Net, host: Any) -> None:
    def program(warn: bool) -> None:
        signal.signal(signal.SIGUSR1, _handled)
        left, right = socket.socketpair()
        left.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                left.send(bytes(10_000))
        signal.set_wakeup_fd(left.fileno(), warn_on_full_buffer=warn)
        signal.raise_signal(signal.SIGUSR1)
        right.close()
        left.close()

    loud, quiet = host.run(program, True), host.run(program, False)
    empty_net.run(check=False)
    assert "Exception ignored when trying to write to the signal wakeup fd" in loud.stderr
    assert "BlockingIOError" in loud.stderr
    assert (loud.exit_code, quiet.exit_code, quiet.stderr) == (0, 0, "")


def test_a_wakeup_descriptor_must_be_open_and_must_not_block(host: Any) -> None:
    def program() -> None:
        with socket.socket() as sock:
            with pytest.raises(ValueError, match=f"the fd {sock.fileno()} must be in non-blocking mode"):
                signal.set_wakeup_fd(sock.fileno())
            number = sock.fileno()
        with pytest.raises(OSError):
            signal.set_wakeup_fd(number)
        assert signal.set_wakeup_fd(-1) == -1

    host.call(program)


def test_numbers_that_no_signal_has(host: Any) -> None:
    def program() -> None:
        for call in (signal.getsignal, lambda number: signal.siginterrupt(number, True)):
            for number in (0, 4242):
                with pytest.raises(ValueError):
                    call(number)
        signal.pthread_kill(threading.get_ident(), 0)
        with pytest.raises(ProcessLookupError):
            signal.pthread_kill(12345, 0)

    host.call(program)


def test_two_threads_that_send_and_change_handlers_end(host: Any) -> None:
    def program() -> int:
        received = []
        signal.signal(signal.SIGUSR1, lambda number, frame: received.append(number))
        done = False

        def send() -> None:
            while not done:
                signal.raise_signal(signal.SIGUSR1)

        thread = threading.Thread(target=send)
        thread.start()
        for _ in range(1000):
            signal.signal(signal.SIGUSR1, signal.getsignal(signal.SIGUSR1))
        done = True
        thread.join()
        return len(received)

    assert host.call(program) > 0


def test_waiting_takes_no_processor_time(host: Any) -> None:
    def program() -> list[float]:
        clocks = (
            time.process_time,
            time.thread_time,
            lambda: time.clock_gettime(time.CLOCK_PROCESS_CPUTIME_ID),
        )
        before = [clock() for clock in clocks]
        time.sleep(10)
        return [clock() - first for clock, first in zip(clocks, before, strict=True)]

    assert all(0 < each < 0.001 for each in host.call(program))


def test_a_loop_over_processor_time_ends(host: Any) -> None:
    def program() -> float:
        end = time.process_time() + 0.01
        while time.process_time() < end:
            pass
        return time.monotonic()

    assert host.call(program) > 0.005


def test_a_subclass_of_datetime_makes_its_own_moments(host: Any) -> None:
    def program() -> list[Any]:
        class Moment(datetime):
            def __new__(cls, *arguments: Any, **keywords: Any) -> Any:
                made = super().__new__(cls, *arguments, **keywords)
                made.extra = 7
                return made

        return [Moment.now().extra, Moment.utcnow().extra, Moment.fromtimestamp(5).extra]  # type: ignore[attr-defined]

    assert host.call(program) == [7, 7, 7]
