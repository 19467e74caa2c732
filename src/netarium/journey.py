"""The journey of a byte: THE ordered list of stops, the reasons it can be dropped, and who may watch.

Stack, link, sockets and programs report here and to nobody else; tracer, capture, digest, story and docs
read these lists. A new stop, drop reason or cause is added here first, with its sentence.

`Watch` is the one object the reporting code holds. Each of its hooks is `None` until somebody watches, so the
reporting code pays one attribute load and one comparison:

    if watch.drop is not None:
        watch.drop(now_ns, place, Drop.NO_ROUTE, frame)
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Protocol


class Stop(Enum):
    """One place a byte passes, in the order it passes them; the value is (room of the house, sentence)."""

    PROGRAM_CALL = ("programs/shims", "the program calls a socket function")
    NAME = ("names", "a name is looked up: hosts file, caches, name servers in turn")
    SEND_BUFFER = ("sockets/stream", "the bytes are copied into the send buffer")
    SEGMENT = ("stack/tcp/sender", "TCP cuts a segment: window, congestion window and Nagle allow it")
    RETRANSMIT = ("stack/tcp/retransmission", "TCP sends a segment again")
    DATAGRAM = ("stack/udp", "UDP puts its header before one message")
    ROUTE = ("stack/routes", "the longest matching prefix names interface and next hop")
    FILTER_OUT = ("stack/filter", "the rules on the way out let it pass or rewrite it")
    FRAGMENT = ("stack/fragments", "IP cuts the packet to the MTU")
    RESOLVE = ("stack/neighbors", "the next hop's MAC address is looked up, or asked for")
    FRAME = ("wire/ethernet", "the Ethernet header goes before the packet")
    LINK_SENT = ("link/port", "the frame leaves by this port")
    QUEUE = ("link/queue", "the frame waits for the cable to be free")
    CABLE = ("link/cable", "the frame travels")
    LINK_RECEIVED = ("link/port", "the frame arrives at this port")
    SWITCH = ("link/switch", "the switch learns the source and looks up the destination")
    INTERFACE = ("stack/interface", "the frame is for this interface")
    IP_INPUT = ("stack/ip_input", "the packet is for this host")
    FORWARD = ("stack/ip_forward", "the packet is for somebody else: one hop less to live")
    FILTER_IN = ("stack/filter", "the rules on the way in let it pass or rewrite it")
    REASSEMBLE = ("stack/fragments", "the fragments are one packet again")
    PORTS = ("stack/ports", "the port names the socket")
    RECEIVER = ("stack/tcp/receiver", "TCP takes the segment and acknowledges it")
    REASSEMBLY = ("stack/tcp/reassembly", "bytes that came early wait for those before them")
    RECEIVE_BUFFER = ("sockets/stream", "the bytes wait for the program's recv")
    PROGRAM_WAKES = ("programs/shims", "the blocked call returns")

    @property
    def room(self) -> str:
        """The folder or module of the house where this happens."""
        return self.value[0]

    @property
    def sentence(self) -> str:
        """What happens there, in one sentence without a full stop."""
        return self.value[1]


class Drop(Enum):
    """Why a frame, packet or segment ends its journey early; the value is (layer, sentence)."""

    # The cable and what stands on it.
    LINK_DOWN = ("link", "the cable is unplugged or the port is down")
    NO_CABLE = ("link", "no cable is plugged into the port")
    QUEUE_FULL = ("link", "the queue before the cable is full")
    RULE_LOSS = ("link", "a loss rule took it")
    RULE_DROP = ("link", "a drop rule took it")
    PARTITION = ("link", "a partition separates the two ends")
    FRAME_TOO_LONG = ("link", "the frame is longer than the MTU of the link")
    FRAME_CHECK_SEQUENCE = ("link", "the CRC-32 does not fit: bits changed on the way")
    FRAME_MALFORMED = ("link", "the frame is too short for an Ethernet header")
    SWITCH_SAME_PORT = ("link", "the destination is on the port it came from")
    SWITCH_NO_PORT = ("link", "no other port to send it by")
    SWITCH_RESERVED = ("link", "a reserved multicast address that bridges do not forward")
    VLAN_NOT_ALLOWED = ("link", "the port does not carry this VLAN")
    VLAN_UNTAGGED = ("link", "an untagged frame on a trunk without a native VLAN")
    VLAN_TAGGED_ON_ACCESS = ("link", "a tagged frame on an access port")
    PORT_BLOCKED = ("link", "spanning tree blocks the port")
    BPDU_MALFORMED = ("link", "the BPDU is malformed")
    NODE_DOWN = ("link", "the node is switched off")
    # The interface.
    NOT_FOR_THIS_MAC = ("interface", "the destination MAC is another's")
    OWN_SOURCE_MAC = ("interface", "the source MAC is this interface's own")
    VLAN_NOT_FOR_HOST = ("interface", "the host has no interface in the VLAN of the tag")
    UNKNOWN_ETHERTYPE = ("interface", "no module takes this EtherType")
    NO_ADDRESS = ("interface", "the interface has no IP address")
    INTERFACE_DOWN = ("interface", "the interface is down")
    # ARP and neighbours.
    ARP_MALFORMED = ("neighbor", "the ARP packet is malformed")
    ARP_NOT_FOR_US = ("neighbor", "the ARP request asks for another address")
    NEIGHBOR_QUEUE_FULL = ("neighbor", "too many packets wait for the next hop's MAC")
    NEIGHBOR_UNREACHABLE = ("neighbor", "nobody answers for the next hop's address")
    ND_MALFORMED = ("neighbor", "the neighbour discovery message is malformed or from another link")
    ND_NOT_FOR_US = ("neighbor", "the neighbour discovery message is about another address")
    # IP.
    IP_MALFORMED = ("network", "the IP header is malformed")
    IP_CHECKSUM = ("network", "the IP header checksum is wrong")
    IP_NOT_FOR_US = ("network", "the destination address is another's and this host does not forward")
    IP_MARTIAN = ("network", "the source or destination address cannot be on a wire")
    IP_OPTION = ("network", "an IP option is malformed or not accepted")
    TTL_EXPIRED = ("network", "its time to live has run out")
    NO_ROUTE = ("network", "no route leads to the destination")
    PRIVATE_ON_PUBLIC = ("network", "a public router carries no private addresses")
    FRAGMENTATION_NEEDED = ("network", "it is larger than the MTU and must not be fragmented")
    PACKET_TOO_BIG = ("network", "it is larger than the MTU and IPv6 routers do not fragment")
    FRAGMENT_OVERLAP = ("network", "a fragment overlaps another with other bytes")
    FRAGMENT_DUPLICATE = ("network", "all the bytes of the fragment have come before")
    FRAGMENT_TIMEOUT = ("network", "the other fragments did not come in time")
    FRAGMENT_MEMORY = ("network", "too many unfinished packets wait for fragments")
    FRAGMENT_MALFORMED = ("network", "a fragment whose size or offset cannot be")
    UNKNOWN_PROTOCOL = ("network", "no module takes this IP protocol")
    BROADCAST_NOT_ACCEPTED = ("network", "a broadcast is not accepted here")
    EXTENSION_HEADER = ("network", "an IPv6 extension header is malformed or not accepted")
    BEYOND_SCOPE = ("network", "a link-local address does not leave its link")
    IPV6_DISABLED = ("network", "IPv6 is off on this interface")
    # ICMP.
    ICMP_MALFORMED = ("icmp", "the ICMP message is malformed")
    ICMP_CHECKSUM = ("icmp", "the ICMP checksum is wrong")
    ICMP_UNKNOWN_TYPE = ("icmp", "nobody takes this ICMP type")
    ICMP_RATE_LIMIT = ("icmp", "the limit for ICMP errors is reached")
    ICMP_IGNORED = ("icmp", "the settings say to ignore it")
    # UDP.
    UDP_MALFORMED = ("transport", "the UDP header is malformed")
    UDP_CHECKSUM = ("transport", "the UDP checksum is wrong")
    UDP_NO_SOCKET = ("transport", "no socket is bound to the UDP port")
    UDP_BUFFER_FULL = ("transport", "the socket's receive buffer is full")
    UDPLITE_COVERAGE = ("transport", "the UDP-Lite checksum covers less than the socket asks for")
    # TCP.
    TCP_MALFORMED = ("transport", "the TCP header is malformed")
    TCP_CHECKSUM = ("transport", "the TCP checksum is wrong")
    TCP_NO_SOCKET = ("transport", "no socket is bound to the TCP port")
    TCP_NO_CONNECTION = ("transport", "there is no such connection, or none any more")
    TCP_BROADCAST = ("transport", "TCP takes no broadcast or multicast")
    TCP_OUT_OF_WINDOW = ("transport", "the segment lies outside the receive window")
    TCP_OLD_DUPLICATE = ("transport", "all its bytes have been received before")
    TCP_BAD_ACK = ("transport", "it acknowledges what was never sent")
    TCP_BAD_RST = ("transport", "a RST whose sequence number does not fit")
    TCP_PAWS = ("transport", "its timestamp is older than the newest seen")
    TCP_SYN_QUEUE_FULL = ("transport", "the SYN queue is full")
    TCP_ACCEPT_QUEUE_FULL = ("transport", "the accept queue is full")
    TCP_NOT_ACCEPTED = ("transport", "the state of the connection does not take it")
    TCP_REASSEMBLY_FULL = ("transport", "no room for bytes that came early")
    TCP_CLOSED_BY_PROGRAM = ("transport", "the program has closed the socket")
    # Filter, NAT and raw sockets.
    FILTER_RULE = ("filter", "a firewall rule says drop")
    FILTER_REJECT = ("filter", "a firewall rule says reject")
    NAT_NO_MAPPING = ("filter", "no NAT entry takes it")
    NAT_POOL_EXHAUSTED = ("filter", "the NAT pool has no free address")
    NAT_PORTS_EXHAUSTED = ("filter", "the NAT address has no free port")
    CONNTRACK_INVALID = ("filter", "it belongs to no tracked connection and cannot begin one")
    CONNTRACK_FULL = ("filter", "the connection table is full")
    NO_BACKEND = ("filter", "the balancer has no living server")
    RAW_BUFFER_FULL = ("socket", "the raw socket's receive buffer is full")
    DHCP_MALFORMED = ("service", "the DHCP message is malformed")
    DHCP_NOT_SERVED = ("service", "the DHCP message is no request of a subnet that is served here")
    DHCP_NOT_USABLE = ("service", "the DHCP offer or ACK gives nothing that a host can be configured with")
    DHCP_NOT_RELAYED = ("service", "the relay has no way for the DHCP message")
    DNS_MALFORMED = ("service", "the DNS message is malformed")
    DNS_NOT_ASKED = ("service", "the DNS message answers nothing that was asked")
    DNS_BUSY = ("service", "the name server works at that question already, or at too many")

    __hash__ = object.__hash__
    """Members are single objects; Enum's own hash is Python code, and drops are counted in dictionaries."""

    @property
    def layer(self) -> str:
        """Which layer drops it."""
        return self.value[0]

    @property
    def sentence(self) -> str:
        """Why, in one sentence without a full stop."""
        return self.value[1]


