"""What can go wrong for the one who uses a stack, as values; never raised.

`Failure` is what an operation returns or an endpoint keeps in `error`; only `sockets/errno.py` turns it into an errno.
`NetworkError` is what the network said by ICMP; RFC 1122 4.2.3.9 tells which are hard (they end a connection) and
which soft. The pairs are those of Linux' `icmp_err_convert`.
"""

from __future__ import annotations

from enum import Enum


class Failure(Enum):
    """Why an operation could not be done; the value is the name of Linux' errno."""

    ADDRESS_IN_USE = "EADDRINUSE"
    ADDRESS_NOT_AVAILABLE = "EADDRNOTAVAIL"
    ADDRESS_FAMILY = "EAFNOSUPPORT"
    ALREADY_CONNECTED = "EISCONN"
    BROADCAST_NOT_ALLOWED = "EACCES"
    BROKEN_PIPE = "EPIPE"
    CONNECTION_ABORTED = "ECONNABORTED"
    CONNECTION_REFUSED = "ECONNREFUSED"
    CONNECTION_RESET = "ECONNRESET"
    DESTINATION_REQUIRED = "EDESTADDRREQ"
    HOST_DOWN = "EHOSTDOWN"
    HOST_UNREACHABLE = "EHOSTUNREACH"
    INTERFACE_DOWN = "ENETDOWN"
    INVALID = "EINVAL"
    MESSAGE_TOO_LONG = "EMSGSIZE"
    NETWORK_UNREACHABLE = "ENETUNREACH"
    NO_BUFFERS = "ENOBUFS"
    NO_DEVICE = "ENODEV"
    NO_PROTOCOL_OPTION = "ENOPROTOOPT"
    NOT_CONNECTED = "ENOTCONN"
    NOT_FOUND = "ENOENT"
    NOT_SUPPORTED = "EOPNOTSUPP"
    EXISTS = "EEXIST"
    PERMISSION = "EPERM"
    PROTOCOL = "EPROTO"
    TIMED_OUT = "ETIMEDOUT"


SendFailure = Failure
"""The name `send_packet` uses for what it returns: one enum, one mapping to errno."""


class NetworkError(Enum):
    """What an ICMP error tells a transport; the value is (failure, hard, sentence)."""

    NETWORK_UNREACHABLE = (Failure.NETWORK_UNREACHABLE, False, "no router knows the network")
    HOST_UNREACHABLE = (Failure.HOST_UNREACHABLE, False, "nobody answers for the host on its link")
    PROTOCOL_UNREACHABLE = (Failure.NO_PROTOCOL_OPTION, True, "the host has no module for the protocol")
    PORT_UNREACHABLE = (Failure.CONNECTION_REFUSED, True, "no socket is bound to the port")
    MESSAGE_TOO_LONG = (Failure.MESSAGE_TOO_LONG, False, "the packet is larger than the path carries")
    SOURCE_ROUTE_FAILED = (Failure.NOT_SUPPORTED, False, "the source route failed")
    NETWORK_UNKNOWN = (Failure.NETWORK_UNREACHABLE, True, "the network is unknown")
    HOST_UNKNOWN = (Failure.HOST_DOWN, True, "the host is unknown")
    PROHIBITED = (Failure.HOST_UNREACHABLE, True, "a filter on the way prohibits it")
    TIME_EXCEEDED = (Failure.HOST_UNREACHABLE, False, "its time to live ran out on the way")
    PARAMETER_PROBLEM = (Failure.PROTOCOL, True, "a router could not read the header")
    PARAMETER_WRONG = (Failure.PROTOCOL, False, "the host does not take what an IPv6 header says")
    POLICY = (Failure.BROADCAST_NOT_ALLOWED, True, "a policy on the way prohibits it")

    @property
    def failure(self) -> Failure:
        """What the socket's user is told."""
        return self.value[0]

    @property
    def hard(self) -> bool:
        """Whether an established connection ends by it (Linux: only with IP_RECVERR for connected TCP)."""
        return self.value[1]

    @property
    def sentence(self) -> str:
        """What happened, in one sentence without a full stop."""
        return self.value[2]
