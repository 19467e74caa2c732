"""pause, sigwait and blocked signals in virtual time, as CPython has them on the kernel."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

from netarium import Net
from netarium.errors import NetariumError

_SCRIPT = """
import os, signal, threading, time
from signal import SIGALRM, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, pthread_sigmask, sigpending
def me(number): os.kill(os.getpid(), number)
def names(found): return sorted(each.name for each in found)
seen = []
signal.signal(SIGUSR1, lambda number, frame: seen.append(number))
print(names(pthread_sigmask(signal.SIG_BLOCK, {SIGUSR1, SIGTERM, signal.SIGKILL})), names(sigpending()))
me(SIGUSR1); me(SIGUSR1); me(SIGTERM)
print(seen, names(sigpending()), names(pthread_sigmask(signal.SIG_BLOCK, ())))
print(signal.sigwait([SIGTERM, SIGUSR2]), names(sigpending()))
print(names(pthread_sigmask(signal.SIG_UNBLOCK, {SIGUSR1})), seen, names(sigpending()))
pthread_sigmask(signal.SIG_SETMASK, {SIGUSR2})
me(SIGUSR2)
info = signal.sigwaitinfo({SIGUSR2})
print(info.si_signo, info.si_code, info.si_pid == os.getpid(), info.si_uid == os.getuid())
print(signal.sigtimedwait({SIGUSR2}, 0), signal.sigtimedwait({SIGUSR2}, 0.05))
thread = threading.Thread(target=lambda: (time.sleep(0.1), me(SIGUSR2)))
thread.start()
print(repr(signal.sigwait({SIGUSR2})))
thread.join()
signal.setitimer(signal.ITIMER_REAL, 0.1)
signal.signal(SIGALRM, lambda number, frame: seen.append("alarm"))
print(signal.pause(), seen)
for wrong in ((lambda: signal.sigwait([0])), (lambda: pthread_sigmask(77, ())), (lambda: signal.sigtimedwait([], -1))):
    try:
        wrong()
    except (OSError, ValueError) as error:
        print(type(error).__name__, error)
me(SIGUSR2)
pthread_sigmask(signal.SIG_UNBLOCK, {SIGUSR2})
print("not reached")
"""


def test_masks_and_waits_as_on_the_kernel(empty_net: Net, host: Any) -> None:
    service = host.run(["python", "-c", _SCRIPT])
    empty_net.run(check=False)
    # Killed by a signal, the kernel's program has not flushed what was printed to its pipe: hence the -u.
    real = subprocess.run(
        [sys.executable, "-uc", _SCRIPT], capture_output=True, text=True, check=False, timeout=60
    )
    assert service.stderr == real.stderr == ""
    assert (service.stdout, service.exit_code) == (real.stdout, real.returncode)
    assert real.returncode == -signal.SIGUSR2


@pytest.mark.parametrize("call", ["pause()", "sigwait([signal.SIGUSR1])", "sigwaitinfo([signal.SIGUSR1])"])
def test_waiting_for_a_signal_that_never_comes_is_a_deadlock_that_is_told(
    empty_net: Net, host: Any, call: str
) -> None:
    host.run(["python", "-c", f"import signal\nsignal.{call}\n"])
    with pytest.raises(NetariumError, match=call.partition("(")[0] + r"\(\), <string> line 2"):
        empty_net.run()


def test_a_server_may_pause_in_its_main_thread(empty_net: Net, lan: tuple[Net, Any, Any]) -> None:
    import socket

    net, server, client = lan

    def serve() -> None:
        listener = socket.create_server(("", 8080))

        def accept() -> None:
            while True:
                listener.accept()[0].sendall(b"hello")

        threading.Thread(target=accept, daemon=True).start()
        signal.pause()

    server.run(serve)
    talk = client.run(lambda: socket.create_connection(("10.0.0.1", 8080)).recv(9))
    net.run()
    assert talk.result == b"hello", talk.stderr


def test_signals_of_another_program_reach_sigwait(empty_net: Net, host: Any) -> None:
    def waits() -> Any:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        found = signal.sigtimedwait({signal.SIGTERM}, 100)
        assert found is not None
        return found.si_signo, found.si_pid, time.monotonic()

    first = host.run(waits)
    second = host.run(lambda: time.sleep(3) or os.kill(first.process.pid, signal.SIGTERM) or os.getpid())
    empty_net.run(check=False)
    number, sender, when = first.result
    assert (number, sender) == (15, second.result) and 3 <= when < 4
