"""DHCP over the wire: renewal over a week, expiry, reboots, relay, conflicts, hundreds of clients, the tool."""

from __future__ import annotations

import socket
import time

import pytest
from tests.acceptance.frames_seen import FramesSeen

from netarium import Net
from netarium.errors import LabError, UsageError
from netarium.journey import Cause
from netarium.wire.dhcp import DhcpMessage
from netarium.wire.udp import UdpHeader

HOUR = 3600.0
LAN = {"lan": {"range": "192.168.1.100-192.168.1.102", "lease": "1h"}}


class Messages:
    """An observer: every DHCP message, once at its sender, and the client's states."""

    def __init__(self, net: Net) -> None:
        self.frames = FramesSeen(net)
        self.states: list[str] = []
        net.watch.add(self)

    def state(self, now: int, place: str, subject: str, before: str, after: str, cause: Cause) -> None:
        if subject.startswith("dhcp "):
            self.states.append(after)

    def told(self) -> list[str]:
        """`pc DHCPDISCOVER`, in order."""
        found = []
        for port, frame in self.frames.sent:
            sender = port.partition(":")[0]
            if type(frame.transport) is UdpHeader and {67, 68} & {
                frame.transport.source_port,
                frame.transport.destination_port,
            }:
                found.append(f"{sender} {DhcpMessage.parse(frame.payload).name.removeprefix('DHCP')}")
        return [each for each in found if not each.startswith("switch")]

    def clear(self) -> None:
        self.frames.clear()
        self.states.clear()


def office(dhcp=None, clients: int = 1, **options):
    """(net, clock, pc): a server `gw`, clients `pc`, `pc2`..., and a host that only lets time pass."""
    net = Net(seed=6, names=False)
    switch = net.switch("switch")
    net.router("gw", interfaces={"lan": "192.168.1.1/24"}, dhcp=dhcp or LAN)
    net.link("gw:lan", switch)
    clock = net.host("clock", address="192.168.1.9/24", link=switch)
    pcs = [
        net.host("pc" if number == 1 else f"pc{number}", address="dhcp", link=switch, **options)
        for number in range(1, clients + 1)
    ]
    return net, clock, pcs[0]


def passes(clock, seconds: float) -> None:
    clock.call(time.sleep, seconds, within="30d")


def address(host) -> list[str]:
    return host.addresses["eth0"]


