"""Routing protocols: programs that tell their neighbours of networks and put what they learn into the host's table.

    options    how a protocol is configured on one router, and its defaults
    alarms     timers of a protocol that is handed time
    links      what a protocol sees of its host's interfaces
    installer  from what was computed to the host's route table, by `control`
    runner     sockets and the clock for a protocol: the loop of every routing daemon
    rip/       RIP version 2 (RFC 2453)
    ospf/      OSPF version 2, one area (RFC 2328)

Each protocol is a core that is handed time and packets, and a `daemon` that gives it sockets and the clock.
"""
