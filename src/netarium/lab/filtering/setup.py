"""NAT, firewall and balancer of a node: read when it is made, put into its stack at every boot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from netarium.errors import UsageError
from netarium.lab.filtering.balance import BalanceSetup, check_addresses, read_balance
from netarium.lab.filtering.firewall import FirewallSetup, read_firewall
from netarium.lab.filtering.nat import Configured, outside_addresses, read_nat
from netarium.lab.words import PartError
from netarium.nodes.host import Host as HostNode
from netarium.nodes.host import InterfaceSetup
from netarium.stack.filter.filter import filter_of
from netarium.stack.filter.nat import NatSetup

if TYPE_CHECKING:
    from netarium.lab.boxes import Host

KEYWORDS = ("nat", "firewall", "balance", "public")


@dataclass(frozen=True)
class FilterSetup:
    """What a node has at power-on. `public`: it drops packets to private destinations."""

    nat: NatSetup | None = None
    firewall: FirewallSetup | None = None
    balance: tuple[BalanceSetup, ...] = ()
    public: bool = False

    def addresses(self, setups: dict[str, InterfaceSetup]) -> None:
        """Give the outside interface the addresses that NAT answers for, besides its own."""
        if self.nat is None:
            return
        setup = setups[self.nat.outside]
        own = [address for address, _ in setup.addresses]
        more = [(address, 32) for address in outside_addresses(self.nat) if address not in own]
        if more:
            setups[self.nat.outside] = replace(setup, addresses=[*setup.addresses, *more])

    def install(self, box: Host) -> None:
        """Put it into the box's stack, now and at every boot, before its programs start."""
        if self.nat is None and self.firewall is None and not self.balance and not self.public:
            return
        node = box.node
        node.on_boot.insert(0, lambda: self.apply(node))
        self.apply(node)

    def apply(self, node: HostNode) -> None:
        """Configure the stack the node has now."""
        stack = node.stack
        stack.ipv4.forward.public = self.public
        if self.nat is None and self.firewall is None and not self.balance:
            return
        filter = filter_of(stack)
        filter.set_nat(self.nat)
        if self.firewall is not None:
            for name, policy in self.firewall.policies.items():
                filter.firewall.chains[name].policy = policy
            for name, rule in self.firewall.rules:
                filter.firewall.chains[name].rules.append(rule.copy())
            filter.show_firewall()
        for each in self.balance:
            filter.balancer.add(each.service())


def read_filters(kind: str, given: Mapping[str, Any], configured: Configured) -> FilterSetup:
    """What the keywords `nat`, `firewall`, `balance` and `public` of a node say. Raises UsageError."""
    chain = "input" if kind == "host" else "forward"
    with _part("nat"):
        nat = None if given.get("nat") is None else read_nat(given["nat"], configured)
    with _part("firewall"):
        firewall = (
            None if given.get("firewall") is None else read_firewall(given["firewall"], chain, configured)
        )
    with _part("balance"):
        balance = () if given.get("balance") is None else read_balance(given["balance"])
        check_addresses(balance, configured)
    return FilterSetup(nat, firewall, balance, bool(given.get("public", False)))


@contextmanager
def _part(key: str) -> Iterator[None]:
    try:
        yield
    except UsageError as error:
        raise PartError(str(error), (key,), getattr(error, "line", ())) from None
