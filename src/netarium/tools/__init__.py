"""What a host has in its /bin: ordinary programs over the socket module and time.

    ping        ICMP echo, with the output of iputils' ping
    curl        transfer a URL
    conntrack   the tracked connections, in the format of conntrack-tools
    nft         the rules of firewall, NAT and balancer, with counters

Each module has `main(arguments) -> exit code`. `TOOLS` names them for the loader; a module is imported when it is run.
"""

from __future__ import annotations

from netarium.programs import registry
from netarium.programs.registry import Tool

TOOLS = (
    Tool(
        "ping", "netarium.tools.ping", "send ICMP echo requests and time the answers", frozenset({"net_raw"})
    ),
    Tool("curl", "netarium.tools.curl", "transfer a URL"),
    Tool("conntrack", "netarium.tools.conntrack", "list and delete tracked connections"),
    Tool("nft", "netarium.tools.nft", "list the rules of firewall, NAT and balancer"),
)


def register() -> None:
    """Make the tools known to the loader; importing this package does it."""
    for tool in TOOLS:
        registry.add(tool)


register()
