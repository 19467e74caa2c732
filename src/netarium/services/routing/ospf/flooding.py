"""Link state updates: which LSA is news, to whom it is passed on, and who is thanked for it.

Read first: RFC 2328 13 (the whole procedure), 13.3 (which interfaces), 13.4 (own LSAs), 13.5 (table 19), 14 (ageing).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from netarium.services.routing.alarms import Alarm
from netarium.services.routing.ospf import exchange
from netarium.services.routing.ospf.constants import (
    BACKUP,
    DOWN,
    MIN_LS_ARRIVAL_NS,
    N_EXCHANGE,
    N_FULL,
    N_LOADING,
    RETRANSMIT_NS,
)
from netarium.wire.ospf_lsa import EXTERNAL, MAX_AGE_S, MAX_SEQUENCE, ROUTER, Lsa, LsaHeader

if TYPE_CHECKING:
    from netarium.services.routing.ospf.instance import Instance
    from netarium.services.routing.ospf.interface import OspfInterface
    from netarium.services.routing.ospf.neighbor import Neighbor
    from netarium.wire.ospf import Acknowledgment, Update


class Flooding:
    """The flooding of one router."""

    def __init__(self, instance: Instance) -> None:
        self.instance: Final = instance
        self._expiry: Alarm | None = None

    # What comes.

    def receive_update(self, neighbor: Neighbor, body: Update) -> None:
        """LSAs of a neighbor."""
        if neighbor.state < N_EXCHANGE:
            return
        direct: list[LsaHeader] = []
        for lsa in body.lsas:
            if not lsa.checksum_is_right():
                self.instance.count("LSA with a wrong checksum")
                continue
            if not ROUTER <= lsa.header.type <= EXTERNAL:
                self.instance.count("LSA of an unknown type")
                continue
            self._receive(neighbor, lsa, direct)
            if neighbor.state < N_EXCHANGE:
                return
        if direct:
            neighbor.interface.acknowledge(direct, neighbor.address)
        exchange.received_some(neighbor)

    def _receive(self, neighbor: Neighbor, lsa: Lsa, direct: list[LsaHeader]) -> None:
        """One LSA (13): news, the same, or older than ours."""
        instance = self.instance
        database, now = instance.database, instance.alarms.now
        header = lsa.header
        entry = database.entries.get(header.key)
        if entry is None and header.age_s >= MAX_AGE_S and not self._anybody_exchanges():
            direct.append(header)
            return
        order = 1
        if entry is not None:
            order = header.is_newer_than(entry.lsa.header, header.age_s, entry.age_s(now))
        if order > 0:
            if entry is not None and entry.flooded and now - entry.installed_ns < MIN_LS_ARRIVAL_NS:
                return
            returned = self.flood(lsa, neighbor)
            self.install(lsa, flooded=True)
            if not returned:
                self._acknowledge_news(neighbor, header)
            instance.originator.look_at_own(lsa)
        elif header.key in neighbor.requests:
            neighbor.mismatch()  # BadLSReq
        elif order == 0:
            self._receive_same(neighbor, header, direct)
        else:
            assert entry is not None
            self._send_back(neighbor, entry.now(now), entry.installed_ns)

    def _anybody_exchanges(self) -> bool:
        return any(
            each.state in (N_EXCHANGE, N_LOADING)
            for interface in self.instance.interfaces.values()
            for each in interface.neighbors.values()
        )

    def _acknowledge_news(self, neighbor: Neighbor, header: LsaHeader) -> None:
        interface = neighbor.interface
        if interface.state != BACKUP or neighbor.address == interface.designated:
            interface.acknowledge_later(header)

    def _receive_same(self, neighbor: Neighbor, header: LsaHeader, direct: list[LsaHeader]) -> None:
        """The same instance again: an implied acknowledgment, or a duplicate that is acknowledged at once."""
        if header.key in neighbor.retransmission:
            del neighbor.retransmission[header.key]
            interface = neighbor.interface
            if interface.state == BACKUP and neighbor.address == interface.designated:
                interface.acknowledge_later(header)
        else:
            direct.append(header)

    def _send_back(self, neighbor: Neighbor, lsa: Lsa, installed_ns: int) -> None:
        """Ours is newer: the neighbor gets it at once (13, step 8)."""
        if lsa.header.age_s >= MAX_AGE_S and lsa.header.sequence == MAX_SEQUENCE:
            return
        if self.instance.alarms.now - installed_ns >= MIN_LS_ARRIVAL_NS:
            neighbor.interface.send_lsas([lsa], neighbor.address)

    def receive_acknowledgment(self, neighbor: Neighbor, body: Acknowledgment) -> None:
        """A neighbor has got LSAs (13.7)."""
        if neighbor.state < N_EXCHANGE:
            return
        for header in body.headers:
            owed = neighbor.retransmission.get(header.key)
            if owed is None:
                continue
            ours = owed[0].header
            if ours.sequence == header.sequence and ours.checksum == header.checksum:
                del neighbor.retransmission[header.key]

    # What goes.

    def flood(self, lsa: Lsa, sender: Neighbor | None) -> bool:
        """Pass an LSA on (13.3); whether it went back out by the interface it came in by."""
        returned = False
        for interface in self.instance.interfaces.values():
            if interface.state != DOWN and self._flood_by(interface, lsa, sender):
                interface.flood_queue.append(lsa)
                returned = returned or (sender is not None and sender.interface is interface)
        return returned

    def _flood_by(self, interface: OspfInterface, lsa: Lsa, sender: Neighbor | None) -> bool:
        key, owed = lsa.header.key, False
        for neighbor in interface.neighbors.values():
            if neighbor.state < N_EXCHANGE:
                continue
            wanted = neighbor.requests.get(key) if neighbor.state < N_FULL else None
            if wanted is not None:
                order = lsa.header.is_newer_than(wanted, lsa.header.age_s, wanted.age_s)
                if order < 0:
                    continue
                del neighbor.requests[key]
                self.instance.soon(partial(exchange.received_some, neighbor))
                if order == 0:
                    continue
            if neighbor is sender:
                neighbor.retransmission.pop(key, None)
                continue
            self.owe(neighbor, lsa)
            owed = True
        if not owed:
            return False
        if sender is not None and sender.interface is interface:
            if sender.address in (interface.designated, interface.backup) and not interface.is_point_to_point:
                return False
            if interface.state == BACKUP:
                return False
        return True

    def owe(self, neighbor: Neighbor, lsa: Lsa) -> None:
        """Put an LSA on a neighbor's retransmission list."""
        alarms = self.instance.alarms
        neighbor.retransmission[lsa.header.key] = (lsa, alarms.now)
        if neighbor.retransmit_alarm is None:
            neighbor.retransmit_alarm = alarms.after(RETRANSMIT_NS, lambda: self._retransmit(neighbor))

    def _retransmit(self, neighbor: Neighbor) -> None:
        """Send again what has waited for RxmtInterval; as long as it takes (13.6)."""
        instance = self.instance
        now = instance.alarms.now
        neighbor.retransmit_alarm = None
        due, next_ns = [], 0
        for key, (lsa, sent_ns) in list(neighbor.retransmission.items()):
            if now - sent_ns >= RETRANSMIT_NS:
                entry = instance.database.entries.get(key)
                due.append(lsa if entry is None else entry.now(now))
                neighbor.retransmission[key] = (lsa, now)
                sent_ns = now
            next_ns = min(next_ns or sent_ns, sent_ns)
        if due:
            neighbor.interface.send_lsas(due, neighbor.address)
        if neighbor.retransmission:
            delay_ns = next_ns + RETRANSMIT_NS - now
            neighbor.retransmit_alarm = instance.alarms.after(delay_ns, lambda: self._retransmit(neighbor))

    # What is kept.

    def install(self, lsa: Lsa, flooded: bool) -> None:
        """Into the database (13.2), in place of an older instance, which nobody is owed any more."""
        instance = self.instance
        key = lsa.header.key
        for interface in instance.interfaces.values():
            for neighbor in interface.neighbors.values():
                owed = neighbor.retransmission.get(key)
                if owed is not None and owed[0] is not lsa:
                    del neighbor.retransmission[key]
        if instance.database.install(lsa, instance.alarms.now, flooded):
            instance.schedule_spf()
        self._watch_ages(instance.database.entries[key].expires_ns())

    def _watch_ages(self, expires_ns: int) -> None:
        """One alarm for the first LSA that will reach MaxAge."""
        if self._expiry is not None and self._expiry.pending and self._expiry.time_ns <= expires_ns:
            return
        if self._expiry is not None:
            self._expiry.cancel()
        alarms = self.instance.alarms
        self._expiry = alarms.after(expires_ns - alarms.now, self._expire)

    def _expire(self) -> None:
        """What has reached MaxAge is flooded as such, and forgotten when all know (14)."""
        instance = self.instance
        now = instance.alarms.now
        for key, entry in list(instance.database.entries.items()):
            if key not in instance.database.max_age and entry.age_s(now) >= MAX_AGE_S:
                self.expire_now(entry.lsa)
        following = instance.database.next_expiry_ns()
        if following is not None:
            self._watch_ages(following)

    def expire_now(self, lsa: Lsa) -> None:
        """Flood an LSA at MaxAge: its own age, or this router's wish (premature ageing, 14.1)."""
        dead = lsa.aged(MAX_AGE_S)
        self.flood(dead, None)
        self.install(dead, flooded=False)

    def collect(self) -> None:
        """Forget LSAs at MaxAge that nobody has still to acknowledge (14)."""
        instance = self.instance
        if not instance.database.max_age or self._anybody_exchanges():
            return
        neighbors = [
            each for interface in instance.interfaces.values() for each in interface.neighbors.values()
        ]
        for key in list(instance.database.max_age):
            if not any(key in each.retransmission for each in neighbors):
                instance.database.remove(key)
                instance.originator.forgotten(key)
