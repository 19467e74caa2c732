"""What the filters of both families have in common: whose connection the present packet is, and the firewall's word.

A stack handles one packet at a time, from its first hook to its last, so what Linux notes in the packet itself
(`skb->_nfct`) stands here in one set of fields, the registers of the present packet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from netarium.journey import Drop
from netarium.stack.filter import telling
from netarium.stack.filter.entry import Direction, Entry
from netarium.stack.filter.firewall import ACCEPT, CHAINS, ESTABLISHED, NEW, REJECT, UNTRACKED, Firewall
from netarium.stack.filter.table import ConnectionTable
from netarium.stack.filter.tracking import Tracker
from netarium.wire.ipv4 import Ipv4Header
from netarium.wire.ipv6 import Ipv6Header

if TYPE_CHECKING:
    from netarium.stack.hooks import Hooks
    from netarium.stack.interface import Interface
    from netarium.stack.stack import Stack
    from netarium.wire.ethernet import Frame

FIREWALL_PRIORITY: Final = 0
"""Linux NF_IP_PRI_FILTER."""


class FamilyFilter:
    """The connections of one family, and the firewall's verdicts on its packets."""

    __slots__ = (
        "attached", "current", "firewall", "hooks", "is_related", "pending", "shown", "stack", "state", "table",
        "tracker",
    )  # fmt: skip

    def __init__(self, stack: Stack, hooks: Hooks, firewall: Firewall, family: int) -> None:
        self.stack: Final = stack
        self.hooks: Final = hooks
        self.firewall: Final = firewall
        self.table: Final = ConnectionTable(stack, family)
        self.tracker: Final = Tracker(self.table)
        # The registers of the present packet: set anew at its first hook, read at all later ones.
        self.current: Direction | None = None
        """Its way in its connection; None when it belongs to none."""
        self.state = UNTRACKED
        """What it is to its connection, a bit of `firewall.STATES`."""
        self.is_related = False
        """It is an ICMP error about the connection."""
        self.attached: Direction | None = None
        """The way of an answer that the firewall makes in the host's name (Linux nf_ct_attach)."""
        # Of the stack.
        self.pending: Entry | None = None
        """The newest connection begun; when it was never confirmed, what it borrowed goes back."""
        self.shown: dict[str, Any] = {}
        """The firewall's hooks that are in place, by chain."""

    def begin_packet(self) -> None:
        """The first hook of a packet: forget the one before it."""
        self.current = None
        self.is_related = False
        self.state = UNTRACKED

    def see_again(self, way: Direction | None) -> None:
        """Over lo a packet comes back from the host's own output: it has been counted there."""
        if way is not None:
            self.current = way
            self.state = ESTABLISHED if way.entry.seen_reply else NEW

    def judge(
        self, chain_name: str, frame: Frame, interface: Interface | None, out: Interface | None
    ) -> Frame | None:
        """Let the firewall's chain decide about the packet in `frame`."""
        header = frame.network
        if type(header) is not Ipv4Header and type(header) is not Ipv6Header:
            return frame
        chain = self.firewall.chains[chain_name]
        action, number = chain.judge(frame, header, self.state, interface, out)
        if self.stack.watch.step is not None:
            telling.tell_judged(self.stack, chain, number, action, frame)
        if action == ACCEPT:
            return frame
        way = self.current
        if action == REJECT:
            if way is not None and not self.is_related:
                self.attached = way.entry.original if way.is_reply else way.entry.reply
            try:
                self.reject(frame, interface or out)
            finally:
                self.attached = None
            self.stack.drop(Drop.FILTER_REJECT, frame, chain.told(number))
        else:
            self.stack.drop(Drop.FILTER_RULE, frame, chain.told(number))
        self.current = None
        if way is not None and not way.entry.confirmed:
            way.entry.release()
            if way.entry is self.pending:
                self.pending = None  # what is dropped is no connection: nothing is related to it
        return None

    def reject(self, frame: Frame, interface: Interface | None) -> None:
        """Say no in the name of the one who was asked: RST for TCP, else port unreachable."""
        raise NotImplementedError

    def show_firewall(self) -> None:
        """Put the firewall's hooks where a chain has something to say, and take them from where none has."""
        for name in CHAINS:
            hook = self.shown.pop(name, None)
            if hook is not None:
                self.hooks.remove(name, hook)
            if self.firewall.is_needed(name):
                self.shown[name] = hook = _Chain(self, name).judge
                self.hooks.add(name, FIREWALL_PRIORITY, hook)


class _Chain:
    """A hook that judges by one chain."""

    __slots__ = ("filter", "name")

    def __init__(self, filter: FamilyFilter, name: str) -> None:
        self.filter = filter
        self.name = name

    def judge(self, frame: Frame, interface: Interface | None, out: Interface | None) -> Frame | None:
        """Let the chain decide."""
        return self.filter.judge(self.name, frame, interface, out)
