"""An interface of a router that speaks OSPF (RFC 2328, 9): hellos, waiting, the election of the designated router.

Read first: RFC 2328 9.1 (states), 9.3 (the state machine), 9.4 (the election), 9.5 and 10.5 (hellos).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from netarium.addresses import ipv4_text
from netarium.services.routing.alarms import SECOND_NS, Alarm
from netarium.services.routing.links import LinkView
from netarium.services.routing.options import POINT_TO_POINT as OPTION_POINT_TO_POINT
from netarium.services.routing.options import LinkOptions
from netarium.services.routing.ospf.constants import (
    BACKUP,
    DELAYED_ACK_NS,
    DOWN,
    DR,
    DR_OTHER,
    N_FULL,
    N_TWO_WAY,
    PACKET_OVERHEAD_BYTES,
    POINT_TO_POINT,
    TRANSMIT_DELAY_S,
    WAITING,
)
from netarium.services.routing.ospf.neighbor import Neighbor
from netarium.wire.ospf import (
    ALL_DESIGNATED,
    ALL_ROUTERS,
    OPTION_EXTERNAL,
    Acknowledgment,
    Body,
    Hello,
    Update,
    emit_packet,
)
from netarium.wire.ospf_lsa import MAX_AGE_S, Lsa, LsaHeader

if TYPE_CHECKING:
    from netarium.services.routing.ospf.instance import Instance


class OspfInterface:
    """One interface. `designated` and `backup` are addresses, 0 for none."""

    def __init__(self, instance: Instance, link: LinkView, options: LinkOptions, cost: int) -> None:
        self.instance: Final = instance
        self.name: Final = link.name
        self.link: Final = link
        self.options: Final = options
        self.cost: Final = cost
        self.mtu: Final = link.mtu
        self.is_point_to_point: Final = options.network == OPTION_POINT_TO_POINT
        self.passive: Final = options.passive or link.name == "lo"
        self.dead_ns: Final = options.dead_s * SECOND_NS
        self.state = DOWN
        self.designated = self.backup = 0
        self.neighbors: dict[int, Neighbor] = {}
        """By router id on a point-to-point link, by address elsewhere (10)."""
        self.flood_queue: list[Lsa] = []
        self.delayed: list[LsaHeader] = []
        self._hello_alarm: Alarm | None = None
        self._wait_alarm: Alarm | None = None
        self._delayed_alarm: Alarm | None = None
        self._hello_key: object = None
        self._hello_bytes = b""

    # Up and down (9.3).

    def up(self) -> None:
        """InterfaceUp."""
        alarms = self.instance.alarms
        if self.passive:
            self.state = DR_OTHER
        elif self.is_point_to_point:
            self.state = POINT_TO_POINT
        elif self.options.priority == 0:
            self.state = DR_OTHER
        else:
            self.state = WAITING
            self._wait_alarm = alarms.after(self.dead_ns, self._stop_waiting)
        if not self.passive:
            self._hello()
        self.instance.links_changed()

    def down(self) -> None:
        """InterfaceDown: neighbors and timers go."""
        for alarm in (self._hello_alarm, self._wait_alarm, self._delayed_alarm):
            if alarm is not None:
                alarm.cancel()
        if self.state in (BACKUP, DR):
            self.instance.transport.hear_designated(self.name, False)
        self.state = DOWN
        for neighbor in list(self.neighbors.values()):
            neighbor.kill()
        self.designated = self.backup = 0
        self.flood_queue.clear()
        self.delayed.clear()
        self.instance.links_changed()

    def _stop_waiting(self) -> None:
        """WaitTimer or BackupSeen."""
        if self._wait_alarm is not None:
            self._wait_alarm.cancel()
            self._wait_alarm = None
        if self.state == WAITING:
            self.elect()

    # Hellos.

    def _hello(self) -> None:
        self._hello_alarm = self.instance.alarms.after(self.options.hello_s * SECOND_NS, self._hello)
        self.instance.look_at_links_once()
        if self.state != DOWN:
            self.send_hello()

    def send_hello(self) -> None:
        """Say who we are and whom we hear. The bytes are made anew only when that has changed."""
        heard = [each.router_id for each in self.neighbors.values()]
        key = (heard, self.designated, self.backup)
        if key != self._hello_key:
            options = self.options
            body = Hello(
                self.link.mask, options.hello_s, OPTION_EXTERNAL, options.priority, options.dead_s,
                self.designated, self.backup, heard,
            )  # fmt: skip
            self._hello_key = key
            self._hello_bytes = emit_packet(self.instance.router_id, 0, body)
        self.instance.transport.send(self.name, ALL_ROUTERS, self._hello_bytes)

    def receive_hello(self, router_id: int, source: int, hello: Hello, data: bytes) -> None:
        """A hello has come (10.5)."""
        refused = self._wrong_in(hello)
        if refused is not None:
            self.instance.refusals.add(self, router_id, source, *refused)
            return
        key = router_id if self.is_point_to_point else source
        neighbor = self.neighbors.get(key)
        if neighbor is None:
            neighbor = self.neighbors[key] = Neighbor(self, router_id, source)
            neighbor.priority, neighbor.designated, neighbor.backup = -1, hello.designated, hello.backup
            self.instance.refusals.mended(self, source)
            self._look_for_twin(neighbor)
        if neighbor.router_id != router_id or neighbor.address != source:
            neighbor.router_id, neighbor.address = router_id, source
            self.instance.links_changed()
        neighbor.last_hello = data
        before = (neighbor.priority, neighbor.designated, neighbor.backup)
        neighbor.priority, neighbor.designated, neighbor.backup = (
            hello.priority, hello.designated, hello.backup,
        )  # fmt: skip
        neighbor.take_hello(hello, self.instance.router_id)
        self._compare(neighbor, before)
        if self.is_point_to_point:
            self.look_at_kind(neighbor)

    def _wrong_in(self, hello: Hello) -> tuple[str, str, str] | None:
        """What two neighbors must agree on and do not (10.5): (what, why, remedy)."""
        options, told = self.options, "no adjacency"
        if hello.hello_s != options.hello_s:
            why = f"has the hello interval {hello.hello_s}s, here it is {options.hello_s}s: {told}"
            return "hello interval", why, "give both the same `hello`"
        if hello.dead_s != options.dead_s:
            why = f"has the dead interval {hello.dead_s}s, here it is {options.dead_s}s: {told}"
            return "dead interval", why, "give both the same `dead`"
        if not self.is_point_to_point and hello.mask != self.link.mask:
            why = f"has the mask /{hello.mask.bit_count()}, here it is /{self.link.length}: {told}"
            return "mask", why, "give both addresses the same prefix length"
        if not hello.options & OPTION_EXTERNAL:
            return (
                "stub area",
                f"says the area is a stub area, here it is none: {told}",
                "make it an ordinary area",
            )
        return None

    def _look_for_twin(self, neighbor: Neighbor) -> None:
        """Two others here with one router id: everybody hears both."""
        for each in self.neighbors.values():
            if each is not neighbor and each.router_id == neighbor.router_id:
                self.instance.refusals.add(
                    self, neighbor.router_id, neighbor.address, "router id",
                    f"has the router id of {ipv4_text(each.address)} too: routes come and go",
                    "give one of them another `router_id`",
                )  # fmt: skip
                return

    def look_at_kind(self, neighbor: Neighbor) -> None:
        """The type of the network is in no packet, but only broadcast networks have a designated router (9.4)."""
        if self.is_point_to_point == bool(neighbor.designated):
            kinds = (
                ("point-to-point", "broadcast") if self.is_point_to_point else ("broadcast", "point-to-point")
            )
            if self.is_point_to_point or (self.designated and neighbor.age_ns() > self.dead_ns):
                self.instance.refusals.add(
                    self, neighbor.router_id, neighbor.address, "network type",
                    f"treats the link as {kinds[1]}, here it is {kinds[0]}: no routes by it",
                    "give both the same `network`",
                )  # fmt: skip

    def _compare(self, neighbor: Neighbor, before: tuple[int, int, int]) -> None:
        """BackupSeen and NeighborChange: what it declares of itself has changed (10.5, the last paragraphs)."""
        if neighbor.state < N_TWO_WAY or self.is_point_to_point:
            return
        address = neighbor.address
        if self.state == WAITING:
            if neighbor.backup == address or (neighbor.designated == address and not neighbor.backup):
                self._stop_waiting()
            return
        priority, designated, backup = before
        if (
            priority != neighbor.priority
            or (designated == address) != (neighbor.designated == address)
            or (backup == address) != (neighbor.backup == address)
        ):
            self.elect()

    def neighbor_changed(self) -> None:
        """A neighbor has come to, or left, the state 2-Way."""
        if self.state in (DR_OTHER, BACKUP, DR) and not self.passive:
            self.instance.soon(self.elect)

    def forget(self, neighbor: Neighbor) -> None:
        """The neighbor is gone."""
        for key, each in list(self.neighbors.items()):
            if each is neighbor:
                del self.neighbors[key]

    # The election (9.4).

    def elect(self) -> None:
        """Choose designated router and backup, and what this router is then."""
        if self.state in (DOWN, POINT_TO_POINT) or self.passive:
            return
        before = (self.designated, self.backup)
        own = self.link.address
        chosen = self._choose(*before)
        if (chosen[0] == own) != (before[0] == own) or (chosen[1] == own) != (before[1] == own):
            chosen = self._choose(*chosen)
        self.designated, self.backup = chosen
        old = self.state
        self.state = DR if self.designated == own else BACKUP if self.backup == own else DR_OTHER
        active = (BACKUP, DR)
        if (self.state in active) != (old in active):
            self.instance.transport.hear_designated(self.name, self.state in active)
        if chosen != before or old != self.state:
            for neighbor in list(self.neighbors.values()):
                if neighbor.state >= N_TWO_WAY:
                    neighbor.reconsider()
            self.instance.links_changed()
        self._look_for_leader()

    def _look_for_leader(self) -> None:
        """Where nobody may be designated router (priority 0), all stay in 2-Way: no routes by this link (9.4)."""
        refusals = self.instance.refusals
        if self.designated:
            refusals.settled(self, "priority")
            return
        for each in self.neighbors.values():
            if each.state >= N_TWO_WAY:
                refusals.add(
                    self, each.router_id, each.address, "priority",
                    "has priority 0, as this router has, so that nobody is designated router: the state stays 2-Way",
                    "give one of them a `priority` above 0",
                )  # fmt: skip

    def _choose(self, designated: int, backup: int) -> tuple[int, int]:
        """Steps 2 and 3 with this router's own declaration as given: (designated, backup)."""
        rivals = [(self.options.priority, self.instance.router_id, self.link.address, designated, backup)]
        for each in self.neighbors.values():
            if each.state >= N_TWO_WAY:
                rivals.append((each.priority, each.router_id, each.address, each.designated, each.backup))
        rivals = [each for each in rivals if each[0] > 0]
        leaders = [each for each in rivals if each[3] == each[2]]
        others = [each for each in rivals if each[3] != each[2]]
        seconds = [each for each in others if each[4] == each[2]]
        new_backup = max(seconds or others, default=(0, 0, 0))[2]
        new_designated = max(leaders, default=(0, 0, 0))[2]
        return (new_designated or new_backup), new_backup

    def wants_adjacency(self, neighbor: Neighbor) -> bool:
        """10.4: everybody on a point-to-point link; elsewhere with and of the designated router and its backup."""
        if self.is_point_to_point:
            return True
        if self.state == WAITING:
            return False
        either = (self.designated, self.backup)
        return self.link.address in either or neighbor.address in either

    def is_transit(self) -> bool:
        """Whether others' packets pass the network: we are adjacent to its designated router, or are it (12.4.1.2)."""
        if self.state == DR:
            return any(each.state == N_FULL for each in self.neighbors.values())
        if self.state in (BACKUP, DR_OTHER) and not self.is_point_to_point and self.designated:
            chief = self.neighbors.get(self.designated)
            return chief is not None and chief.state == N_FULL
        return False

    # Sending.

    def send(self, body: Body, destination: int) -> None:
        """One packet."""
        self.instance.transport.send(self.name, destination, emit_packet(self.instance.router_id, 0, body))

    def group(self) -> int:
        """Whom floods and delayed acknowledgments go to (13.3, 13.5)."""
        if self.is_point_to_point or self.state in (DR, BACKUP):
            return ALL_ROUTERS
        return ALL_DESIGNATED

    def send_lsas(self, lsas: Sequence[Lsa], destination: int) -> None:
        """As many updates as it takes; every LSA is InfTransDelay older when it leaves."""
        room_bytes = self.mtu - PACKET_OVERHEAD_BYTES - 4
        batch: list[Lsa] = []
        left = room_bytes
        for lsa in lsas:
            size = lsa.header.length_bytes
            if batch and size > left:
                self.send(Update(batch), destination)
                batch, left = [], room_bytes
            batch.append(lsa.aged(min(lsa.header.age_s + TRANSMIT_DELAY_S, MAX_AGE_S)))
            left -= size
        if batch:
            self.send(Update(batch), destination)

    def acknowledge_later(self, header: LsaHeader) -> None:
        """A delayed acknowledgment: several go in one packet."""
        self.delayed.append(header)
        if self._delayed_alarm is None:
            self._delayed_alarm = self.instance.alarms.after(DELAYED_ACK_NS, self._send_delayed)

    def _send_delayed(self) -> None:
        self._delayed_alarm = None
        headers, self.delayed = self.delayed, []
        if headers and self.state != DOWN:
            self.acknowledge(headers, self.group())

    def acknowledge(self, headers: Sequence[LsaHeader], destination: int) -> None:
        """Acknowledge now."""
        room = (self.mtu - PACKET_OVERHEAD_BYTES) // 20
        for start in range(0, len(headers), room):
            self.send(Acknowledgment(headers[start : start + room]), destination)

    def flush(self) -> None:
        """Send what is to be flooded by this interface, in as few packets as it takes."""
        if self.flood_queue:
            lsas, self.flood_queue = self.flood_queue, []
            self.send_lsas(lsas, self.group())
