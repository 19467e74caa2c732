"""The lab: `Net`, the object users hold, and the lab file, which says the same in YAML.

    net         `Net`: boxes, cables, programs, time, what was seen; `cabling` is its cables and their common rules
    boxes       hosts, routers, switches and hubs as users hold them; `host.run`, `host.call`
    building    from the keywords of a host to a node: addresses read and checked, MACs given, names made known
    addressing  which addresses an interface can have
    links       a cable with its numbers in words
    layer2      broadcast and collision domains as drawn, cables that close a loop
    checks      what is looked at before time passes; `notices` keeps what the user should know
    topology    addresses that stand twice in one broadcast domain
    switches    switches of layer 2 and 3 from their keywords; `models_switch` is the schema of their ports
    service     the handle of a program: type, expect, wait, kill, its output and end
    launch      when a program starts: at, after, at the boot of its host
    lifecycle   the one loop of a net, and the rules by which a run is over
    garbage     the garbage collector while a net runs, and between nets
    watching    captures, trace, digest, counts of drops
    description  a net in words for the head of a trace, and what changes of it
    file        a lab file as values that know their lines
    models      the schema of a lab file
    models_routing  the schema of `routing`; `routing` reads it and runs the daemons
    filtering/  `nat`, `firewall`, `balance`: from their keywords to a node's filter
    presets     boxes assembled from others: balancer, home router
    services    `dhcp`, `services`, `dns`, `search`: from keywords to daemons; `models_services` is their schema
    ipv6        `ipv6`, `advertise` and IPv6 addresses of a node
    load        from a lab file to a net
    faults      a lab file's timeline and frame rules
    scripts     scripts without a lab; `literals` reads addresses from their syntax trees, `placement` gives them out
    words       the nearest known word, for messages

Start with `net`, then `lifecycle`.
"""
