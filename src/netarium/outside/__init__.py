"""The real world beside a net: a network namespace of our own, a TAP device in it, and time that passes as on the wall.

    namespace   `Namespace`: a fresh Linux network namespace, which goes with the object that made it
    tap         `Tap`: a device of a namespace, as a box of the net that a cable can be plugged into
    pacing      `RealTime`: lets a net's time pass as the wall clock's, and frames go both ways

Needs root (CAP_NET_ADMIN and CAP_SYS_ADMIN) and is for proofs against the kernel's stack. A device is only ever made in
a namespace made here, which has no other interface but lo: nothing of the machine's own network can be reached, and no
address outside the namespace is served. The rest of the product never needs this folder.
"""