class Cause(Enum):
    """Why a retransmission, probe or state change happened; the value is its sentence."""

    PROGRAM = "the program called"
    SEGMENT = "a segment arrived"
    TIMEOUT = "the retransmission timer ran out"
    FAST = "three duplicate acknowledgments"
    SACK = "selective acknowledgments show a hole"
    RACK = "a later segment was acknowledged long enough ago"
    TAIL_LOSS_PROBE = "no acknowledgment within two round trips: the tail is probed"
    ZERO_WINDOW_PROBE = "the peer's window is zero: it is probed"
    KEEPALIVE = "the connection has been silent: it is probed"
    PATH_MTU = "the path carries less than was thought"
    GAVE_UP = "nobody answered the last try"
    UNREACHABLE = "the network says the peer cannot be reached"
    LINGER = "the program asked to reset on close"
    TOO_MANY_ORPHANS = "more connections than tcp_max_orphans are closed by their programs alone"
    TOO_MANY_IN_TIME_WAIT = "tcp_max_tw_buckets connections are in TIME-WAIT already"
    UNREAD_DATA = "the program closed with bytes unread"
    TIME_WAIT_OVER = "two maximum segment lifetimes have passed"
    AGED = "its time is over"
    BPDU = "another bridge said so"
    NEIGHBOR_ROUTER = "a neighboring router said so"
    NODE_DOWN = "the node was switched off"
    OPERATOR = "somebody plugged, cut or switched it"


