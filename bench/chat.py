"""The chat server under a burst: 2,000 clients, 500 of them in one room, 2,000 messages of 100 bytes.

The server has one core to itself, the clients the other. Every byte every client got is kept and checked after the
clock has stopped: each message once, each sender's in order. Beside it, in the same run, the plain way to write a
broadcast with asyncio: one `writer.write` for each delivery.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import selectors
import socket
import subprocess
import sys
import tempfile
import time

CLIENTS, CROWD, MESSAGES = 2000, 500, 2000
TEXT = "x" * 88  # with its label of 12 characters: 100 bytes
END = b"the end of it"
ENTERED, PATIENCE_SECONDS = b'"type":"entered"', 30.0


class Client:
    def __init__(self, address: tuple[str, int], name: str) -> None:
        self.socket = socket.create_connection(address)
        self.name, self.data, self.done = name, bytearray(), False

    def send(self, *messages: dict) -> None:
        self.socket.sendall(b"".join(frame(message) for message in messages))


def frame(message: dict) -> bytes:
    body = json.dumps(message).encode()
    return len(body).to_bytes(4, "big") + body


def frames(data: bytes) -> list[dict]:
    found, position = [], 0
    while position + 4 <= len(data):
        end = position + 4 + int.from_bytes(data[position : position + 4], "big")
        found.append(json.loads(data[position + 4 : end]))
        position = end
    return found


def cpu_seconds(pid: int) -> float:
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def connect(address: tuple[str, int], naive: bool) -> tuple[list[Client], selectors.BaseSelector]:
    """All clients, each told that it is in its room."""
    clients, selector = [], selectors.DefaultSelector()
    for index in range(CROWD if naive else CLIENTS):
        client = Client(address, f"c{index}")
        room = "crowd" if index < CROWD else f"room{index % 50}"
        hello = {"type": "hello", "protocol": "netarium-chat", "version": 1, "name": client.name}
        client.send(hello, {"type": "join", "room": room})
        client.socket.setblocking(False)
        selector.register(client.socket, selectors.EVENT_READ, client)
        clients.append(client)
        if index % 50 == 0:
            read(selector, 0)
    waiting = clients
    while waiting := [client for client in waiting if ENTERED not in client.data]:
        if not read(selector, PATIENCE_SECONDS):
            raise SystemExit(f"{len(waiting)} clients were not let in within {PATIENCE_SECONDS} s of silence")
    return clients, selector


def read(selector: selectors.BaseSelector, timeout: float) -> int:
    events = selector.select(timeout)
    for key, _ in events:
        client: Client = key.data
        piece = client.socket.recv(1 << 20)
        if not piece:
            raise SystemExit(f"{client.name} was disconnected: {client.data[-300:]!r}")
        client.data += piece
    return len(events)


def burst(clients: list[Client], selector: selectors.BaseSelector, senders: int) -> float:
    """2,000 messages of so many senders; the seconds until everybody in the crowd has them all."""
    crowd = clients[:CROWD]
    each = MESSAGES // senders
    loads = []
    for index in range(senders):
        parts = [
            {"type": "say", "id": n + 1, "room": "crowd", "text": f"{index:05d}-{n:05d} {TEXT}"}
            for n in range(each)
        ]
        loads.append(b"".join(frame(part) for part in parts))
    start = time.perf_counter()
    for client, load in zip(crowd, loads, strict=False):
        client.socket.setblocking(True)
        client.socket.sendall(load)
        client.socket.setblocking(False)
    left, last = list(crowd), False
    while left:
        read(selector, 1.0)
        if not last and crowd[0].data.count(b'"type":"message"') >= MESSAGES:
            last = True
            crowd[-1].send(
                {
                    "type": "say",
                    "id": each + 1 if senders == CROWD else 1,
                    "room": "crowd",
                    "text": END.decode(),
                }
            )
        if last:
            left = [client for client in left if client.data.find(END, len(client.data) - 400) < 0]
    return time.perf_counter() - start


def check(clients: list[Client], senders: int) -> None:
    """Nothing lost, nothing doubled, order per sender kept: for every client of the crowd."""
    for client in clients[:CROWD]:
        texts = [m["text"] for m in frames(bytes(client.data)) if m["type"] == "message"][:-1]
        assert len(texts) == MESSAGES == len(set(texts)), f"{client.name}: {len(texts)} of {MESSAGES}"
        for index in range(senders):
            own = [text for text in texts if text.startswith(f"{index:05d}")] if senders < 10 else None
            assert own is None or own == sorted(own)
        seen: dict[str, str] = {}
        for text in texts:
            assert seen.get(text[:5], "") < text, f"{client.name}: {text[:11]} came out of order"
            seen[text[:5]] = text


def start_server(naive: bool, folder: str) -> tuple[subprocess.Popen[str], tuple[str, int]]:
    if naive:
        command = [sys.executable, "-m", "bench.chat", "naive"]
    else:
        options = ["--port", "0", "--flood", "0", "--db", f"{folder}/chat.db", "--queue", str(64 << 20)]
        command = [sys.executable, "-m", "netarium.apps.chat", "serve", *options]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    line = server.stdout.readline()
    return server, ("127.0.0.1", int(line.split("127.0.0.1:")[1].split(";")[0]))


def measure(naive: bool, senders: int) -> tuple[float, float]:
    """(seconds, CPU seconds of the server) for one burst."""
    with tempfile.TemporaryDirectory() as folder:
        server, address = start_server(naive, folder)
        try:
            cores = sorted(os.sched_getaffinity(0))
            os.sched_setaffinity(server.pid, cores[:1])
            os.sched_setaffinity(0, cores[-1:])
            clients, selector = connect(address, naive)
            before = cpu_seconds(server.pid)
            seconds = burst(clients, selector, senders)
            used = cpu_seconds(server.pid) - before
            check(clients, senders)
            os.sched_setaffinity(0, cores)
            for client in clients:
                client.socket.close()
            selector.close()
            return seconds, used
        finally:
            server.kill()
            server.wait()
            server.stdout.close()


def naive_frame(message: dict) -> bytes:
    """As compact as the chat's own."""
    body = json.dumps(message, separators=(",", ":")).encode()
    return len(body).to_bytes(4, "big") + body


