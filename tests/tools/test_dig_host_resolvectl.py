"""dig, host and resolvectl: their output is the originals', column by column."""

from __future__ import annotations

import re

import pytest
from tests.acceptance.naming import DnsSeen, authority, look_up, zone

from netarium import Net

ROOT = zone(
    ".", "a.root.", "10.0.0.1", "example. 172800 IN NS ns.example.", "ns.example. 172800 IN A 10.0.0.2",
    "8.0.0.10.in-addr.arpa. 600 IN PTR www.example.",
)  # fmt: skip
EXAMPLE = zone(
    "example.", "ns.example.", "10.0.0.2",
    "www.example. 600 IN A 10.0.0.8", "alias.example. 600 IN CNAME www.example.",
    "example. 600 IN MX 10 mail.example.", "mail.example. 600 IN A 10.0.0.9",
    'text.example. 600 IN TXT "some words"', "six.example. 600 IN AAAA 2001:db8::6",
)  # fmt: skip


@pytest.fixture(scope="module")
def pc():
    net = Net(seed=1, names=False)
    wire = net.switch("wire")
    net.host("root", address="10.0.0.1/24", link=wire, services=authority(ROOT))
    net.host("ns", address="10.0.0.2/24", link=wire, services=authority(EXAMPLE))
    net.host(
        "local", address="10.0.0.3/24", link=wire, delay="2ms",
        services=[{"dns": {"recursive": True, "roots": "10.0.0.1"}}],
    )  # fmt: skip
    return net.host("pc", address="10.0.0.9/24", link=wire, dns="10.0.0.3", search="example")


def output(host, line: str, code: int = 0) -> str:
    service = host.run(line, stdin="")
    assert service.wait() == code, service.stdout + service.stderr
    return service.stdout


def test_dig_prints_what_bind_s_dig_prints(pc):
    text = re.sub(r"id: \d+", "id: 4711", output(pc, "dig www.example"))
    assert re.sub(r"Query time: \d+", "Query time: 8", text) == (
        "\n; <<>> DiG netarium <<>> www.example\n;; global options: +cmd\n;; Got answer:\n"
        ";; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 4711\n"
        ";; flags: qr rd ra; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 1\n\n"
        ";; OPT PSEUDOSECTION:\n; EDNS: version: 0, flags:; udp: 1232\n"
        ";; QUESTION SECTION:\n;www.example.\t\t\tIN\tA\n\n"
        ";; ANSWER SECTION:\nwww.example.\t\t600\tIN\tA\t10.0.0.8\n\n"
        ";; Query time: 8 msec\n;; SERVER: 10.0.0.3#53(10.0.0.3) (UDP)\n"
        ";; WHEN: Thu Jan 01 00:00:00 UTC 2026\n;; MSG SIZE  rcvd: 56\n\n"
    )


def test_dig_measures_the_time_of_the_query(pc):
    output(pc, "dig mail.example")
    again = output(pc, "dig mail.example +noall +stats")
    # 2 ms to the resolver's cable and back.
    assert ";; Query time: 4 msec" in again


def test_dig_asks_an_authoritative_server_and_warns_of_no_recursion(pc):
    text = output(pc, "dig @10.0.0.2 www.example")
    assert ";; flags: qr aa rd; QUERY: 1" in text
    assert ";; WARNING: recursion requested but not available" in text
    assert "recursion requested" not in output(pc, "dig @10.0.0.2 www.example +norecurse")


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("dig +short www.example", "10.0.0.8\n"),
        ("dig +short alias.example", "www.example.\n10.0.0.8\n"),
        ("dig +short nothing.example", ""),
        ("dig +short example MX", "10 mail.example.\n"),
        ("dig +short -t TXT text.example", '"some words"\n'),
        ("dig +short six.example AAAA", "2001:db8::6\n"),
        ("dig +short example IN NS", "ns.example.\n"),
        ("dig +short -x 10.0.0.8", "www.example.\n"),
        ("dig +short +tcp www.example", "10.0.0.8\n"),
        ("dig +short +vc +noedns www.example", "10.0.0.8\n"),
        ("dig +short", "a.root.\n"),
        ("dig +noall +answer alias.example",
         "alias.example.\t\t600\tIN\tCNAME\twww.example.\nwww.example.\t\t600\tIN\tA\t10.0.0.8\n"),
        ("dig +noall +question www.example", ";www.example.\t\t\tIN\tA\n\n"),
        ("dig +noall +authority @10.0.0.1 www.example",
         "example.\t\t172800\tIN\tNS\tns.example.\n"),
        ("dig +noall +additional @10.0.0.1 www.example", "ns.example.\t\t172800\tIN\tA\t10.0.0.2\n"),
    ],
)  # fmt: skip
def test_dig_s_options(line, shown):
    net = Net(seed=1, names=False)
    wire = net.switch("wire")
    net.host("root", address="10.0.0.1/24", link=wire, services=authority(ROOT))
    net.host("ns", address="10.0.0.2/24", link=wire, services=authority(EXAMPLE))
    local = [{"dns": {"recursive": True, "roots": "10.0.0.1"}}]
    net.host("local", address="10.0.0.3/24", link=wire, services=local)
    assert output(net.host("pc", address="10.0.0.9/24", link=wire, dns="10.0.0.3"), line) == shown


