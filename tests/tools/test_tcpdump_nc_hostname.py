"""tcpdump, nc and hostname, run on hosts of a net."""

from __future__ import annotations

import pytest

from netarium import Net
from netarium.tools.tcpdump.expression import ExpressionError, compile_filter
from netarium.wire.arp import ArpPacket
from netarium.wire.ethernet import ETHERTYPE_ARP, ETHERTYPE_IPV4, Frame
from netarium.wire.ipv4 import Ipv4Header
from netarium.wire.tcp import SYN, TcpHeader
from netarium.wire.udp import UdpHeader


def pair(net: Net) -> Net:
    net.host("a", address="10.0.0.1/24")
    net.host("b", address="10.0.0.2/24")
    net.link("a", "b", delay="1ms")
    return net


def test_tcpdump_shows_arp_and_echo_as_the_original_does(net: Net) -> None:
    pair(net)
    dump = net["b"].run("tcpdump -t -c 4 icmp or arp", root=True)
    net["a"].run("ping -c 1 10.0.0.2", at="100ms")
    net.run()
    lines = dump.stdout.splitlines()
    assert lines[0] == "ARP, Request who-has 10.0.0.2 tell 10.0.0.1, length 46"
    assert lines[1].startswith("ARP, Reply 10.0.0.2 is-at 02:00:00:00:00:")
    assert lines[2].startswith("IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id ")
    assert lines[3].endswith(", seq 1, length 64") and "echo reply" in lines[3]
    assert "4 packets captured" in dump.stderr
    assert dump.exit_code == 0


def test_tcpdump_tells_numbers_relative_to_the_first(net: Net) -> None:
    pair(net)
    dump = net["b"].run("tcpdump -t -c 6 tcp port 4000", root=True)
    net["b"].run("nc -l 4000", at="50ms")
    net["a"].run("nc -N 10.0.0.2 4000", stdin=["hello"], at="100ms")
    net.run()
    lines = dump.stdout.splitlines()
    assert "Flags [S]," in lines[0] and "mss 1460,sackOK,TS val" in lines[0]
    assert "Flags [S.]," in lines[1] and "ack " in lines[1]
    assert "Flags [.], ack 1, win 512" in lines[2]
    assert "Flags [P.], seq 1:7, ack 1, win 512" in lines[3]


def test_tcpdump_needs_the_right_to_and_an_interface_that_is_there(net: Net) -> None:
    pair(net)
    wrong = net["a"].run("tcpdump -i eth9", root=True)
    bad = net["a"].run("tcpdump frobnicate 3", root=True)
    net.run()
    assert wrong.exit_code == 1 and "eth9: No such device" in wrong.stderr
    assert bad.exit_code == 2 and "'frobnicate' is not understood" in bad.stderr


def tcp(source: str, destination: str, port: int) -> Frame:
    from netarium.addresses import parse_ipv4

    network = Ipv4Header(parse_ipv4(source), parse_ipv4(destination), 6, 64)
    return Frame(1, 2, ETHERTYPE_IPV4, network, TcpHeader(999, port, 0, 0, SYN, 1), b"")


ARP_FRAME = Frame(0xFFFFFFFFFFFF, 2, ETHERTYPE_ARP, ArpPacket(1, 2, 0x0A000001, 0, 0x0A000002), None, b"")
UDP_FRAME = Frame(1, 2, ETHERTYPE_IPV4, Ipv4Header(0x0A000001, 0x0A000002, 17, 64), UdpHeader(53, 999), b"")


@pytest.mark.parametrize(
    ("expression", "passes"),
    [
        ("", [1, 1, 1, 1]),
        ("arp", [0, 0, 1, 0]),
        ("tcp", [1, 1, 0, 0]),
        ("tcp port 80", [1, 0, 0, 0]),
        ("port http or arp", [1, 0, 1, 0]),
        ("not tcp", [0, 0, 1, 1]),
        ("host 10.0.0.9", [0, 1, 0, 0]),
        ("src host 10.0.0.9", [0, 0, 0, 0]),
        ("dst 10.0.0.9", [0, 1, 0, 0]),
        ("net 10.0.0.0/30", [1, 1, 1, 1]),
        ("portrange 1-100 and not (tcp or arp)", [0, 0, 0, 1]),
        ("broadcast", [0, 0, 1, 0]),
        ("ip and udp", [0, 0, 0, 1]),
    ],
)
def test_filters_of_pcap_filter(expression: str, passes: list[int]) -> None:
    frames = [tcp("10.0.0.1", "10.0.0.2", 80), tcp("10.0.0.1", "10.0.0.9", 22), ARP_FRAME, UDP_FRAME]
    matches = compile_filter(expression.split())
    assert [int(matches(frame)) for frame in frames] == passes


