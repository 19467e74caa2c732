"""IPv6 in labs: who has it, what advertises, what is refused; and that an IPv4 lab knows nothing of it."""

from pathlib import Path

import pytest

from netarium import Net
from netarium.errors import UsageError
from netarium.wire.ethernet import ETHERTYPE_IPV6

EXAMPLE = Path(__file__).parents[2] / "examples" / "ipv6" / "ipv6.yaml"


def test_the_example_lab_runs_on_ipv6_alone():
    net = Net.load(EXAMPLE)
    net.run(check=True)
    assert net.service("client").stdout == "I am 2001:db8:1::ff:fe00:3\nHELLO OVER IPV6\n"
    assert net.service("server").stdout == "from 2001:db8:1::ff:fe00:3\n"
    assert not net["client"].node.stack.interfaces["eth0"].addresses, "no IPv4 anywhere"


def test_wire_bytes_give_the_same_digest():
    digests = []
    for wire in ("values", "bytes"):
        net = Net.load(EXAMPLE, wire=wire)
        net.run(check=True)
        digests.append(net.digest)
    assert digests[0] == digests[1]


def test_an_ipv4_lab_stays_quiet():
    class Seen:
        def __init__(self):
            self.ethertypes = []

        def frame(self, now, port, stop, frame):
            self.ethertypes.append(frame.ethertype)

    net = Net.load(EXAMPLE.parents[1] / "labs" / "lan.yaml")
    seen = Seen()
    net.watch.add(seen)
    net.run(check=True)
    assert seen.ethertypes and ETHERTYPE_IPV6 not in seen.ethertypes
    assert all(box.node.stack.ipv6 is None for box in net.boxes.values() if box.kind == "host")


def test_one_gateway_of_each_family_and_routes_of_both():
    net = Net()
    net.host(
        "a",
        address=["10.0.0.1/24", "2001:db8::1/64"],
        gateway=["10.0.0.254", "2001:db8::254"],
        routes=[{"to": "10.9.0.0/16", "via": "10.0.0.9"}, {"to": "2001:db8:9::/48", "via": "2001:db8::9"}],
    )
    stack = net["a"].node.stack
    assert {repr(each) for each in stack.ipv6.routes.routes if each.gateway} == {
        "::/0 via 2001:db8::254 dev eth0 proto static metric 1024",
        "2001:db8:9::/48 via 2001:db8::9 dev eth0 proto static metric 1024",
    }
    assert len([each for each in stack.routes.routes if each.gateway]) == 2
    assert net["a"].addresses == {"eth0": ["10.0.0.1/24", "2001:db8::1/64"]}
    assert net["a"].address == "10.0.0.1"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"address": "2001:db8::1/64", "ipv6": False}, "take one of both away"),
        ({"address": "::1/128"}, "no address of a link"),
        ({"address": "2001:db8::1/64", "gateway": "fd00::1"}, "in no IPv6 network of this node"),
        ({"address": "2001:db8::1/64", "routes": [{"to": "fd00::/8", "via": "10.0.0.1"}]}, "no IPv6 address"),
        ({"address": "2001:db8::1/64", "routes": [{"to": "fd00::/8"}]}, "say `via`"),
        ({"address": "2001:db8::1"}, "has no prefix length"),
        (
            {"address": "10.0.0.1/24", "gateway": ["10.0.0.2", "10.0.0.3"]},
            "one default gateway of each family",
        ),
    ],
)
def test_what_cannot_be_is_refused(options, says):
    with pytest.raises(UsageError, match=says):
        Net().host("a", **options)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"advertise": True, "interfaces": {"eth0": "10.0.0.1/24"}}, "without IPv6"),
        ({"advertise": ["eth1"], "interfaces": {"eth0": "2001:db8::1/64"}}, "no IPv6 on interface 'eth1'"),
        (
            {"advertise": {"eth0": {"prefixes": "2001:db8::/48"}}, "interfaces": {"eth0": "2001:db8::1/64"}},
            "is no /64",
        ),
        ({"advertise": {"eth0": {"mtu": 1000}}, "interfaces": {"eth0": "2001:db8::1/64"}}, "1280 or more"),
        (
            {"advertise": {"eth0": {"mut": 1400}}, "interfaces": {"eth0": "2001:db8::1/64"}},
            "there is no 'mut'",
        ),
    ],
)
def test_advertisements_that_cannot_be_are_refused(options, says):
    with pytest.raises(UsageError, match=says):
        Net().router("r", **options)


def test_one_address_twice_on_a_link_is_refused():
    net = Net()
    switch = net.switch("s")
    for name in ("a", "b"):
        net.host(name, address="2001:db8::1/64", link=switch)
    with pytest.raises(UsageError, match="2001:db8::1/64, which a:eth0 has in the same broadcast domain"):
        net.run()


def test_a_host_that_boots_again_has_its_addresses_again():
    net = Net()
    switch = net.switch("s")
    a = net.host("a", address="2001:db8::1/64", link=switch)
    net.host("b", address="2001:db8::2/64", link=switch)
    net.run(until="3s")
    a.crash()
    a.boot()
    assert a.addresses == {"eth0": ["2001:db8::1/64"]}
