"""Faults of a lab file: what happens at a time (cut, heal, crash, boot), and rules that take frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netarium.errors import UsageError
from netarium.lab.links import Link

if TYPE_CHECKING:
    from netarium.lab.models import FaultEntry
    from netarium.lab.net import Net


def lay_fault(net: Net, fault: FaultEntry) -> None:
    """Arrange for one entry of `faults`. Raises UsageError for nodes and links that are not there."""
    if fault.drop is not None:
        _lay_rule(net, fault)
        return
    assert fault.at is not None  # the schema sees to it
    end_ns = None if fault.for_ is None else fault.at + fault.for_
    if fault.cut is not None:
        link = _link(net, fault.cut)
        net.lifecycle.at(fault.at, link.cut)
        if end_ns is not None:
            net.lifecycle.at(end_ns, link.heal)
    elif fault.heal is not None:
        net.lifecycle.at(fault.at, _link(net, fault.heal).heal)
    elif fault.crash is not None:
        box = net[fault.crash]
        net.lifecycle.at(fault.at, box.crash)
        if end_ns is not None:
            net.lifecycle.at(end_ns, box.boot)
    elif fault.boot is not None:
        net.lifecycle.at(fault.at, net[fault.boot].boot)


def _lay_rule(net: Net, fault: FaultEntry) -> None:
    assert fault.drop is not None
    match = {name: value for name, value in fault.drop.model_dump().items() if value is not None}
    begin_ns = fault.at or 0
    if begin_ns == 0 and fault.for_ is None:
        net.drop(match, sender=fault.from_, nth=fault.nth)
        return
    if fault.from_ is not None:
        net[fault.from_]

    def begin() -> None:
        rule = net.drop(match, sender=fault.from_, nth=fault.nth)
        if fault.for_ is not None:
            net.lifecycle.at(begin_ns + fault.for_, lambda: net.lift(rule))

    net.lifecycle.at(begin_ns, begin)


def _link(net: Net, ends: list[str]) -> Link:
    found = net.links_between(ends[0], ends[1])
    if not found:
        linked = ", ".join(f"[{link.cable.a.name}, {link.cable.b.name}]" for link in net.links)
        raise UsageError(f"there is no link between {ends[0]} and {ends[1]}; links are {linked or 'none'}")
    return found[0]
