"""The report of an asyncio deadlock names the tasks, what they await and the line they stand at."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from netarium import DeadlockError, Net

SERVER = """\
import asyncio

async def handle(reader, writer):
    await reader.readline()

async def main():
    async with await asyncio.start_server(handle, "", 7000) as server:
        await asyncio.Event().wait()

asyncio.run(main())
"""
CLIENT = """\
import asyncio

async def ask(reader):
    return await reader.readexactly(4)

async def idle():
    await asyncio.get_running_loop().create_future()

async def main():
    reader, writer = await asyncio.open_connection("10.0.0.1", 7000)
    worker = asyncio.create_task(idle(), name="the idle one")
    await ask(reader)

asyncio.run(main())
"""


def test_the_lines_of_the_tasks_are_told(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(SERVER)
    (tmp_path / "client.py").write_text(CLIENT)
    net = Net(seed=1, directory=tmp_path)
    server = net.host("server", address="10.0.0.1/24")
    client = net.host("client", address="10.0.0.2/24", link=server)
    service = server.run("server.py")
    client.run("client.py", at="1s")
    with pytest.raises(DeadlockError) as told:
        net.run()
    text = str(told.value)
    assert "(main): StreamReader.readexactly() from 10.0.0.1:7000, client.py line 4" in text
    assert "(the idle one): await(), client.py line 7" in text
    assert "epoll" not in text
    main, handle, *_ = [str(wait) for wait in service.waits()]  # it rests, so the report leaves it out
    assert main.endswith("(main): Event.wait(), server.py line 8")
    assert "(handle): StreamReader.readline() from 10.0.0.2:" in handle and handle.endswith(
        "server.py line 4"
    )


def test_of_very_many_tasks_the_first_and_the_number_of_the_rest_are_told() -> None:
    async def wait(number: int) -> None:
        await asyncio.Event().wait()

    async def main() -> Any:
        await asyncio.gather(*(wait(number) for number in range(50)))

    net = Net(seed=1)
    net.host("host", address="10.0.0.1/24").run(main)
    with pytest.raises(DeadlockError) as told:
        net.run()
    assert str(told.value).count("(wait): Event.wait()") == 19
    assert "31 more tasks" in str(told.value)
