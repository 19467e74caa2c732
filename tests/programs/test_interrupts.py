"""A program's own KeyboardInterrupt ends that program alone; a real Ctrl-C ends the run."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from netarium import Net
from netarium.programs.shims import dispatch

_SCRIPTS = {
    "plain": "raise KeyboardInterrupt\n",
    "asyncio": (
        "import asyncio, os, signal\n"
        "async def main():\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    await asyncio.sleep(5)\n"
        "asyncio.run(main())\n"
    ),
    "raised": "import signal\nsignal.raise_signal(signal.SIGINT)\n",
    "at exit": "import atexit\natexit.register(print, 'bye')\nraise KeyboardInterrupt('so')\n",
}


@pytest.mark.parametrize("script", _SCRIPTS.values(), ids=_SCRIPTS.keys())
def test_an_uncaught_interrupt_ends_the_program_alone_as_on_the_kernel(
    empty_net: Net, host: Any, script: str
) -> None:
    real = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    service = host.run(["python", "-c", script])
    other = host.run(lambda: __import__("time").sleep(3) or "went on")
    empty_net.run(check=False)
    assert service.exit_code == real.returncode == -signal.SIGINT
    assert service.stderr.splitlines()[-1] == real.stderr.splitlines()[-1]
    assert service.stderr.startswith("Traceback") and service.stdout == real.stdout
    assert other.result == "went on"


def test_an_interrupt_in_a_thread_is_told_and_the_program_goes_on(empty_net: Net, host: Any) -> None:
    def program() -> str:
        import _thread
        import time

        def work() -> None:
            raise KeyboardInterrupt

        _thread.start_new_thread(work, ())
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        time.sleep(1)
        return "went on"

    service = host.run(program)
    empty_net.run(check=False)
    assert service.result == "went on" and service.stderr.count("KeyboardInterrupt") >= 2


@pytest.fixture
def _interrupts() -> Iterator[None]:
    """SIGINT raises KeyboardInterrupt: a shell that starts the tests in the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interrupts")
def test_a_real_interrupt_ends_the_run(empty_net: Net, host: Any) -> None:
    handler = signal.getsignal(signal.SIGINT)
    real_interrupt = dispatch.original("_thread", "interrupt_main")

    def program() -> None:
        real_interrupt()
        while True:
            sum(range(50))

    host.run(program)
    with pytest.raises(KeyboardInterrupt):
        empty_net.run(check=False)
    assert signal.getsignal(signal.SIGINT) == handler


@pytest.mark.usefixtures("_interrupts")
def test_what_a_program_makes_of_a_real_interrupt_ends_the_run_too(empty_net: Net, host: Any) -> None:
    real_interrupt = dispatch.original("_thread", "interrupt_main")

    def program() -> None:
        try:
            real_interrupt()
            while True:
                sum(range(50))
        except KeyboardInterrupt:
            raise KeyboardInterrupt("again") from None

    host.run(program)
    with pytest.raises(KeyboardInterrupt, match="again"):
        empty_net.run(check=False)
