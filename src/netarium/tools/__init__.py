"""What a host has in its /bin: ordinary programs over the socket module and time.

    ping        ICMP echo, with the output of iputils' ping; `echo` does it, `ping6` over IPv6
    traceroute  the routers on the way, by `traceroute_probes`; `tracepath` finds the MTU of the path too
    arp         the ARP table, as net-tools
    ip          links, addresses, routes and neighbours, as iproute2
    curl        transfer a URL; `curl_facts` is what -w prints of it
    browser     open a page and what it shows, with a cache of names of its own
    dig         ask a name server, as BIND's dig; `dns_query` is what it shares with host
    host        look up a name or an address
    resolvectl  the host's resolver and its cache: show, query, flush
    hosts       show and edit the host's own hosts file
    ss          the host's sockets
    sysctl      the host's settings
    dhclient    ask for an address by DHCP, give it back
    bridge      the MAC table, port states, VLANs and flow cache of a switch
    conntrack   the tracked connections, in the format of conntrack-tools
    tcpdump     what passes an interface, a line a packet
    nc          connect or listen, and copy between the network and the terminal
    hostname    the host's name and addresses
    vtysh       the neighbors of ospfd, in the format of FRR, and who is heard and is none
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
    Tool("traceroute", "netarium.tools.traceroute", "print the route packets take"),
    Tool("tracepath", "netarium.tools.tracepath", "trace the path to a host, and its MTU"),
    Tool("arp", "netarium.tools.arp", "show and change the ARP table"),
    Tool("ip", "netarium.tools.ip.command", "show and change links, addresses, routes, neighbours"),
    Tool("curl", "netarium.tools.curl", "transfer a URL"),
    Tool("browser", "netarium.tools.browser", "open a page and what it shows"),
    Tool("dig", "netarium.tools.dig", "ask a name server"),
    Tool("host", "netarium.tools.host", "look up a name or an address"),
    Tool("resolvectl", "netarium.tools.resolvectl", "show and flush the host's name cache"),
    Tool("ss", "netarium.tools.ss", "show the host's sockets"),
    Tool("sysctl", "netarium.tools.sysctl", "show and change the host's settings"),
    Tool("hosts", "netarium.tools.hosts", "show and edit the host's hosts file"),
    Tool(
        "dhclient",
        "netarium.tools.dhclient",
        "get an address by DHCP",
        frozenset({"net_admin", "net_raw", "net_bind_service"}),
    ),
    Tool("bridge", "netarium.tools.bridge", "show and flush the tables of a switch", needs_network=False),
    Tool("conntrack", "netarium.tools.conntrack", "list and delete tracked connections"),
    Tool(
        "tcpdump", "netarium.tools.tcpdump.command", "show what passes an interface", frozenset({"net_raw"})
    ),
    Tool("nc", "netarium.tools.nc", "connect or listen, and copy"),
    Tool("hostname", "netarium.tools.hostname", "show the host's name and addresses"),
    Tool("vtysh", "netarium.tools.vtysh", "show the OSPF neighbors, and why others are none"),
    Tool("nft", "netarium.tools.nft", "list the rules of firewall, NAT and balancer"),
)


def register() -> None:
    """Make the tools known to the loader; importing this package does it."""
    for tool in TOOLS:
        registry.add(tool)


register()
