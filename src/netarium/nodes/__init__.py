"""The boxes one can place: ports, what is inside, and the engine, put together thinly.

    node    what all have in common: name, ports, power
    hub     ports around `link.hub`
    switch  ports around `link.switch`
    host    a stack, its ports, and its one event in the engine
    router  a host that forwards

Start with `host`. A node is built from plain data, so that it can be built again when it boots.
"""
