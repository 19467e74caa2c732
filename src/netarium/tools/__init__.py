"""What a host has in its /bin: ordinary programs over the socket module and time.

    ping   ICMP echo, with the output of iputils' ping

Each module has `main(arguments) -> exit code`. `TOOLS` names them for the loader; a module is imported when it is run.
"""

from __future__ import annotations

from netarium.programs import registry
from netarium.programs.registry import Tool

TOOLS = (
    Tool(
        "ping", "netarium.tools.ping", "send ICMP echo requests and time the answers", frozenset({"net_raw"})
    ),
)


def register() -> None:
    """Make the tools known to the loader; importing this package does it."""
    for tool in TOOLS:
        registry.add(tool)


register()
