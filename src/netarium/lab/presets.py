"""Boxes assembled from others: the balancer, and the home router with its LAN switch, wireless clients and NAT.

    net.balancer("lb", interfaces={...}, balance={"tcp/80": {"servers": [...]}})
    net.home_router("home", lan="192.168.1.1/24", wan="202.20.65.5/24", gateway="202.20.65.1")

    net.home_router("home", wan="dhcp")

A home router has the ports `wan`, `lan1`, `lan2` and so on, and `wifi` for every wireless client: these stand in
the same subnet as those at the cable, joined by MAC. Inside it are a switch, `NAME.lan`, and a router, NAME.
It gives leases in its LAN (`dhcp: false` turns that off, `dhcp: {range: FIRST-LAST}` chooses) and forwards the DNS
questions of its clients to `dns`, or to the servers that its own lease names.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from netarium.addresses import ipv4_text
from netarium.errors import UsageError
from netarium.lab.addressing import interface_address
from netarium.lab.boxes import Host, Router, Switch
from netarium.lab.building import computer, place
from netarium.lab.filtering.balance import BalanceSetup, read_balance
from netarium.lab.services import run_daemon
from netarium.lab.words import PartError, suggest
from netarium.nodes.switch import Switch as SwitchNode
from netarium.services import forwarder, healthcheck
from netarium.units import NS_PER_SECOND, duration_ns, is_whole

if TYPE_CHECKING:
    from netarium.lab.net import Net
    from netarium.link.port import Port
    from netarium.link.switch import MacEntry

HOME_KEYWORDS = (
    "lan", "wan", "dhcp", "dns", "gateway", "forward", "redirect", "mapping", "filtering", "hairpin", "firewall",
    "hosts", "settings", "routes", "boot",
)  # fmt: skip
"""What `Net.home_router` takes."""
LAN = "192.168.1.1/24"
INNER = "router"
"""The wire inside, from the switch's port of this name to the router's interface lan."""
INNER_LINK = {"delay": "1us"}
_NAT_KEYS = ("forward", "redirect", "mapping", "filtering", "hairpin")


class Balancer(Router):
    """A layer-4 switch: one address before several servers."""

    @property
    def servers(self) -> list[Any]:
        """Its services with their servers, as `control.balanced` has them."""
        from netarium.stack.filter import views

        found = self.node.stack.hooks.filter
        return [] if found is None else [views.service_view(each) for each in found.balancer.all()]


class HomeRouter(Router):
    """Router, LAN switch and access point in one box. `switch` is the part that joins LAN and wireless clients."""

    switch: Switch

    @property
    def mac_table(self) -> list[MacEntry]:
        """The living entries of its switch, in the order of learning."""
        return self.switch.mac_table

    def node_names(self) -> list[str]:
        """The router and the switch."""
        return [self.name, self.switch.name]

    def free_port(self, interface: str = "") -> Port:
        """`wan`, `lanN` or `wifi`; without a name the next LAN port."""
        if interface == "wan":
            return super().free_port("wan")
        if interface == INNER:
            return super().free_port("lan")
        ports = self.switch.node.ports
        if interface in ("", "lan"):
            return self.switch.free_port(_next(ports, "lan", 1))
        if interface == "wifi":
            return self.switch.free_port("wifi" if "wifi" not in ports else _next(ports, "wifi", 2))
        if interface.startswith("lan") and is_whole(interface[3:]):
            return self.switch.free_port(interface)
        raise UsageError(
            f"{self.name} has no port {interface!r}{suggest(interface, ('wan', 'lan1', 'wifi'))}"
        )

    def crash(self) -> None:
        """Switch all of it off."""
        super().crash()
        if self.switch.on:
            self.switch.crash()

    def boot(self) -> None:
        """Switch all of it on."""
        if not self.switch.on:
            self.switch.boot()
        super().boot()


def _next(ports: Iterable[str], stem: str, first: int) -> str:
    number = first
    taken = list(ports)
    while f"{stem}{number}" in taken:
        number += 1
    return f"{stem}{number}"


def balancer(net: Net, name: str, options: dict[str, Any]) -> Balancer:
    """Place a balancer; its health checks begin with it. Raises UsageError."""
    if "balance" not in options:
        raise UsageError('a balancer needs `balance`, such as {tcp/80: {servers: ["192.168.1.2:80"]}}')
    box = computer(net, "balancer", name, options, Balancer)
    assert isinstance(box, Balancer)
    place(net, box, _boot_ns(options))
    run_health_check(box, read_balance(options["balance"]))
    return box


def home_router(net: Net, name: str, given: dict[str, Any]) -> HomeRouter:
    """Place a home router: the switch first, then the router, and the wire between them. Raises UsageError."""
    options = home_router_options(given)
    _check_sides(name, given)
    node = SwitchNode(f"{name}.lan", net.engine, net.streams, net.watch, net.port_numbers)
    switch = Switch(net, node)
    box = computer(net, "router", name, options, HomeRouter)
    assert isinstance(box, HomeRouter)
    box.switch = switch
    box.node.switch_face = node
    place(net, switch, _boot_ns(given))
    place(net, box, _boot_ns(given))
    net.add_link((switch, INNER), (box, INNER), INNER_LINK)
    if forwards_names(given):
        run_daemon(box, "named", forwarder.main)
    return box


def _boot_ns(options: dict[str, Any]) -> int | None:
    boot = options.get("boot")
    return None if boot is None else duration_ns(boot)


def home_router_options(given: dict[str, Any]) -> dict[str, Any]:
    """The keywords of the router inside, from those of a home router. Raises UsageError."""
    for key in given:
        if key not in HOME_KEYWORDS:
            raise UsageError(f"a home router has no {key!r}{suggest(key, HOME_KEYWORDS)}")
    nat = {"inside": "lan", "outside": "wan", "source": "masquerade"}
    nat.update({key: given[key] for key in _NAT_KEYS if given.get(key) is not None})
    options = {key: value for key, value in given.items() if key not in (*_NAT_KEYS, "lan", "wan", "dhcp")}
    lan = given.get("lan") or LAN
    options["interfaces"] = {"lan": lan, "wan": given.get("wan")}
    options["nat"] = nat
    if given.get("dhcp") is not False:
        options["dhcp"] = {"lan": _leases(lan, given.get("dhcp"), forwards_names(given))}
    return options


def _check_sides(name: str, given: dict[str, Any]) -> None:
    """LAN and WAN are two networks. Raises PartError."""
    wan = given.get("wan")
    inside = interface_address(given.get("lan") or LAN)
    for text in [wan] if isinstance(wan, str) else wan or ():
        if text != "dhcp" and interface_address(text).prefix == inside.prefix:
            raise PartError(
                f"{name} has {inside.prefix} on both sides, as lan and as wan; give one of them another network",
                ("wan",),
            )


def forwards_names(given: dict[str, Any]) -> bool:
    """Whether the home router knows whom to ask for its clients: servers by `dns`, or by its own lease."""
    return given.get("dns") is not None or given.get("wan") == "dhcp"


def _leases(lan: str, given: Any, with_names: bool) -> dict[str, Any]:
    """The DHCP server's subnet: .100 to .200 where there is room, else the upper half of the LAN."""
    own = interface_address(lan)
    prefix = own.prefix
    leases: dict[str, Any] = {} if given is None or given is True else dict(given)
    if "range" not in leases and "reservations" not in leases:
        first, last = prefix.first_host + 99, prefix.first_host + 199
        if last > prefix.last_host:
            first, last = prefix.first_host + prefix.host_count // 2, prefix.last_host
        ranges = [(first, last)]
        if first <= own.address <= last:
            ranges = [(first, own.address - 1), (own.address + 1, last)]
        leases["range"] = [f"{ipv4_text(low)}-{ipv4_text(high)}" for low, high in ranges if low <= high]
    if with_names:
        leases.setdefault("dns", ipv4_text(own.address))
    return leases


def run_health_check(box: Host, services: Iterable[BalanceSetup]) -> None:
    """Let the balancer check its servers, as a daemon."""
    targets = [
        healthcheck.Target(
            each.port,
            ipv4_text(address),
            port,
            each.check.interval_ns / NS_PER_SECOND,
            each.check.timeout_ns / NS_PER_SECOND,
            each.check.fails,
            each.check.passes,
        )
        for each in services
        if each.check is not None
        for address, port in (*each.servers, *each.backup)
    ]
    if targets:
        name = f"{box.name}/healthcheck"
        service = box.run(healthcheck.main, targets, stdin="", root=True, daemon=True, name=name)
        service.of_node = True
