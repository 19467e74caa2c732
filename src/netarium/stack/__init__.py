"""One host's TCP/IP. Sans-IO and sans-clock: (frame, now) in; frames, events and the next deadline out.

Start with `stack`; then follow a frame up (interface, ip_input, ports, udp or tcp) or down (udp or tcp, ip_output,
neighbors, interface).

    stack       `Stack`: the assembly in a few visible lines, the host's interfaces and addresses
    settings    the sysctl table: Linux name and default, the RFC's value beside each
    failures    what can go wrong for the one who uses a stack, as values
    timers      the deadlines of one host in one heap
    interface   where frames enter and leave; `lo`
    neighbors   from the next hop's address to its MAC: ARP
    routes      longest-prefix match; the local table
    ports       who has which port; the list of sockets
    hooks       the five places where packets may be looked at and changed
    ipv4        the IPv4 modules under one name:
    ip_output       route, source, header, fragments, next hop
    ip_input        sound? for this host? whose?
    ip_forward      packets of others: what makes a host a router
    fragments       cutting packets to an MTU and putting them together again
    icmp        echo, the errors this host makes and those it is told
    udp         endpoints that send and receive datagrams
    raw         endpoints for whole packets of one protocol
    tcp/        streams
    filter/     connection tracking, NAT, firewall, balancing: who stands at the hooks
"""
