"""The programs and nets that are measured. Each returns what it did; `python -m bench.scenarios NAME` prints it.

All use ordinary blocking programs on sockets, one link-hop being a frame received at the far end of a cable.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

Result = dict[str, float]


def _net() -> Any:
    from netarium import Net

    return Net(seed=1)


def _routed(delay: str = "1ms", rate: str = "1Gbps", **options: Any) -> tuple[Any, Any, Any]:
    """host - router - host, 1 Gbit/s and 1 ms a link unless said otherwise."""
    net = _net()
    net.router("router", interfaces={"a": "10.0.1.1/24", "b": "10.0.2.1/24"})
    client = net.host("client", address="10.0.1.2/24", gateway="10.0.1.1")
    server = net.host("server", address="10.0.2.2/24", gateway="10.0.2.1")
    net.link(client, "router:a", delay=delay, rate=rate, **options)
    net.link("router:b", server, delay=delay, rate=rate)
    return net, client, server


def _clocks() -> tuple[float, float]:
    """(wall clock, this process' time) in seconds; the second hardly knows what else the machine does."""
    return time.perf_counter(), time.process_time()


def _since(began: tuple[float, float]) -> tuple[float, float]:
    now = _clocks()
    return now[0] - began[0], now[1] - began[1]


def _frames(net: Any) -> int:
    return sum(port.frames_received for box in net.boxes.values() for port in box.node.ports.values())


def _bulk(total_bytes: int, **options: Any) -> Result:
    net, client, server = _routed(**options)

    def receive() -> int:
        import socket

        listener = socket.create_server(("", 5000))
        connection, _ = listener.accept()
        count = 0
        while data := connection.recv(1 << 18):
            count += len(data)
        connection.close()
        listener.close()
        return count

    def send() -> None:
        import socket

        chunk = bytes(1 << 18)
        connection = socket.create_connection(("10.0.2.2", 5000))
        left = total_bytes
        while left:
            piece = chunk if left >= len(chunk) else chunk[:left]
            connection.sendall(piece)
            left -= len(piece)
        connection.close()

    sink = server.run(receive)
    client.run(send)
    began = _clocks()
    net.run()
    seconds, cpu_seconds = _since(began)
    assert sink.result == total_bytes, f"{sink.result} of {total_bytes} bytes arrived"
    return {
        "seconds": seconds,
        "MB/s": total_bytes / seconds / 1e6,
        "hops/s": _frames(net) / seconds,
        "CPU s": cpu_seconds,
    }


def tcp_100mb() -> Result:
    """100,000,000 bytes over TCP, host - router - host."""
    return _bulk(100_000_000)


def tcp_10mb_loss() -> Result:
    """10,000,000 bytes over TCP, 1 % of the frames on the first link lost."""
    return _bulk(10_000_000, loss="1%")


def udp_round_trips() -> Result:
    """20,000 UDP round trips of 64 bytes between two blocking programs across a router."""
    net, client, server = _routed()
    count = 20_000

    def echo() -> None:
        import socket

        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("", 7))
        for _ in range(count):
            data, address = sock.recvfrom(2048)
            sock.sendto(data, address)

    def ping() -> int:
        import socket

        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.connect(("10.0.2.2", 7))
        data = bytes(64)
        done = 0
        for _ in range(count):
            sock.send(data)
            if len(sock.recv(2048)) == 64:
                done += 1
        return done

    server.run(echo, root=True)
    pinger = client.run(ping)
    began = _clocks()
    net.run()
    seconds, cpu_seconds = _since(began)
    assert pinger.result == count
    return {
        "seconds": seconds,
        "round trips/s": count / seconds,
        "hops/s": _frames(net) / seconds,
        "CPU s": cpu_seconds,
    }


def requests() -> Result:
    """200 clients times 20 requests of 1 kB, one connection each, one thread-free server a connection."""
    net, client, server = _routed()
    clients, each, size = 200, 20, 1000

    def serve() -> int:
        import select
        import socket

        listener = socket.create_server(("", 5000), backlog=clients)
        poller = select.epoll()
        poller.register(listener, select.EPOLLIN)
        open_connections: dict[int, tuple[Any, bytearray]] = {}
        answer = bytes(size)
        served = ended = 0
        while ended < clients:
            for number, _ in poller.poll():
                if number == listener.fileno():
                    connection, _ = listener.accept()
                    open_connections[connection.fileno()] = (connection, bytearray())
                    poller.register(connection, select.EPOLLIN)
                    continue
                connection, held = open_connections[number]
                data = connection.recv(65536)
                if not data:
                    poller.unregister(connection)
                    connection.close()
                    del open_connections[number]
                    ended += 1
                    continue
                held += data
                while len(held) >= size:
                    del held[:size]
                    connection.sendall(answer)
                    served += 1
        return served

    def ask() -> None:
        import socket

        question = bytes(size)
        with socket.create_connection(("10.0.2.2", 5000)) as connection:
            for _ in range(each):
                connection.sendall(question)
                left = size
                while left:
                    left -= len(connection.recv(left))

    listener = server.run(serve)
    for _ in range(clients):
        client.run(ask, name="ask")
    began = _clocks()
    net.run()
    seconds, cpu_seconds = _since(began)
    assert listener.result == clients * each
    return {
        "seconds": seconds,
        "requests/s": clients * each / seconds,
        "hops/s": _frames(net) / seconds,
        "CPU s": cpu_seconds,
    }


def internet() -> Result:
    """1,000 hosts behind 50 routers that run OSPF: built, converged, a packet from each; see `bench.internet`."""
    from bench.internet import internet as measured

    return measured()


def clients_in_one_program() -> Result:
    """1,000 asyncio clients in one program; see `bench.programs`."""
    from bench import programs

    return programs.clients_in_one_program()


def programs_on_hosts() -> Result:
    """1,000 programs of one client on 1,000 hosts; see `bench.programs`."""
    from bench import programs

    return programs.programs_on_hosts()


SCENARIOS: dict[str, Callable[[], Result]] = {
    "tcp_100mb": tcp_100mb,
    "tcp_10mb_loss": tcp_10mb_loss,
    "udp_round_trips": udp_round_trips,
    "requests": requests,
    "internet": internet,
    "clients_in_one_program": clients_in_one_program,
    "programs_on_hosts": programs_on_hosts,
}


def main() -> None:
    """Run the scenario named on the command line and print its figures as one JSON line."""
    result = SCENARIOS[sys.argv[1]]()
    result["peak MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(result))


if __name__ == "__main__":
    main()
