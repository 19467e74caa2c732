"""BSD sockets over one host's stack, and nothing else: they never block.

    errno        failures of the stack -> `OSError` with Linux' errno
    readiness    the EPOLL mask and the list of waiters that everything with a descriptor has
    descriptors  one process' table of descriptors: numbers from 1 << 30, lowest free first, shared by dup
    options      which socket options exist, what they take and give
    multicast    the options by which groups are joined and spoken to
    base         what all sockets have: family, type, protocol, options, the host they are on
    stream       TCP: listening, connecting, connected; `stream_state` is what a socket of it has in all states
    datagram     UDP
    udplite      UDP-Lite, of both families
    local        pipes and socket pairs inside one host; `local_memory` what of a buffer data takes
    unix         AF_UNIX: what all have; streams and seqpackets
    unix_datagram  AF_UNIX datagrams
    unix_names   the names of AF_UNIX sockets, a table per host
    factory      socket(2): which sockets there are, and who may open them
    tcp_options  the options of TCP sockets; `tcp_info` is the struct of TCP_INFO
    closed       what stands for a closed socket
    raw          raw IP sockets, ICMP's among them
    packet       packet sockets: frames of an interface, past TCP/IP
    netlink      routing netlink: a program is told when a link comes or goes
    ancillary    what recvmsg tells beside the data, and what sendmsg is told
    address6     addresses of AF_INET6 sockets, whose IPv4 ones are mapped
    stream6, datagram6, raw6, options6, groups6   the same for AF_INET6, dual-stack
    epoll        select, poll and epoll over readiness: epoll keeps candidates, so polling costs O(ready)

An operation that would block returns None; what fails raises `OSError` with the true errno. Addresses are
(integer, port). `programs/shims` makes blocking calls of them.
"""
