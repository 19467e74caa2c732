"""One host's TCP/IP. Sans-IO and sans-clock: (frame, now) in; frames, events and the next deadline out.

Start with `stack`; then follow a frame up (interface, ip_input, ports, udp or tcp) or down (udp or tcp, ip_output,
neighbors, interface).

    stack       `Stack`: the assembly in a few visible lines, the host's interfaces and addresses
    settings    the sysctl table: Linux name and default, the RFC's value beside each
    setting     one line of it; the rows are in settings_ip, settings_tcp, settings_filter,
                and in settings_absent why others of Linux are not there
    failures    what can go wrong for the one who uses a stack, as values
    timers      the deadlines of one host in one heap
    interface   where frames enter and leave; `lo`
    way         the short way of packets like one before them
    neighbors   from the next hop's address to its MAC: ARP
    routes      longest-prefix match; the local table
    decisions   telling watchers of a route, the neighbour cache and their answers
    ports       who has which port; the list of sockets
    hooks       the five places where packets may be looked at and changed
    ipv4        the IPv4 modules under one name:
    ip_output       route, source, header, fragments, next hop
    ip_input        sound? for this host? whose?
    ip_options      the options of what arrives: well formed, and no source route
    ip_forward      packets of others: what makes a host a router
    fragments       cutting packets to an MTU and putting them together again
    icmp        echo, the errors this host makes and those it is told; redirects
    icmp_limit  how many errors a host makes
    icmp_quotes what ICMP of both families does alike: the packet an error is about, and whose it was
    igmp        which IPv4 groups are heard here
    path_mtu    what ICMP has taught about single destinations: their MTU, a better gateway
    ipv6        the IPv6 modules under one name, on hosts that were asked for it:
    ipv6_address     scopes, groups, an address and its life
    ipv6_interface   the addresses and groups of an interface; duplicate detection
    ipv6_routes      the tables of routes
    ipv6_output, ipv6_input, ipv6_forward, ipv6_fragments, ipv6_extensions   as their IPv4 namesakes
    icmpv6           echo, errors; the rest goes to
    ndp              neighbour discovery: the other family's ARP
    router_discovery, router_advertiser   a host's and a router's side of advertisements; SLAAC
    mld              which IPv6 groups are heard here
    source_selection which address to send from, which to try first (RFC 6724)
    udp6, raw6       endpoints of AF_INET6 sockets, dual-stack
    error_queue what ICMP has said to endpoints that asked for everything
    udp         datagrams of IPv4, in; udp_endpoint: those who send and receive them; udp_lookup: who gets which
    udplite     the same for UDP-Lite, over both families
    raw         endpoints for whole packets of one protocol
    tcp/        streams
    filter/     connection tracking, NAT, firewall, balancing: who stands at the hooks
"""
