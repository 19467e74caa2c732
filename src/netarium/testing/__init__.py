"""What tests of networks are made of; shipped to users.

    checkers   composable assertions about frames: `check(frame, ipv4(ttl=64), tcp(flags="SYN"))`
    packetscript/  packet scripts in packetdrill's notation against a stack, in virtual time
    tshark     tshark as judge of a capture, one interface at a time
    explained  the one list of tshark's warnings that a run may explain, with causes and reasons

Start with `checkers`.
"""
