"""The test process keeps its real sockets, threads, clock and asyncio, during and after runs; coverage
and xdist work.
"""

from __future__ import annotations

import asyncio
import copy
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from netarium import Net

REAL_NOW = time.time()


@contextmanager
def background(work: Callable[[], Any]) -> Iterator[list[Any]]:
    """A real thread that does `work` again and again while the net runs; what it saw."""
    seen: list[Any] = []
    stop = threading.Event()

    def loop() -> None:
        while not stop.is_set():
            try:
                seen.append(work())
            except BaseException as error:
                seen.append(repr(error))
            time.sleep(0.0002)

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield seen
        reached = len(seen) + 3
        while len(seen) < reached and thread.is_alive():
            time.sleep(0.001)
    finally:
        stop.set()
        thread.join()


def busy(host: Any) -> None:
    """Two programs that take turns, and change whatever they can."""

    def program() -> None:
        import random

        sys.argv[:] = ["inside"]
        sys.path.insert(0, "/inside")
        os.environ["INSIDE"] = "1"
        threading.current_thread().name = "inside"
        for _ in range(400):
            time.sleep(random.random())
            sum(range(2000))

    other = host.run(program)
    host.call(program)
    other.wait()


def test_a_real_thread_sees_its_own_surroundings(host: Any) -> None:
    def look() -> Any:
        names = [thread.name for thread in threading.enumerate()]
        return (
            tuple(sys.argv), tuple(sys.path), os.environ.get("INSIDE"), "inside" in names,
            threading.main_thread().name, abs(time.time() - REAL_NOW) < 3600, os.getpid(), len(sys.argv),
            ["x", *sys.path][1:] == sys.path, sys.path + sys.argv == [*sys.path, *sys.argv],
        )  # fmt: skip

    outside = look()
    with background(look) as seen:
        busy(host)
    assert len(seen) >= 2 and set(seen) == {outside}
    assert look() == outside and type(sys.argv) is type(sys.path) is list


def test_a_real_thread_keeps_the_kernels_sockets(host: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()

        def exchange() -> bytes:
            with socket.create_connection(address, timeout=10) as client, listener.accept()[0] as server:
                server.sendall(b"real")
                return client.recv(10)

        with background(exchange) as seen:
            busy(host)
        assert set(seen) == {b"real"} and exchange() == b"real"


def test_a_real_thread_keeps_its_asyncio(host: Any) -> None:
    async def main() -> tuple[str, int]:
        queue: asyncio.Queue[int] = asyncio.Queue()
        asyncio.get_running_loop().call_later(0.0001, queue.put_nowait, 5)
        value = await asyncio.wait_for(queue.get(), 10)
        return type(asyncio.get_running_loop()).__name__, value + await asyncio.to_thread(lambda: 1)

    async def inside() -> None:
        await asyncio.gather(*(asyncio.sleep(number / 10) for number in range(300)))

    with background(lambda: asyncio.run(main())) as seen:
        busy(host)
        host.call(inside)
    assert set(seen) == {("_UnixSelectorEventLoop", 6)}


def test_a_net_can_be_driven_from_a_coroutine_of_the_test(host: Any) -> None:
    async def inside() -> float:
        began = time.monotonic()
        await asyncio.sleep(5)
        return time.monotonic() - began

    async def outside() -> tuple[float, bool]:
        loop = asyncio.get_running_loop()
        took = host.call(inside)
        await asyncio.sleep(0)
        return took, asyncio.get_running_loop() is loop

    took, same = asyncio.run(outside())
    assert took == pytest.approx(5) and same


def test_two_nets_take_turns(empty_net: Net, host: Any) -> None:
    def clock() -> float:
        time.sleep(100)
        return time.monotonic()

    with Net(seed=1) as other:
        neighbour = other.host("host", address="10.0.0.1/24")
        assert [host.call(clock), neighbour.call(clock), host.call(clock), neighbour.call(clock)] == [
            pytest.approx(expected, abs=1) for expected in (100, 100, 200, 200)
        ]


def test_locks_and_threads_made_outside_still_work_after_runs(host: Any) -> None:
    lock, event = threading.Lock(), threading.Event()
    host.call(time.sleep, 1)
    with lock:
        thread = threading.Thread(target=event.set)
        thread.start()
        assert event.wait(10)
        thread.join()
    with socket.socket() as sock:
        assert type(sock) is socket.socket and sock.fileno() < 1 << 30


def test_the_programs_argv_and_path_are_lists_in_every_way(empty_net: Net, host: Any, tmp_path: Path) -> None:
    (tmp_path / "lists.py").write_text(
        "import argparse, copy, json, pickle, sys\n"
        "assert isinstance(sys.argv, list) and sys.argv == ['lists.py', 'a', 'b'], sys.argv\n"
        "assert sys.argv[1:] == ['a', 'b'] and list(sys.argv)[2] == 'b' and len(sys.argv) == 3\n"
        "first, *rest = sys.argv\n"
        "assert rest == ['a', 'b'] and ['x'] + sys.argv == ['x', 'lists.py', 'a', 'b']\n"
        "assert pickle.loads(pickle.dumps(sys.argv)) == copy.copy(sys.argv) == sys.argv.copy()\n"
        "assert ' '.join(sys.argv) == 'lists.py a b' and 'a' in sys.argv\n"
        "assert sorted(sys.argv) == ['a', 'b', 'lists.py']\n"
        "parser = argparse.ArgumentParser(); parser.add_argument('one'); parser.add_argument('two')\n"
        "assert vars(parser.parse_args()) == {'one': 'a', 'two': 'b'}\n"
        "sys.path.append('/appended'); sys.path += ['/added']\n"
        "assert sys.path[-2:] == ['/appended', '/added']\n"
        "sys.argv = ['new']\n"
        "assert sys.argv == ['new']\n"
        "print('good')\n"
    )
    before = copy.copy(sys.path)
    host.net.directory = tmp_path
    service = host.run("lists.py a b")
    empty_net.run()
    assert service.stdout == "good\n", service.stderr
    assert sys.path == before


SUITE = """
import socket
import pytest
from shop import serve, fetch

@pytest.mark.parametrize("number", range(2))
def test_shop(net, number):
    switch = net.switch("switch")
    server = net.host("server", address="10.0.0.1/24", link=switch)
    client = net.host("client", address="10.0.0.2/24", link=switch)
    server.run(serve)
    assert client.call(fetch) == b"answer"
"""
SHOP = """
import socket, threading

def handle(connection):
    connection.sendall(b"answer")
    connection.close()

def serve():
    listener = socket.create_server(("", 8000))
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=handle, args=(connection,)).start()

def fetch():
    with socket.create_connection(("10.0.0.1", 8000)) as sock:
        answer = b""
        while data := sock.recv(100):
            answer += data
    return answer

def never():
    return 1
"""


def test_coverage_and_xdist_see_what_ran_inside(tmp_path: Path) -> None:
    """Coverage has to be told of greenlets: its own default follows OS threads. Lines after a wait may be missing."""
    (tmp_path / "test_shop.py").write_text(SUITE)
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = .\n")
    (tmp_path / ".coveragerc").write_text("[run]\nconcurrency = greenlet, thread\n")
    done = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", "1", "--cov=shop",
            "--cov-report=term-missing",
        ],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0 and "2 passed" in done.stdout, done.stdout + done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("shop.py"))
    assert int(line.split()[3].rstrip("%")) >= 80, done.stdout
