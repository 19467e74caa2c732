"""The boxes one can place: ports, what is inside, and the engine, put together thinly.

    node    what all have in common: name, ports, power
    hub     ports around `link.hub`
    switch  ports around `link.switch` or `link.vlan`
    host    a stack, its ports, and its one event in the engine
    router  a host that forwards
    ipv6    what a host with IPv6 is set up with
    bridging  how the ports of a switch are set up, and the bridge made from that
    switch3   a layer-3 switch: a bridge with VLANs, joined by a router inside
    flow_cache  its flow cache: the first packet is routed, the next are switched

Start with `host`. A node is built from plain data, so that it can be built again when it boots.
"""
