"""What frames travel through: ports, cables, rules on the way, and the insides of hub and switch.

    port       the jack of a box: `transmit` down, `deliver` up, counters
    cable      two directions between two ports: the numbers, the rules, cutting and healing
    direction  one way through a cable: MTU, rate, queue, rules, delay
    queue      how many frames or bytes may wait for the cable
    flight     frames on their way: one event per frame, the head of the row in the engine's heap
    verdict    what a rule says about a frame
    rules      rules by chance: loss, jitter, duplicate, reorder, corrupt
    matching   rules by choice: drop what matches, partitions
    bits       the bits of a frame as a cable carries them, shown and read back
    hub        the inside of a hub: repeat
    switch     the inside of a switch: learn, look up, flood, age
    vlan       the inside of a switch that knows VLANs: access ports and trunks (802.1Q)
    storm      a loop of hubs and switches in which a broadcast never ends: found and named
    spanning_tree  one tree of cables, agreed on by the bridges: STP and RSTP (802.1D)
    tree_port  the state machines of one port in it; `tree_variables` has what they change
    tree_sending  what a port says, and when

Start with `cable`. Nothing here looks above layer 2, but the rules by choice.
"""