@pytest.mark.parametrize(
    "expression", ["tcp and", "(tcp", "port nosuchport", "host", "net 300", "tcp )", "src"]
)
def test_what_is_no_filter_is_an_error(expression: str) -> None:
    with pytest.raises(ExpressionError):
        compile_filter(expression.split())


def test_nc_carries_lines_both_ways_and_ends(net: Net) -> None:
    pair(net)
    server = net["b"].run("nc -l -v 4000", stdin=["from the server"])
    client = net["a"].run("nc -v -N b 4000", stdin=["from the client"], at="100ms")
    net.run()
    assert server.stdout == "from the client\n"
    assert "Connection received on 10.0.0.1" in server.stderr
    assert "Connection to b (10.0.0.2) 4000 port [tcp/*] succeeded!" in client.stderr


def test_nc_tells_who_listens_and_who_does_not(net: Net) -> None:
    pair(net)
    net["b"].run("nc -l -k 4001", daemon=True)
    look = net["a"].run("nc -z -v 10.0.0.2 4000-4002", at="100ms")
    nobody = net["a"].run("nc -z -v 10.0.0.2 4000", at="200ms", name="nobody")
    net.run()
    assert "Connection to 10.0.0.2 4001 port [tcp/*] succeeded!" in look.stderr
    assert look.stderr.count("failed: Connection refused") == 2
    assert (look.exit_code, nobody.exit_code) == (0, 1)


@pytest.mark.parametrize(
    "listen,look,said",
    [
        ("-l -k 80", "b 80", "Connection to b (10.0.0.2) 80 port [tcp/http] succeeded!"),
        ("-l -k 80", "-n 10.0.0.2 80", "Connection to 10.0.0.2 80 port [tcp/*] succeeded!"),
        ("-lvknp 4000", "10.0.0.2 4000", "Connection to 10.0.0.2 4000 port [tcp/*] succeeded!"),
        ("-u -l 53", "-u 10.0.0.2 53", "Connection to 10.0.0.2 53 port [udp/domain] succeeded!"),
    ],
)
def test_nc_names_the_service_and_listens_at_the_port_of_p(
    net: Net, listen: str, look: str, said: str
) -> None:
    pair(net)
    net["b"].run(f"nc {listen}", daemon=True, stdin="", root=True)
    service = net["a"].run(f"nc -z -v {look}", at="100ms", stdin="")
    net.run_until(service)
    assert service.stderr == said + "\n"


def test_nc_with_n_asks_for_no_name(net: Net) -> None:
    pair(net)
    service = net["a"].run("nc -n -z b 80", stdin="")
    assert service.wait() == 1
    assert service.stderr == 'nc: getaddrinfo for host "b" port 80: Name or service not known\n'


def test_nc_speaks_udp(net: Net) -> None:
    pair(net)
    server = net["b"].run("nc -u -l -w 1 5000")
    net["a"].run("nc -u -w 1 10.0.0.2 5000", stdin=["datagram"], at="100ms")
    net.run()
    assert server.stdout == "datagram\n"


@pytest.mark.parametrize(
    "words", ["nc", "nc host", "nc host 99999", "nc a b c", "nc -l", "nc -l -p 4000 4001"]
)
def test_nc_with_wrong_arguments_ends_with_2(net: Net, words: str) -> None:
    pair(net)
    wrong = net["a"].run(words)
    net.run()
    assert wrong.exit_code == 2 and "usage: nc" in wrong.stderr


def test_hostname(net: Net) -> None:
    pair(net)
    plain = net["a"].run("hostname")
    addresses = net["a"].run("hostname -I", name="addresses")
    named = net["a"].run("hostname -i", name="named")
    net.run()
    assert (plain.stdout, addresses.stdout, named.stdout) == ("a\n", "10.0.0.1\n", "10.0.0.1\n")
