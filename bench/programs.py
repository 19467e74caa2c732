"""Many programs and many clients: 1,000 asyncio clients in one program, and 1,000 one-client programs on 1,000 hosts.

Both ask one server, an asyncio program: each client connects, sends a line, waits for the answer, ends.
"""

from __future__ import annotations

import resource
import time
from typing import Any

CLIENTS = 1_000
LANS = 20
ADDRESS = ("10.0.0.1", 8000)


async def serve() -> None:
    import asyncio

    async def handle(reader: Any, writer: Any) -> None:
        writer.write((await reader.readline()).upper())
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(handle, "", ADDRESS[1], backlog=CLIENTS) as server:
        await server.serve_forever()


async def one_client(number: int) -> bool:
    import asyncio

    reader, writer = await asyncio.open_connection(*ADDRESS)
    writer.write(b"client %d\n" % number)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer == b"CLIENT %d\n" % number


async def all_clients() -> int:
    import asyncio

    return sum(await asyncio.gather(*(one_client(number) for number in range(CLIENTS))))


def blocking_client(number: int) -> bool:
    import socket

    with socket.create_connection(ADDRESS) as connection:
        connection.sendall(b"client %d\n" % number)
        answer = b""
        while data := connection.recv(100):
            answer += data
    return answer == b"CLIENT %d\n" % number


def _memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _measured(net: Any, began: float, before_mb: float, right: int) -> dict[str, float]:
    seconds = time.perf_counter() - began
    assert right == CLIENTS, f"{right} of {CLIENTS} clients had their answer"
    return {
        "seconds": seconds,
        "clients/s": CLIENTS / seconds,
        "MB more": _memory_mb() - before_mb,
        "virtual s": net.now_ns / 1e9,
    }


def _server(net: Any) -> Any:
    switch = net.switch("switch")
    server = net.host("server", address="10.0.0.1/24", link=switch)
    server.run(serve)
    return switch


def clients_in_one_program() -> dict[str, float]:
    """1,000 asyncio clients of one program on one host, all at once, against one asyncio server."""
    from netarium import Net

    net = Net(seed=1)
    switch = _server(net)
    before_mb = _memory_mb()
    client = net.host("client", address="10.0.0.2/24", link=switch, delay="1ms")
    asked = client.run(all_clients, at="1s")
    began = time.perf_counter()
    net.run()
    return _measured(net, began, before_mb, asked.result)


def programs_on_hosts() -> dict[str, float]:
    """1,000 blocking programs of one client each, on 1,000 hosts in 20 LANs at one router, against one asyncio server.

    Not one LAN: a thousand hosts that ask for one address there make a million broadcasts, which would be measured.
    """
    from netarium import Net

    net = Net(seed=1)
    before_mb = _memory_mb()
    began = time.perf_counter()
    lans = {f"lan{number}": f"10.1.{number}.1/24" for number in range(LANS)}
    net.router("router", interfaces={"up": "10.0.0.254/24", **lans})
    server = net.host("server", address="10.0.0.1/24", gateway="10.0.0.254")
    net.link(server, "router:up")
    server.run(serve)
    asked = []
    for lan in range(LANS):
        switch = net.switch(f"s{lan}")
        net.link(switch, f"router:lan{lan}")
        for number in range(CLIENTS // LANS):
            host = net.host(
                f"c{lan}-{number}", address=f"10.1.{lan}.{10 + number}/24", gateway=f"10.1.{lan}.1",
                link=switch, delay="1ms",
            )  # fmt: skip
            asked.append(host.run(blocking_client, len(asked), at="1s"))
    net.run()
    return _measured(net, began, before_mb, sum(each.result for each in asked))
