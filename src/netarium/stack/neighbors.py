"""From the next hop's IPv4 address to its MAC: the ARP cache of one interface.

Read first: RFC 826 (Packet Reception: the merge rule), RFC 1122 2.3.2, RFC 5227 1.2 (probes and announcements).

As on Linux a request is broadcast three times, 1 s apart; 1 s after the last the waiting packets fail with
HOST_UNREACHABLE. An entry counts as proven for `base_reachable_time_ms` (30 s; Linux takes a random time between half
and one and a half of it) since the last ARP packet of its owner. Used after that it is trusted for
`delay_first_probe_time` (5 s) more and then probed by unicast requests; unused it is forgotten after `gc_stale_time`
(60 s; Linux does so only above gc_thresh1 entries). Ages are compared on use, no timer runs for them. Unlike Linux a
request heard proves its sender as much as a reply does.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from netarium.addresses import ipv4_text, mac_text
from netarium.journey import Cause, Drop, Stop
from netarium.stack.routes import UNICAST
from netarium.stack.timers import MILLISECOND_NS, NEVER, SECOND_NS, TimerOwner
from netarium.wire.arp import REPLY, REQUEST, ArpPacket
from netarium.wire.ethernet import ETHERTYPE_ARP, MAC_BROADCAST, MAC_GROUP_BIT, Frame
from netarium.wire.icmp import DESTINATION_UNREACHABLE, HOST_UNREACHABLE
from netarium.wire.ipv4 import Ipv4Header

if TYPE_CHECKING:
    from netarium.stack.interface import Interface
    from netarium.stack.stack import Stack

# The states, in `ip neigh`'s words. STALE is a REACHABLE whose time has run out: never stored, only shown.
INCOMPLETE: Final = "INCOMPLETE"
REACHABLE: Final = "REACHABLE"
STALE: Final = "STALE"
DELAY: Final = "DELAY"
PROBE: Final = "PROBE"
FAILED: Final = "FAILED"
PERMANENT: Final = "PERMANENT"


class Neighbor(TimerOwner):
    """One entry. Packets may be sent to `mac` without a further thought while `usable_until_ns` is after now."""

    __slots__ = (
        "address", "confirmed_ns", "mac", "queue", "queue_bytes", "requests", "state", "table", "usable_until_ns",
        "used_ns",
    )  # fmt: skip

    def __init__(self, table: Neighbors, address: int) -> None:
        super().__init__()
        self.table: Final = table
        self.address: Final = address
        self.mac = 0
        self.state = FAILED
        self.usable_until_ns = -1
        self.confirmed_ns = -1
        self.used_ns = -1
        self.requests = 0
        self.queue: Final[deque[Frame]] = deque()
        self.queue_bytes = 0

    def shown_state(self, now: int) -> str:
        """The state as `ip neigh` shows it."""
        return STALE if self.state == REACHABLE and self.usable_until_ns <= now else self.state

    def is_foreground(self) -> bool:
        """A request in flight keeps a run going; the wait before the first probe does not."""
        return self.state != DELAY

    def on_timer(self, now: int) -> None:
        """The delay is over, or a request was not answered."""
        table = self.table
        settings = table.stack.settings
        if self.state == DELAY:
            self.requests = 0
            table.set_state(self, PROBE, Cause.AGED)
        limit = settings.neigh_mcast_solicit if self.state == INCOMPLETE else settings.neigh_ucast_solicit
        if self.requests >= limit:
            table.fail(self)
            return
        table.request(self)


class Neighbors:
    """The ARP cache of one interface. `ndp` has that of IPv6, which asks in another way and believes other things."""

    __slots__ = ("entries", "interface", "learned", "stack")

    protocol = "arp"

    def __init__(self, interface: Interface, stack: Stack) -> None:
        self.interface: Final = interface
        self.stack: Final = stack
        self.entries: Final[dict[int, Neighbor]] = {}
        self.learned = 0
        """How often somebody has proven to be the owner of an entry."""

    @staticmethod
    def address_text(address: int) -> str:
        """An address of the table's family as text."""
        return ipv4_text(address)

    @property
    def reachable_ns(self) -> int:
        """How long a proof holds."""
        return self.stack.settings.neigh_base_reachable_time_ms * MILLISECOND_NS

    def tell_unreachable(self, frame: Frame) -> None:
        """Nobody answered for the next hop of the packet in `frame`: its sender is told."""
        self.stack.icmp.send_error(frame, DESTINATION_UNREACHABLE, HOST_UNREACHABLE)

    # Down: a packet for a next hop that the fast path does not know.

    def resolve(self, address: int, frame: Frame) -> None:
        """Send the packet in `frame` to the MAC of `address`, as soon as that is known.

        When nobody answers, its sender gets an ICMP host unreachable (this host's own sockets too).
        """
        now = self.stack.now
        entry = self.entry(address, frame)
        if entry is None:
            return
        entry.used_ns = now
        if entry.state == REACHABLE and entry.usable_until_ns <= now:
            self.begin_delay(entry)
        if entry.usable_until_ns > now:
            self.interface.send_frame(frame.readdressed(entry.mac, self.interface.mac))
            return
        self._enqueue(entry, frame)
        if entry.state == FAILED:
            entry.requests = 0
            self.set_state(entry, INCOMPLETE, Cause.PROGRAM)
            self.request(entry)

    def entry(self, address: int, frame: Frame | None) -> Neighbor | None:
        """The entry of `address`, made when there is none; None when the table is full of entries in use."""
        entry = self.entries.get(address)
        if entry is not None and not self._is_forgotten(entry):
            return entry
        if entry is not None:
            self.delete(address)
        if len(self.entries) >= self.stack.settings.neigh_gc_thresh3 and not self._make_room():
            self.stack.drop(Drop.NEIGHBOR_QUEUE_FULL, frame, f"{self.interface.name}: the table is full")
            return None
        entry = self.entries[address] = Neighbor(self, address)
        return entry

    def _enqueue(self, entry: Neighbor, frame: Frame) -> None:
        """Linux' unres_qlen_bytes: what is over the limit pushes the oldest out."""
        entry.queue.append(frame)
        entry.queue_bytes += frame.size_bytes
        while entry.queue_bytes > self.stack.settings.neigh_unres_qlen_bytes and len(entry.queue) > 1:
            oldest = entry.queue.popleft()
            entry.queue_bytes -= oldest.size_bytes
            self.stack.drop(Drop.NEIGHBOR_QUEUE_FULL, oldest, f"for {self.address_text(entry.address)}")

    def request(self, entry: Neighbor) -> None:
        """Ask for the MAC once more: everybody, or (PROBE) the one who had it."""
        interface = self.interface
        entry.requests += 1
        destination = entry.mac if entry.state == PROBE else MAC_BROADCAST
        packet = ArpPacket(REQUEST, interface.mac, self._sender_for(entry), 0, entry.address)
        if self.stack.watch.step is not None:
            self.stack.watch.step(
                self.stack.now,
                self.stack.name,
                Stop.RESOLVE,
                f"arp {ipv4_text(entry.address)}",
                {"interface": interface.name, "request": entry.requests, "waiting": len(entry.queue)},
            )
        self.stack.timers.arm(
            entry, self.stack.now + self.stack.settings.neigh_retrans_time_ms * MILLISECOND_NS
        )
        interface.send_frame(Frame(destination, interface.mac, ETHERTYPE_ARP, packet, None, b""))

    def _sender_for(self, entry: Neighbor) -> int:
        """Linux arp_announce 0: the source of the packet that waits, when it is ours; else one of this interface."""
        if entry.queue:
            header = entry.queue[0].network
            if type(header) is Ipv4Header and header.source in self.stack.routes.local:
                return header.source
        return self.interface.address_for(entry.address)

    def begin_delay(self, entry: Neighbor) -> None:
        """It is used after its time: trust it a little longer, then ask."""
        entry.usable_until_ns = NEVER
        self.set_state(entry, DELAY, Cause.AGED)
        delay_ns = self.stack.settings.neigh_delay_first_probe_time * SECOND_NS
        self.stack.timers.arm(entry, self.stack.now + delay_ns)

    def fail(self, entry: Neighbor) -> None:
        """Nobody answered: tell the senders of what waited."""
        entry.usable_until_ns = -1
        self.set_state(entry, FAILED, Cause.GAVE_UP)
        waiting = list(entry.queue)
        entry.queue.clear()
        entry.queue_bytes = 0
        for frame in waiting:
            self.stack.drop(
                Drop.NEIGHBOR_UNREACHABLE,
                frame,
                f"{self.address_text(entry.address)} on {self.interface.name}",
            )
            self.tell_unreachable(frame)

    # Up: ARP packets.

    @staticmethod
    def receive_arp(frame: Frame, interface: Interface) -> None:
        """An ARP packet has arrived at `interface`: RFC 826, Packet Reception."""
        packet = frame.network
        stack = interface.stack
        if type(packet) is not ArpPacket:
            stack.drop(frame.fault or Drop.ARP_MALFORMED, frame, interface.name)
            return
        sender = packet.sender_ip
        if (
            packet.operation not in (REQUEST, REPLY)
            or packet.sender_mac & MAC_GROUP_BIT
            or sender >> 28 >= 0xE
            or sender >> 24 == 127
            or (sender >> 24 == 0 and (sender != 0 or packet.operation == REPLY))
        ):
            stack.drop(Drop.ARP_MALFORMED, frame, interface.name)
            return
        interface.neighbors.merge(packet, frame)

    def merge(self, packet: ArpPacket, frame: Frame) -> None:
        """Learn from a well-formed ARP packet, and answer when it asks for us.

        An entry that exists is updated by any packet of its owner; a new one is made only when we are the target. A
        probe (sender 0) teaches nothing but is answered (RFC 5227 2.1.1).
        """
        stack, sender = self.stack, packet.sender_ip
        own = stack.routes.local
        if (
            packet.target_ip not in own
            and sender not in own
            and sender not in self.entries
            and not stack.settings.conf_proxy_arp
        ):
            # Nearly every packet of a large LAN: one of two others' business.
            stack.drop(Drop.ARP_NOT_FOR_US, frame, f"asks for {ipv4_text(packet.target_ip)}")
            return
        for_us = packet.target_ip in own and stack.interface_with(packet.target_ip) is not None
        for_us = for_us or (bool(stack.settings.conf_proxy_arp) and self._is_proxied(packet))
        if sender in own:
            stack.drop(
                Drop.ARP_NOT_FOR_US, frame, f"{mac_text(packet.sender_mac)} uses {ipv4_text(sender)} too"
            )
            return
        entry = self.entries.get(sender) if sender else None
        if entry is None and for_us and sender:
            entry = self.entry(sender, frame)
        if entry is not None:
            self.learn(entry, packet.sender_mac)
        if not for_us:
            if entry is None:
                stack.drop(Drop.ARP_NOT_FOR_US, frame, f"asks for {ipv4_text(packet.target_ip)}")
            return
        if packet.operation == REQUEST:
            mac = self.interface.mac
            answer = ArpPacket(REPLY, mac, packet.target_ip, packet.sender_mac, sender)
            self.interface.send_frame(Frame(packet.sender_mac, mac, ETHERTYPE_ARP, answer, None, b""))

    def _is_proxied(self, packet: ArpPacket) -> bool:
        """Proxy ARP (RFC 1027, off by default): answer for those to whom we forward by another interface."""
        if not self.stack.settings.ip_forward or packet.target_ip == packet.sender_ip or not packet.sender_ip:
            return False
        route = self.stack.routes.lookup(packet.target_ip)
        return route is not None and route.kind == UNICAST and route.interface is not self.interface

    def learn(self, entry: Neighbor, mac: int) -> None:
        """`mac` has proven to be the owner's: send what waited for it."""
        self.learned += 1
        if entry.state == PERMANENT:
            return
        now = self.stack.now
        entry.mac = mac
        entry.confirmed_ns = now
        entry.usable_until_ns = now + self.reachable_ns
        self.stack.timers.cancel(entry)
        self.set_state(entry, REACHABLE, Cause.SEGMENT)
        self.send_waiting(entry)

    def send_waiting(self, entry: Neighbor) -> None:
        """The MAC of `entry` is known: send what waited for it."""
        mac = entry.mac
        entry.queue_bytes = 0
        while entry.queue:
            self.interface.send_frame(entry.queue.popleft().readdressed(mac, self.interface.mac))

    def confirm(self, address: int) -> None:
        """An upper layer has proof that `address` hears us (RFC 1122 2.3.2.1 (4); Linux dst_confirm)."""
        entry = self.entries.get(address)
        if entry is not None and entry.state in (REACHABLE, DELAY, PROBE):
            self.learn(entry, entry.mac)

    def announce(self, address: int) -> None:
        """Tell the link that `address` is here (RFC 5227 2.3): caches that hold it are updated."""
        mac = self.interface.mac
        packet = ArpPacket(REQUEST, mac, address, 0, address)
        self.interface.send_frame(Frame(MAC_BROADCAST, mac, ETHERTYPE_ARP, packet, None, b""))

    # The table, read and changed by `control`.

    def listing(self) -> list[Neighbor]:
        """The entries there are now, in order of making; those whose time is over are forgotten first."""
        for entry in list(self.entries.values()):
            if self._is_forgotten(entry):
                self.delete(entry.address)
        return list(self.entries.values())

    def add_permanent(self, address: int, mac: int) -> None:
        """Make an entry that never ages and is never asked for."""
        entry = self.entries.get(address)
        if entry is None:
            entry = self.entries[address] = Neighbor(self, address)
        self.learn(entry, mac)
        entry.usable_until_ns = NEVER
        self.set_state(entry, PERMANENT, Cause.PROGRAM)

    def delete(self, address: int) -> bool:
        """Forget an entry; what waits for it fails. False when there is none."""
        entry = self.entries.pop(address, None)
        if entry is None:
            return False
        entry.usable_until_ns = -1  # a `Way` may still know it
        self.stack.timers.cancel(entry)
        for frame in entry.queue:
            self.stack.drop(Drop.NEIGHBOR_UNREACHABLE, frame, "the entry was deleted")
        entry.queue.clear()
        return True

    def flush(self) -> None:
        """Forget every entry but the permanent ones."""
        for entry in list(self.entries.values()):
            if entry.state != PERMANENT:
                self.delete(entry.address)

    def set_state(self, entry: Neighbor, state: str, cause: Cause) -> None:
        """Change an entry's state and tell the watchers."""
        before = entry.state
        entry.state = state
        if before != state and self.stack.watch.state is not None:
            subject = f"{self.protocol} {self.address_text(entry.address)} dev {self.interface.name}"
            self.stack.watch.state(self.stack.now, self.stack.name, subject, before, state, cause)

    def _is_forgotten(self, entry: Neighbor) -> bool:
        settings, now = self.stack.settings, self.stack.now
        if len(self.entries) <= settings.neigh_gc_thresh1:
            return False
        keep_ns = settings.neigh_gc_stale_time * SECOND_NS
        if entry.state == FAILED:
            return now - entry.used_ns >= keep_ns
        if entry.state != REACHABLE:
            return False
        return now - max(entry.usable_until_ns, entry.used_ns) >= keep_ns

    def _make_room(self) -> bool:
        """Forget the entry that is unproven for longest; False when every one is in use."""
        now = self.stack.now
        idle = [each for each in self.entries.values() if each.shown_state(now) in (STALE, FAILED)]
        if not idle:
            return False
        self.delete(min(idle, key=lambda each: max(each.confirmed_ns, each.used_ns)).address)
        return True