class FrameLike(Protocol):
    """What watchers may ask of a frame without importing `wire`."""

    @property
    def size_bytes(self) -> int:
        """The frame's length on the wire, padding included, FCS not."""
        ...

    def __bytes__(self) -> bytes: ...


class PortLike(Protocol):
    """What watchers may ask of a port: `name` is `node:interface`, `number` counts from 0 in order of creation."""

    @property
    def name(self) -> str:
        """The port's name, `node:interface`."""
        ...

    @property
    def number(self) -> int:
        """The port's number in the net, from 0; the interface id of its capture block."""
        ...


FrameHook = Callable[[int, PortLike, Stop, FrameLike], None]
"""(now_ns, port, Stop.LINK_SENT or Stop.LINK_RECEIVED, frame)."""
DropHook = Callable[[int, str, Drop, FrameLike | None, str], None]
"""(now_ns, place, reason, frame if there is one, detail)."""
StateHook = Callable[[int, str, str, str, str, Cause], None]
"""(now_ns, place, subject such as `tcp 10.0.0.1:80-10.0.0.2:4321`, state before, state after, cause)."""
StepHook = Callable[[int, str, Stop, str, dict[str, object]], None]
"""(now_ns, place, stop, subject, details such as the route that won or the segment held back and by what)."""
CallHook = Callable[[int, str, str, str, dict[str, object]], None]
"""(now_ns, host, program, call such as `send`, details: arguments, result or errno)."""


