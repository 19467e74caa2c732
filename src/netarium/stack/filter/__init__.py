"""What stands at the five places of `stack/hooks.py`: tracking, NAT, firewall, balancing. One table for all of them.

Start with `filter.py`: it is what a packet meets at each place, in order. A stack without a `Filter` pays nothing.

    filter      `Filter`: the hooks; follows every packet's connection and applies what was decided at its first packet
    filter6     the same for IPv6: tracking and firewall
    judging     what both have in common: the registers of the present packet, the firewall's verdict
    entry       one tracked connection: two directions, each with its key and what becomes of a packet in it
    table       the connections of a host: find, confirm, expire, limit
    tracking    what each packet changes, and which may begin a connection
    tcp_track   TCP as somebody in the middle sees it: the transitions, as data
    timeouts    how long a connection is remembered in each state (sysctls `net.netfilter.*`)
    rewrite     a frame with other addresses and ports
    related     ICMP errors: whose connection they speak of, and the packet they quote rewritten
    ports       a free port or identifier: the wanted one, else another
    nat         which first packet is translated to what: static, pool, masquerade, forwarding, redirect, hairpin
    mappings    the mapping and filtering classes of RFC 4787
    firewall    rules in order, the first that fits decides; counters; drop and reject
    balance     one address before several servers: methods, stickiness, the living and the dead
    telling     what is reported of all this: steps with the table before and after, states
    views       the same as values to be read by `control` and tools
"""
