"""OSPF version 2 within one area (RFC 2328), point-to-point and broadcast networks.

    constants    architectural constants, states
    database     the link state database: LSAs, their ages, what they say
    instance     one router's OSPF, put together: packets in, packets and routes out
    interface    an interface: hellos, waiting, the election of the designated router
    neighbor     a neighbor: its state, what it has to be sent, acknowledged and asked for
    exchange     database description and link state requests between two routers
    flooding     link state updates: judging, installing, passing on, acknowledging
    origination  the LSAs this router makes of what it sees
    refusals     what keeps a router that is heard from becoming a neighbor, told and counted
    views        what ospfd shows of itself
    spf          shortest paths over the database, and routes
    daemon       the program: raw sockets of protocol 89, the clock, the host's table

Start with `instance`. Left out: virtual links, NBMA, stub areas, several areas, authentication.
"""