class Observer(Protocol):
    """Somebody who watches. Every method is optional: `Watch.add` takes those that are there.

    `frame`, `drop`, `state`, `step` and `call` have the signatures of the hooks above. An observer must not
    change anything it is shown and must not raise.
    """


def _fan_out(hooks: list[Callable[..., None]]) -> Callable[..., None] | None:
    if not hooks:
        return None
    if len(hooks) == 1:
        return hooks[0]
    together = tuple(hooks)

    def report(*args: object) -> None:
        for hook in together:
            hook(*args)

    return report


class Watch:
    """The hooks of one net, shared by everything in it. Each is None while nobody watches."""

    __slots__ = ("_observers", "call", "drop", "frame", "gather", "state", "step")

    def __init__(self) -> None:
        self._observers: list[object] = []
        self.frame: FrameHook | None = None
        self.gather: Callable[[tuple[int, int, int, int]], None] | None = None
        """Set while the digest alone is told of frames: takes (now, port number, 0, digest of the frame) for a frame
        received whose digest is known, which is what its `frame` would do; nearly every event of most runs.
        """
        self.drop: DropHook | None = None
        self.state: StateHook | None = None
        self.step: StepHook | None = None
        self.call: CallHook | None = None

    def add(self, observer: object) -> None:
        """Let `observer` be told from now on; it is asked for in the order of adding."""
        self._observers.append(observer)
        self._compose()

    def remove(self, observer: object) -> None:
        """Tell `observer` nothing more."""
        self._observers.remove(observer)
        self._compose()

    def _compose(self) -> None:
        for name in ("frame", "drop", "state", "step", "call"):
            hooks = [getattr(each, name) for each in self._observers if hasattr(each, name)]
            setattr(self, name, _fan_out(hooks))
        told = [each for each in self._observers if hasattr(each, "frame")]
        self.gather = getattr(told[0], "gather", None) if len(told) == 1 else None
