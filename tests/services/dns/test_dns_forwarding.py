"""A forwarder: what it asks the servers above, and what it keeps."""

from __future__ import annotations

import time

import dns.rcode
from tests.services.dns.scripted import Script, ask, denial, records, serve, told

from netarium import Net


def forwarder(*answers):
    """(net, client, scripts): a forwarder at 10.0.0.9 for scripted servers at 10.0.0.21 and on."""
    net = Net(seed=5, names=False)
    wire = net.switch("wire")
    scripts = []
    for number, answer in enumerate(answers, 1):
        scripts.append(Script())
        above = net.host(f"above{number}", address=f"10.0.0.{20 + number}/24", link=wire)
        above.run(serve(answer, scripts[-1]), root=True, daemon=True, stdin="")
    net.host(
        "forwarder", address="10.0.0.9/24", link=wire,
        services=[{"dns": {"forwarders": [f"10.0.0.{20 + number}" for number in range(1, len(answers) + 1)]}}],
    )  # fmt: skip
    return net, net.host("client", address="10.0.0.10/24", link=wire), scripts


def good(query, response):
    return records(response, "answer", f"{query.question[0].name} 60 A 10.0.0.80")


def silent(query, response):
    return None


def chain(query, response):
    return records(response, "answer", "www.test. 60 CNAME a.test.", "a.test. 30 A 10.0.0.80")


def counts(scripts) -> list[int]:
    return [len(each.asked) for each in scripts]


def later(seconds: float, name: str):
    time.sleep(seconds)
    return ask(name)


def test_answers_are_asked_recursively_and_kept_with_their_ttl():
    _, client, scripts = forwarder(good)
    assert told(client.call(ask, "www.test.")) == ["www.test. 60 A 10.0.0.80"]
    assert scripts[0].queries[0].flags & 0x0100, "recursion is desired"
    assert told(client.call(later, 20, "www.test.")) == ["www.test. 40 A 10.0.0.80"]
    assert counts(scripts) == [1]
    client.call(later, 41, "www.test.")
    assert counts(scripts) == [2]


def test_a_chain_is_kept_link_by_link():
    _, client, scripts = forwarder(chain)
    whole = ["www.test. 60 CNAME a.test.", "a.test. 30 A 10.0.0.80"]
    assert told(client.call(ask, "www.test.")) == whole
    assert told(client.call(ask, "www.test.")) == whole
    assert told(client.call(ask, "a.test.")) == whole[1:]
    assert counts(scripts) == [1]
    client.call(later, 31, "www.test.")
    assert counts(scripts) == [2]


def test_negative_answers_are_kept():
    _, client, scripts = forwarder(lambda query, response: denial(response, "NXDOMAIN"))
    for _ in range(2):
        answer = client.call(ask, "nothing.test.")
        assert answer.rcode() == dns.rcode.NXDOMAIN and answer.authority[0].ttl == 60
    assert counts(scripts) == [1]


def test_the_next_server_is_asked_when_one_is_silent_or_refuses():
    def refuse(query, response):
        response.set_rcode(dns.rcode.REFUSED)
        return response

    net, client, scripts = forwarder(silent, refuse, good)
    assert told(client.call(ask, "www.test.")) == ["www.test. 60 A 10.0.0.80"]
    assert counts(scripts) == [1, 1, 1]
    assert net.now_ns // 10**9 == 2


def test_all_silent_is_servfail_and_not_kept():
    _, client, scripts = forwarder(silent)
    for count in (2, 4):
        assert client.call(ask, "www.test.").rcode() == dns.rcode.SERVFAIL
        assert counts(scripts) == [count]


def test_without_rd_only_the_cache_answers():
    import socket

    import dns.message

    def plainly(name: str):
        query = dns.message.make_query(name, "A", id=1)
        query.flags = 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(query.to_wire(), ("10.0.0.9", 53))
            return dns.message.from_wire(sock.recv(4096))

    _, client, scripts = forwarder(good)
    assert client.call(plainly, "www.test.").rcode() == dns.rcode.REFUSED
    client.call(ask, "www.test.")
    assert told(client.call(plainly, "www.test.")) == ["www.test. 60 A 10.0.0.80"]
    assert counts(scripts) == [1]