def test_dig_traces_from_the_root(pc):
    lines = output(pc, "dig +trace www.example").splitlines()
    assert [
        line for line in lines if line and not line.startswith(("; <<>>", ";; global", ";; Received"))
    ] == [
        ".\t\t\t86400\tIN\tNS\ta.root.",
        "example.\t\t172800\tIN\tNS\tns.example.",
        "www.example.\t\t600\tIN\tA\t10.0.0.8",
    ]
    received = [line.split(" from ")[1].split(" in ")[0] for line in lines if line.startswith(";; Received")]
    assert received == ["10.0.0.3#53(10.0.0.3)", "10.0.0.1#53(a.root)", "10.0.0.2#53(ns.example)"]


def test_dig_says_when_nobody_answers(pc):
    text = output(pc, "dig @10.0.0.77 +time=1 +tries=2 www.example", 9)
    silent = ";; communications error to 10.0.0.77#53: timed out\n"
    assert text.startswith(2 * silent + "\n; <<>> DiG netarium <<>> @10.0.0.77")
    assert text.endswith(";; global options: +cmd\n;; no servers could be reached\n")
    text = output(pc, "dig -p 5353 @10.0.0.2 www.example", 9)
    assert text.startswith(3 * ";; communications error to 10.0.0.2#5353: connection refused\n")
    assert pc.run("dig @nobody.example x", stdin="").wait() == 1
    assert pc.run("dig +trace @10.0.0.77 +time=1 +tries=1 x", stdin="").wait() == 9


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("dig -p", "-p needs a value"),
        ("dig -p 70000 x", "invalid port: 70000"),
        ("dig -t NONSENSE x", "invalid type: NONSENSE"),
        ("dig -x 1.2.3", "invalid address: 1.2.3"),
        ("dig -z", "invalid option: -z"),
        ("dig +nonsense x", "Invalid option: +nonsense"),
        ("dig +time=soon x", "Invalid option: +time=soon"),
        ("dig a.b c.d", "unexpected argument: c.d"),
        ("dig a..b", "not a legal name"),
    ],
)
def test_dig_with_wrong_arguments_tells_its_usage(pc, line, what):
    service = pc.run(line, stdin="")
    assert service.wait() == 2
    assert what in service.stderr and "Usage: dig" in service.stderr


def test_dig_tells_its_usage_when_asked(pc):
    assert output(pc, "dig -h").startswith("Usage: dig")


@pytest.mark.parametrize(
    ("line", "code", "shown"),
    [
        ("host www.example", 0, "www.example has address 10.0.0.8\n"),
        ("host www", 0, "www.example has address 10.0.0.8\n"),
        (
            "host alias.example",
            0,
            "alias.example is an alias for www.example.\nwww.example has address 10.0.0.8\n",
        ),
        ("host example", 0, "example mail is handled by 10 mail.example.\n"),
        ("host six.example", 0, "six.example has IPv6 address 2001:db8::6\n"),
        ("host -t NS example", 0, "example name server ns.example.\n"),
        ("host -t TXT text.example", 0, 'text.example descriptive text "some words"\n'),
        ("host -t MX www.example", 0, "www.example has no MX record\n"),
        ("host 10.0.0.8", 0, "8.0.0.10.in-addr.arpa domain name pointer www.example.\n"),
        ("host nothing.example", 1, "Host nothing.example not found: 3(NXDOMAIN)\n"),
        ("host 10.0.0.250", 1, "Host 250.0.0.10.in-addr.arpa not found: 3(NXDOMAIN)\n"),
        (
            "host www.example 10.0.0.2",
            0,
            "Using domain server:\nName: 10.0.0.2\nAddress: 10.0.0.2#53\nAliases: \n\n"
            "www.example has address 10.0.0.8\n",
        ),
        (
            "host www.other. 10.0.0.2",
            1,
            "Using domain server:\nName: 10.0.0.2\nAddress: 10.0.0.2#53\nAliases: \n\n"
            "Host www.other not found: 5(REFUSED)\n",
        ),
    ],
)
def test_host_prints_what_bind_s_host_prints(pc, line, code, shown):
    assert output(pc, line, code) == shown