async def naive_server() -> None:
    """The broadcast everybody writes first; the same frames."""
    writers: list[asyncio.StreamWriter] = []
    count = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        writers.append(writer)
        try:
            while True:
                message = json.loads(
                    await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big"))
                )
                if message["type"] == "join":
                    writer.write(naive_frame({"type": "entered", "room": "crowd"}))
                elif message["type"] == "say":
                    count += 1
                    data = naive_frame(
                        {"type": "message", "n": count, "room": "crowd", "text": message["text"]}
                    )
                    for other in writers:
                        other.write(data)
                        await other.drain()
        except (EOFError, OSError):
            writers.remove(writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(f"listening on 127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def run() -> list[str]:
    """The rows to print."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 8192), hard), hard))
    deliveries = (MESSAGES + 1) * CROWD
    rows = [
        f"chat: {CLIENTS} clients, {CROWD} in one room, {MESSAGES} messages of 100 bytes: {deliveries} deliveries"
    ]
    for label, naive, senders in (
        ("500 senders", False, 500),
        ("one sender", False, 1),
        ("plain asyncio broadcast, 500 senders, 500 clients", True, 500),
    ):
        results = sorted(measure(naive, senders) for _ in range(1 if naive else 3))
        seconds, used = results[len(results) // 2]
        rate, per_core = deliveries / seconds / 1e6, deliveries / max(used, 0.01) / 1e6
        rows.append(
            f"  {label:50} {seconds:6.2f} s  {rate:6.3f} M/s  server CPU {used:5.2f} s ({per_core:.3f} M/s a core)"
        )
    return rows


if __name__ == "__main__":
    if sys.argv[1:] == ["naive"]:
        asyncio.run(naive_server())
    else:
        print("\n".join(run()))
