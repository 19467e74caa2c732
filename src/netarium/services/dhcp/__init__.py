"""DHCP: a host asks for its address, a server lends it, a relay carries the question out of the subnet.

    configuration  what a server is told: ranges, reservations, lease times; or where a relay sends
    leases         who has which address until when, written to the host's disk
    policy         what a server answers to each message: sans-IO, message in, reply out
    server         the server's program: sockets, conflict probes
    relay          the relay's program
    client         the client's program: its states from INIT to BOUND, renewal, back-off
    link           what client and server do below IP: frames to who has no address yet, ARP probes
    lease_setup    what a lease changes on its host, by `control`: address, route, name servers

Messages are `wire.dhcp`'s. Start with `policy` and `client`; read RFC 2131 3 and 4 first.
"""