def test_host_with_wrong_arguments_and_silent_servers(pc):
    for line in ("host -t NONSENSE x", "host", "host a..b"):
        assert pc.run(line, stdin="").wait() == 2, line
    assert pc.run("host x nobody.example", stdin="").wait() == 1
    assert "no servers could be reached" in output(pc, "host x 10.0.0.77", 1)


def test_resolvectl_shows_what_the_host_knows():
    net = Net(seed=1, names=False)
    wire = net.switch("wire")
    net.host("ns", address="10.0.0.2/24", link=wire, services=authority(EXAMPLE))
    pc = net.host("pc", address="10.0.0.9/24", link=wire, dns="10.0.0.2", search="example")
    assert output(pc, "resolvectl") == "Global\n       DNS Servers: 10.0.0.2\n        DNS Domain: example\n"
    assert output(pc, "resolvectl query www") == "www: 10.0.0.8\n"
    pc.call(look_up, "six.example")
    pc.call(look_up, "nothing.example.")
    assert output(pc, "resolvectl show-cache").splitlines() == [
        "Scope protocol=dns",
        "www.example IN A 10.0.0.8 ttl=600",
        "six.example IN A -- NODATA ttl=300",
        "six.example.example IN A -- NXDOMAIN ttl=300",
        "nothing.example IN A -- NXDOMAIN ttl=300",
    ]
    statistics = output(pc, "resolvectl statistics")
    assert "Current Cache Size: 4" in statistics and "Queries sent: 4" in statistics
    assert output(pc, "resolvectl flush-caches") == ""
    assert output(pc, "resolvectl show-cache") == "Scope protocol=dns\n"
    failed = pc.run("resolvectl query nothing.example.", stdin="")
    assert failed.wait() == 1
    assert failed.stderr == "nothing.example.: resolve call failed: Name or service not known\n"
    assert pc.run("resolvectl query", stdin="").wait() == 2
    bare = Net().host("bare", address="10.0.0.1/24")
    assert "(none)" in output(bare, "resolvectl status")


def test_hosts_refuses_what_cannot_be():
    host = Net(seed=1).host("host", address="10.0.0.1/24")
    bad = host.run("hosts add nonsense name", stdin="", root=True)
    assert bad.wait() == 2 and "no IP address" in bad.stderr
    gone = host.run("hosts remove name", stdin="", root=True)
    assert gone.wait() == 1 and "no line with name" in gone.stderr


def test_the_stub_resolver_comes_by_tcp_for_what_is_too_long_for_udp():
    many = [f"many.example. 60 IN A 192.0.2.{number}" for number in range(1, 101)]
    net = Net(seed=1, names=False)
    wire = net.switch("wire")
    net.host("ns", address="10.0.0.2/24", link=wire, services=authority(zone("example.", "ns.", "", *many)))
    pc = net.host("pc", address="10.0.0.9/24", link=wire, dns="10.0.0.2")
    seen = DnsSeen(net)
    assert len(pc.call(look_up, "many.example")) == 100
    assert len(seen.messages) == 2, "one query by UDP, and its truncated answer"


def test_host_says_what_failed_and_nothing_of_a_server_that_did_not_answer(pc):
    refused = ";; communications error to 127.0.0.1#53: connection refused\n"
    assert output(pc, "host www.example 127.0.0.1", 1) == 2 * refused + ";; no servers could be reached\n"


def test_dig_asks_for_any_by_tcp(pc):
    assert "(TCP)" in output(pc, "dig @10.0.0.2 www.example ANY", 0)
