"""websockets (asyncio and threads), Twisted, trio and anyio, unmodified."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

SCRIPTS = Path(__file__).parent / "scripts"


async def websockets_asyncio_server() -> None:
    from websockets.asyncio.server import serve

    async def echo(connection: Any) -> None:
        async for message in connection:
            await connection.send(message[::-1])

    async with serve(echo, "", 8000) as server:
        await server.serve_forever()


def websockets_thread_server() -> None:
    from websockets.sync.server import serve

    def echo(connection: Any) -> None:
        for message in connection:
            connection.send(message[::-1])

    with serve(echo, "", 8000) as server:
        server.serve_forever()


async def websockets_asyncio_client() -> list[Any]:
    from websockets.asyncio.client import connect

    async with connect("ws://10.0.0.1:8000", open_timeout=60) as connection:
        await connection.send("stressed")
        await connection.send(b"\1\2" * 50_000)
        return [await connection.recv(), await connection.recv()]


def websockets_thread_client() -> list[Any]:
    from websockets.sync.client import connect

    with connect("ws://10.0.0.1:8000", open_timeout=60) as connection:
        connection.send("stressed")
        connection.send(b"\1\2" * 50_000)
        return [connection.recv(), connection.recv()]


@pytest.mark.parametrize("server", [websockets_asyncio_server, websockets_thread_server])
@pytest.mark.parametrize("client", [websockets_asyncio_client, websockets_thread_client])
def test_websockets(pair: Any, server: Any, client: Any) -> None:
    pair.serve(server)
    assert pair.ask(client) == ["desserts", b"\2\1" * 50_000]


def test_twisted_server_and_client(pair: Any) -> None:
    service = pair.serve(SCRIPTS / "twisted_server.py")
    pair.ask(SCRIPTS / "twisted_client.py")
    asked = pair.net.service("client")
    assert asked.stdout == "got HELLO\ngot WORLD\nlost ConnectionDone\n"
    assert service.at_rest


def test_trio_server_and_client(pair: Any) -> None:
    def server() -> None:
        import trio

        async def handle(stream: trio.SocketStream) -> None:
            async for data in stream:
                await trio.sleep(0.25)
                await stream.send_all(data.upper())

        trio.run(trio.serve_tcp, handle, 8000)

    def client() -> list[bytes]:
        import trio

        answers: list[bytes] = []

        async def one(text: bytes) -> None:
            stream = await trio.open_tcp_stream("10.0.0.1", 8000)
            async with stream:
                await stream.send_all(text)
                answers.append(bytes(await stream.receive_some(100)))

        async def main() -> None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(one, b"a")
                nursery.start_soon(one, b"b")

        trio.run(main)
        return sorted(answers)

    service = pair.serve(server)
    assert pair.ask(client) == [b"A", b"B"]
    assert service.at_rest


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_anyio_on_both_of_its_backends(pair: Any, backend: str) -> None:
    def server() -> None:
        import anyio

        async def handle(stream: Any) -> None:
            async with stream:
                async for data in stream:
                    await stream.send(data * 2)

        async def main() -> None:
            listener = await anyio.create_tcp_listener(local_host="0.0.0.0", local_port=8000)
            await listener.serve(handle)

        anyio.run(main, backend=backend)

    def client() -> list[Any]:
        import time

        import anyio

        async def main() -> list[Any]:
            with anyio.fail_after(60):
                async with await anyio.connect_tcp("10.0.0.1", 8000) as stream:
                    await stream.send(b"ab")
                    answer = await stream.receive()
            await anyio.to_thread.run_sync(time.sleep, 1)
            return [answer]

        return anyio.run(main, backend=backend)

    pair.serve(server)
    assert pair.ask(client) == [b"abab"]
