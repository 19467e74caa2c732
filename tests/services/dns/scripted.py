"""Name servers that say what a test tells them to, and a resolver above; queries are counted where they arrive."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from netarium import Net

Answer = Callable[[dns.message.Message, dns.message.Message], "dns.message.Message | bytes | None"]
"""(query, prepared response) -> what is sent; None for silence."""
SOA = "ns. nobody.invalid. 1 1800 900 604800 60"


class Script:
    """The queries a scripted server has got, as `www.a.test. A` or `www.a.test. A tcp`."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.queries: list[dns.message.Message] = []


def serve(answer: Answer, script: Script) -> Callable[[], None]:
    """A name server's program for `host.run`."""

    def reply(data: bytes, suffix: str) -> bytes | None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        script.asked.append(f"{question.name} {dns.rdatatype.to_text(question.rdtype)}{suffix}")
        script.queries.append(query)
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        said = answer(query, response)
        return (
            said.to_wire(max_size=65535, want_shuffle=False)
            if isinstance(said, dns.message.Message)
            else said
        )

    def by_tcp() -> None:
        listener = socket.create_server(("", 53))
        while True:
            connection, _ = listener.accept()
            with connection:
                count = int.from_bytes(connection.recv(2), "big")
                said = reply(connection.recv(count), " tcp")
                if said is not None:
                    connection.sendall(len(said).to_bytes(2, "big") + said)

    def main() -> None:
        threading.Thread(target=by_tcp, daemon=True).start()
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("", 53))
        while True:
            data, client = sock.recvfrom(4096)
            said = reply(data, "")
            if said is not None:
                sock.sendto(said, client)

    return main


def records(response: dns.message.Message, section: str, *lines: str) -> dns.message.Message:
    """The response with records (`name ttl type data`) in a section."""
    for line in lines:
        name, ttl, kind, data = line.split(maxsplit=3)
        getattr(response, section).append(dns.rrset.from_text(name, int(ttl), "IN", kind, data))
    return response


def referral(response: dns.message.Message, cut: str, servers: dict[str, str]) -> dns.message.Message:
    """A delegation of `cut` to servers with glue; "" is no glue."""
    response.flags &= ~dns.flags.AA
    response.authority.append(dns.rrset.from_text(cut, 3600, "IN", "NS", *servers))
    return records(
        response, "additional", *(f"{name} 3600 A {glue}" for name, glue in servers.items() if glue)
    )


def denial(response: dns.message.Message, rcode: str, zone: str = "test.") -> dns.message.Message:
    """NXDOMAIN or NODATA with a SOA of 60 s."""
    response.set_rcode(dns.rcode.from_text(rcode))
    return records(response, "authority", f"{zone} 3600 SOA {SOA}")


def hierarchy(servers: Sequence[Answer], root: Answer | None = None):
    """(net, client, scripts): root at 10.0.0.1 delegates `test.` to servers at 10.0.1.1 and on; resolver 10.0.0.9."""
    net = Net(seed=5, names=False)
    wire = net.switch("wire")
    names = {f"ns{number}.test.": f"10.0.0.{20 + number}" for number in range(1, len(servers) + 1)}
    scripts = [Script()]
    chosen = root or (lambda query, response: referral(response, "test.", names))
    net.host("root", address="10.0.0.1/24", link=wire).run(
        serve(chosen, scripts[0]), root=True, daemon=True, stdin=""
    )
    for number, answer in enumerate(servers, 1):
        scripts.append(Script())
        host = net.host(f"ns{number}", address=f"10.0.0.{20 + number}/24", link=wire)
        host.run(serve(answer, scripts[-1]), root=True, daemon=True, stdin="")
    net.host(
        "resolver", address="10.0.0.9/24", link=wire,
        services=[{"dns": {"recursive": True, "roots": ["10.0.0.1"]}}],
    )  # fmt: skip
    client = net.host("client", address="10.0.0.10/24", link=wire)
    return net, client, scripts


def ask(
    name: str, kind: str = "A", server: str = "10.0.0.9", tcp: bool = False, edns: int = 0
) -> dns.message.Message:
    """One recursive question, by a program."""
    query = dns.message.make_query(name, kind, id=4711)
    if edns:
        query.use_edns(0, payload=edns)
    if tcp:
        with socket.create_connection((server, 53), timeout=30) as sock:
            wire = query.to_wire()
            sock.sendall(len(wire).to_bytes(2, "big") + wire)
            with sock.makefile("rb") as stream:
                return dns.message.from_wire(stream.read(int.from_bytes(stream.read(2), "big")))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(60)
        sock.sendto(query.to_wire(), (server, 53))
        return dns.message.from_wire(sock.recv(65_535))


def told(message: dns.message.Message) -> list[str]:
    """`www.test. 60 A 10.0.0.80` of each record of the answer."""
    return [
        f"{rrset.name} {rrset.ttl} {dns.rdatatype.to_text(rrset.rdtype)} {each}"
        for rrset in message.answer
        for each in rrset
    ]
