"""nft: list the rules of the host's firewall, NAT and balancer with their counters, in the manner of nftables.

    nft list ruleset            nft --json list ruleset

Rules are shown in the words they were written with in the lab; nothing is changed by this tool.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from netarium import control
from netarium.addresses import ipv4_text
from netarium.stack.filter.entry import PROTOCOL_NAMES

if TYPE_CHECKING:
    from netarium.stack.filter.nat import NatSetup
    from netarium.stack.filter.views import BalanceView, RuleView

JSON_VERSION = 1


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="nft", description="List firewall, NAT and balancer.")
    parser.add_argument("-j", "--json", action="store_true")
    parser.add_argument("command", choices=("list",))
    parser.add_argument("what", choices=("ruleset",))
    return parser.parse_args(arguments)


def nat_lines(setup: NatSetup) -> list[tuple[str, str]]:
    """(place, rule) of a NAT, in the order in which they are asked."""
    lines = [
        ("prerouting", f'iif "{setup.outside}" ip daddr {ipv4_text(outside)} dnat to {ipv4_text(inside)}')
        for inside, outside in setup.static.items()
    ]
    lines += [
        (
            "prerouting",
            f'iif "{setup.outside}" {PROTOCOL_NAMES[protocol]} dport {port} dnat to {ipv4_text(address)}:{to_port}',
        )
        for (protocol, port), (address, to_port) in setup.forward.items()
    ]
    inside = f"iif {{ {', '.join(setup.inside)} }} " if setup.inside else ""
    lines += [
        ("prerouting", f"{inside}{PROTOCOL_NAMES[protocol]} dport {port} redirect to :{to_port}")
        for (protocol, port), to_port in setup.redirect.items()
    ]
    head = f'{inside}oif "{setup.outside}"'
    lines += [
        ("postrouting", f"{head} ip saddr {ipv4_text(inner)} snat to {ipv4_text(outer)}")
        for inner, outer in setup.static.items()
    ]
    if setup.pool:
        lines.append(("postrouting", f"{head} snat to pool {{ {', '.join(map(ipv4_text, setup.pool))} }}"))
    elif setup.source >= 0:
        how = f"snat to {ipv4_text(setup.source)}" if setup.source else "masquerade"
        ports = f" to :{setup.ports[0]}-{setup.ports[1]}" if setup.ports else ""
        lines.append(("postrouting", f"{head} {how}{ports}"))
    return lines


def balance_lines(services: list[BalanceView]) -> list[str]:
    """One line a server of the balancer."""
    return [
        f"{PROTOCOL_NAMES[service.protocol]} dport {service.port} balance {service.method} to "
        f"{ipv4_text(each.address)}:{each.port} connections {each.connections} total {each.total}"
        + ("" if each.alive else " dead")
        + (" backup" if each.backup else "")
        for service in services
        for each in service.servers
    ]


def print_ruleset(rules: list[RuleView], nat: NatSetup | None, services: list[BalanceView]) -> None:
    """As text."""
    chains: dict[str, list[RuleView]] = {}
    for rule in rules:
        chains.setdefault(rule.chain, []).append(rule)
    # A chain without rules that accepts everything is none.
    chains = {
        name: listed for name, listed in chains.items() if len(listed) > 1 or listed[-1].action != "accept"
    }
    if chains:
        print("table inet filter {")
        for name, listed in chains.items():
            policy = listed[-1]
            print(f"\tchain {name} {{")
            print(f"\t\ttype filter hook {name} priority filter; policy {policy.action};")
            for rule in listed[:-1]:
                print(
                    f"\t\t{rule.text} counter packets {rule.packets} bytes {rule.bytes} # handle {rule.number}"
                )
            print(f"\t\t# policy counter packets {policy.packets} bytes {policy.bytes}")
            print("\t}")
        print("}")
    if nat is not None or services:
        print("table ip nat {")
        lines = [] if nat is None else nat_lines(nat)
        lines += [("prerouting", line) for line in balance_lines(services)]
        for name in ("prerouting", "postrouting"):
            print(f"\tchain {name} {{")
            for place, line in lines:
                if place == name:
                    print(f"\t\t{line}")
            print("\t}")
        print("}")


def main(arguments: list[str]) -> int:
    """Run nft; the exit code."""
    chosen = read_arguments(arguments)
    door = control.here()
    rules, nat, services = door.firewall(), door.nat_setup(), door.balanced()
    if not chosen.json:
        print_ruleset(rules, nat, services)
        return 0
    found: dict[str, object] = {"nft": JSON_VERSION, "rules": [asdict(rule) for rule in rules]}
    found["nat"] = [] if nat is None else [{"chain": chain, "rule": rule} for chain, rule in nat_lines(nat)]
    found["balance"] = [
        {
            "protocol": PROTOCOL_NAMES[service.protocol],
            "port": service.port,
            "method": service.method,
            "servers": [{**asdict(each), "address": ipv4_text(each.address)} for each in service.servers],
        }
        for service in services
    ]
    json.dump(found, sys.stdout)
    print()
    return 0
