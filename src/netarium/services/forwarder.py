"""The name service of a home router: its clients' questions go to the servers that the router itself was told of.

An ordinary program. It waits until its host knows servers (by configuration, or by the lease of its outside interface)
and then forwards to those. (RFC 5625)
"""

from __future__ import annotations

import time

from netarium.names import resolver
from netarium.services.dns import server
from netarium.services.dns.configuration import DnsConfiguration

LOOK_AGAIN_S = 1.0


def known_servers() -> list[str]:
    """The name servers of the host this runs on."""
    stub = resolver.here().stub
    return [] if stub is None else stub.configuration.servers


def main() -> None:
    """Serve for ever."""
    while not (servers := known_servers()):
        time.sleep(LOOK_AGAIN_S)
    server.run(DnsConfiguration(recursive=True, forwarders=servers))
