"""The host's filter by `control`: tracked connections, NAT, firewall, balancer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from netarium.stack.failures import Failure

if TYPE_CHECKING:
    from netarium.stack.filter.nat import NatSetup
    from netarium.stack.filter.views import BalanceView, ConnectionView, NatRow, RuleView
    from netarium.stack.stack import Stack


class FilterControl:
    """Without a filter lists are empty and changes NOT_SUPPORTED."""

    stack: Stack
    clock: Callable[[], int]
    privileged: bool

    def connections(self) -> list[ConnectionView]:
        """`conntrack -L`: the tracked connections, in order of their beginning."""
        from netarium.stack.filter import views

        self.stack.enter(self.clock())
        found = self.stack.hooks.filter
        return [] if found is None else views.connections(found)

    def nat_table(self) -> list[NatRow]:
        """The translated ones among them: who is inside, as what he is seen outside, with whom he speaks."""
        from netarium.stack.filter import views

        self.stack.enter(self.clock())
        found = self.stack.hooks.filter
        return [] if found is None else views.nat_rows(found)

    def remove_connections(self, fits: Callable[[ConnectionView], bool]) -> int | Failure:
        """`conntrack -D`: forget the connections that fit; how many they were."""
        from netarium.stack.filter import views

        if not self.privileged:
            return Failure.PERMISSION
        self.stack.enter(self.clock())
        found = self.stack.hooks.filter
        return 0 if found is None else views.remove_connections(found, fits)

    def firewall(self) -> list[RuleView]:
        """Every rule with its counters, chain by chain in order; a chain's policy is its last, number 0."""
        from netarium.stack.filter import views

        found = self.stack.hooks.filter
        return [] if found is None else views.firewall_rules(found)

    def balanced(self) -> list[BalanceView]:
        """The services of a balancer, with their servers."""
        from netarium.stack.filter import views

        found = self.stack.hooks.filter
        return [] if found is None else [views.service_view(each) for each in found.balancer.all()]

    def set_server_alive(
        self, protocol: int, port: int, server: tuple[int, int], alive: bool
    ) -> Failure | None:
        """A health check's verdict on a server, (address, port), of the service at `port`.

        The connections of one that is found dead are forgotten.
        """
        if not self.privileged:
            return Failure.PERMISSION
        found = self.stack.hooks.filter
        if found is None:
            return Failure.NOT_SUPPORTED
        self.stack.enter(self.clock())
        for service in found.balancer.services.get((protocol, port), ()):
            for each in service.servers:
                if (each.address, each.port) == server:
                    found.set_alive(each, alive)
                    return None
        return Failure.NOT_FOUND

    def nat_setup(self) -> NatSetup | None:
        """How NAT is configured; None without NAT."""
        found = self.stack.hooks.filter
        return None if found is None or found.nat is None else found.nat.setup