def test_renewal_over_a_virtual_week_keeps_the_address():
    net, clock, pc = office()
    messages = Messages(net)
    passes(clock, 7 * 24 * HOUR)
    assert address(pc) == ["192.168.1.100/24"]
    told = messages.told()
    assert told[:4] == ["pc DISCOVER", "gw OFFER", "pc REQUEST", "gw ACK"]
    # At each T1, half an hour, one REQUEST and one ACK, both by unicast.
    assert told[4:] == ["pc REQUEST", "gw ACK"] * ((len(told) - 4) // 2)
    assert len(told) == 4 + 2 * (7 * 24 * 2 - 1)
    assert messages.states[:5] == ["SELECTING", "REQUESTING", "BOUND", "RENEWING", "BOUND"]


def test_a_silent_server_t1_t2_and_expiry():
    net, clock, pc = office()
    passes(clock, 10)
    net["gw"].crash()
    messages = Messages(net)
    passes(clock, 1800 + 60)
    assert messages.states[0] == "RENEWING"
    passes(clock, 1400)
    assert messages.states[-1] == "REBINDING"
    assert address(pc) == ["192.168.1.100/24"], "until the lease is over the address stays"
    passes(clock, 400)
    assert address(pc) == []
    assert not [route for route in pc.node.stack.routes.routes if route.length == 0]
    assert pc.resolver.stub.configuration.servers == []
    # Each request waits for half of what is left of its phase, a minute at least: 675, 337, 168 ... s.
    asked = [
        line for line in net.service("pc/dhclient").stdout.splitlines() if line.startswith("DHCPREQUEST")
    ]
    assert [line.split()[-3] for line in asked[1:]] == ["192.168.1.1"] * 6 + ["255.255.255.255"] * 4
    net["gw"].boot()
    passes(clock, 600)
    assert address(pc) == ["192.168.1.100/24"]


def test_the_server_s_reboot_loses_no_lease():
    net, clock, _ = office(clients=2)
    passes(clock, 10)
    net["gw"].crash()
    passes(clock, 60)
    net["gw"].boot()
    late = net.host("late", address="dhcp", link=net["switch"])
    passes(clock, 30)
    assert address(net["pc"]) + address(net["pc2"]) == ["192.168.1.100/24", "192.168.1.101/24"]
    assert address(late) == ["192.168.1.102/24"], "the server knew who has the others"
    passes(clock, 3 * HOUR)
    assert address(net["pc"]) == ["192.168.1.100/24"]


def test_a_client_s_reboot_asks_for_its_address_again():
    net, clock, pc = office()
    passes(clock, 10)
    pc.crash()
    assert address(pc) == [] or not pc.on
    messages = Messages(net)
    pc.boot()
    passes(clock, 10)
    assert messages.told() == ["pc REQUEST", "gw ACK"]
    assert messages.states == ["REBOOTING", "BOUND"]
    assert address(pc) == ["192.168.1.100/24"]


def test_a_client_that_moved_to_another_network_is_refused_and_starts_anew():
    net, clock, pc = office()
    passes(clock, 10)
    pc.crash()
    net["gw"].crash()
    net.router("other", interfaces={"lan": "10.0.0.1/24"}, dhcp={"lan": {"range": "10.0.0.50-10.0.0.60"}})
    net.link("other:lan", net["switch"])
    messages = Messages(net)
    pc.boot()
    passes(clock, 20)
    assert messages.told() == [
        "pc REQUEST", "other NAK", "pc DISCOVER", "other OFFER", "pc REQUEST", "other ACK",
    ]  # fmt: skip
    assert address(pc) == ["10.0.0.50/24"]


def test_an_address_in_use_is_found_by_the_server_s_ping():
    net, clock, pc = office()
    net.host("squatter", address="192.168.1.100/24", link=net["switch"])
    passes(clock, 10)
    assert address(pc) == ["192.168.1.101/24"]
    assert "Abandoning IP address 192.168.1.100: pinged before offer" in net.service("gw/dhcpd").stdout


def test_an_address_in_use_that_ignores_ping_is_declined_by_the_client():
    net, clock, pc = office()
    settings = {"net.ipv4.icmp_echo_ignore_all": 1}
    net.host("squatter", address="192.168.1.100/24", link=net["switch"], settings=settings)
    messages = Messages(net)
    passes(clock, 30)
    assert messages.told()[4:] == ["pc DECLINE", "pc DISCOVER", "gw OFFER", "pc REQUEST", "gw ACK"]
    assert address(pc) == ["192.168.1.101/24"]


@pytest.mark.parametrize(
    ("clients", "last"), [(100, 54), pytest.param(300, 254, marks=pytest.mark.soak)], ids=["100", "300"]
)
def test_more_clients_than_the_pool_has_addresses(clients, last):
    """The other 47 get no OFFER, and their client says so after its back-off."""
    net = Net(seed=7, names=False, digest=False)
    switch = net.switch("switch")
    net.router(
        "gw", interfaces={"lan": "10.0.0.1/23"},
        dhcp={"lan": {"range": f"10.0.0.2-10.0.0.{last}", "lease": "1d"}},
    )  # fmt: skip
    net.link("gw:lan", switch)
    clock = net.host("clock", address="10.0.1.1/23", link=switch)
    hosts = [
        net.host(f"pc{number}", address="dhcp", link=switch, boot=f"{100 * number}ms")
        for number in range(clients)
    ]
    passes(clock, 100)
    bound = [address(host)[0] for host in hosts if address(host)]
    assert len(bound) == len(dict.fromkeys(bound)) == last - 1
    without = [host for host in hosts if not address(host)]
    assert len(without) == 47
    for host in without:
        output = net.service(f"{host.name}/dhclient").stdout
        assert output.count("DHCPDISCOVER on eth0") == 4
        assert output.endswith(
            "No DHCPOFFERS received.\nNo working leases in persistent database - sleeping.\n"
        )


def relayed():
    net = Net(seed=8, names=False)
    far, near = net.switch("far"), net.switch("near")
    net.router(
        "relay",
        interfaces={"lan": "192.168.5.1/24", "up": "10.0.0.1/24"},
        dhcp={"lan": {"relay": "10.0.0.9"}},
    )
    net.link("relay:lan", far)
    net.link("relay:up", near)
    net.host(
        "server", address="10.0.0.9/24", gateway="10.0.0.1", link=near,
        dhcp={"192.168.5.0/24": {"range": "192.168.5.100-192.168.5.110", "gateway": "192.168.5.1", "lease": "1h"}},
    )  # fmt: skip
    clock = net.host("clock", address="192.168.5.9/24", link=far)
    return net, clock, net.host("pc", address="dhcp", link=far)


def test_a_relay_carries_requests_out_of_the_subnet_and_renewals_go_straight():
    net, clock, pc = relayed()
    messages = Messages(net)
    passes(clock, 10)
    assert address(pc) == ["192.168.5.100/24"]
    assert [each for each in messages.told() if not each.startswith(("far", "near"))] == [
        "pc DISCOVER", "relay DISCOVER", "server OFFER", "relay OFFER",
        "pc REQUEST", "relay REQUEST", "server ACK", "relay ACK",
    ]  # fmt: skip
    messages.clear()
    passes(clock, 1800)
    renewal = [each for each in messages.told() if each.startswith(("pc", "server"))]
    assert renewal == ["pc REQUEST", "server ACK"]
    assert address(pc) == ["192.168.5.100/24"]


def test_a_reservation_and_a_domain_over_the_wire():
    mac = "02:00:00:00:aa:01"
    dhcp = {"lan": {"reservations": {mac: "192.168.1.42"}, "domain": "office.example", "dns": "192.168.1.1"}}
    _, clock, pc = office(dhcp, mac=mac)
    passes(clock, 10)
    assert address(pc) == ["192.168.1.42/24"]
    assert str(pc.resolver.stub.configuration) == "search office.example\nnameserver 192.168.1.1\n"


def test_two_servers_the_client_takes_one_offer_and_the_other_frees_its_own():
    net, clock, pc = office()
    net.host(
        "second", address="192.168.1.2/24", link=net["switch"],
        dhcp={"eth0": {"range": "192.168.1.200-192.168.1.210"}},
    )  # fmt: skip
    passes(clock, 10)
    (own,) = address(pc)
    assert own in ("192.168.1.100/24", "192.168.1.200/24")
    assert net.notices == []


def test_overlapping_ranges_of_two_servers_are_a_warning():
    net, clock, _ = office()
    net.host(
        "second", address="192.168.1.2/24", link=net["switch"],
        dhcp={"eth0": {"range": "192.168.1.102-192.168.1.210"}},
    )  # fmt: skip
    passes(clock, 1)
    (notice,) = net.notices
    assert "gw and second" in notice and "192.168.1.102 to 192.168.1.102" in notice


def test_the_tool_gets_a_lease_keeps_it_and_gives_it_back():
    net, clock, _ = office(clients=1)
    bare = net.host("bare", link=net["switch"])
    got = bare.run("dhclient -v eth0", stdin="")
    assert got.wait() == 0, got.stderr
    assert "bound to 192.168.1." in got.stdout
    (own,) = address(bare)
    passes(clock, 5 * HOUR)
    assert address(bare) == [own], "a daemon stayed behind and renews it"
    messages = Messages(net)
    back = bare.run("dhclient -r eth0", stdin="")
    assert back.wait() == 0, back.stderr
    assert messages.told() == ["bare RELEASE"]
    assert address(bare) == []
    passes(clock, 5 * HOUR)
    assert address(bare) == []


@pytest.mark.parametrize(
    "line,code,said",
    [
        ("dhclient -1 -v eth0", 2, "Unable to obtain a lease on first try.  Exiting."),
        ("dhclient -v eth0", 0, "No working leases in persistent database - sleeping."),
        ("dhclient -1 eth0", 2, ""),
        ("dhclient eth0", 0, ""),
    ],
)
def test_the_tool_says_that_nobody_answered_only_when_asked_to_and_asks_on_unless_once(line, code, said):
    """Exit codes and silence as of ISC dhclient 4.4.3."""
    net = Net(seed=1)
    bare = net.host("bare", link=net.switch("switch"))
    alone = bare.run(line, stdin="")
    assert alone.wait() == code
    assert alone.stdout.splitlines()[-1:] == ([said] if said else [])
    assert ("No DHCPOFFERS received." in alone.stdout) == bool(said)
    assert ("/run/dhclient.eth0.pid" in bare.node.disk) == (code == 0), "a daemon goes on asking"


def test_the_tool_is_silent_when_it_gets_a_lease_and_for_a_card_that_is_not_there_ends_with_1():
    net, _, _ = office(clients=1)
    bare = net.host("bare", link=net["switch"])
    got = bare.run("dhclient eth0", stdin="")
    assert (got.wait(), got.stdout, got.stderr) == (0, "", "")
    missing = bare.run("dhclient eth7", stdin="")
    assert missing.wait() == 1
    assert 'Cannot find device "eth7"' in missing.stderr


@pytest.mark.parametrize(
    "line", ["dhclient --nonsense", "dhclient eth0 eth1", "host", "dig -x nothing", "hosts add"]
)
def test_tools_with_wrong_arguments_tell_their_usage_and_end_with_2(line):
    host = Net(seed=1).host("host", address="10.0.0.1/24")
    service = host.run(line, stdin="", root=True)
    assert service.wait() == 2
    assert "usage" in service.stderr.lower()


def test_garbage_at_the_server_s_port_is_survived():
    _, clock, pc = office()

    def throw() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for size in (0, 1, 235, 240, 300, 1400):
                sock.sendto(b"\x01" * size, ("192.168.1.1", 67))

    clock.call(throw)
    passes(clock, 10)
    assert address(pc) == ["192.168.1.100/24"]


def test_after_dhcp_on_a_node_without_dhcp_is_an_error(tmp_path):
    host = Net(seed=1).host("host", address="10.0.0.1/24")
    host.run("ping host", after="dhcp")
    with pytest.raises(UsageError, match="no interface of host has `address: dhcp`"):
        host.net.run()
    lab = tmp_path / "lab.yaml"
    lab.write_text(
        "nodes:\n  a: {kind: host, address: 10.0.0.1/24}\nprograms:\n  - {on: a, run: ping a, after: dhcp}\n"
    )
    with pytest.raises(LabError, match=r"lab.yaml:4: .*address: dhcp"):
        Net.load(lab)


def test_a_zone_error_in_a_lab_names_file_line_zone_and_its_line(tmp_path):
    lab = tmp_path / "lab.yaml"
    lab.write_text(
        "nodes:\n  ns:\n    kind: host\n    address: 10.0.0.1/24\n    services:\n      - dns:\n          zones:\n"
        '            "a.": |\n              a. 60 IN SOA ns. x. 1 2 3 4 5\n              a. 60 IN NS ns.\n'
        "              www.a. 60 IN A 1.2.3.400\n"
    )
    with pytest.raises(LabError, match=r"lab.yaml:\d+: nodes.ns: zone a\.: line 3: .*1\.2\.3\.400"):
        Net.load(lab)
